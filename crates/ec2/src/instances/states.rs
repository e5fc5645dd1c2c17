//! The life of an instance, and what is allowed when.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html>.

use serde::{Deserialize, Serialize};

/// A state of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// Its machine is being made.
    Pending,
    /// Its machine runs.
    Running,
    /// It is about to be gone.
    ShuttingDown,
    /// It is gone; only its record is left, for an hour.
    Terminated,
    /// It is about to be stopped.
    Stopping,
    /// It has no machine, but may have one again.
    Stopped,
}

/// What somebody does to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "instances cannot be stopped before there are volumes")]
pub enum Action {
    /// `TerminateInstances`.
    Terminate,
    /// `RebootInstances`.
    Reboot,
    /// `StopInstances`.
    Stop,
    /// `StartInstances`.
    Start,
}

impl InstanceState {
    /// AWS's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// AWS's number of it (the low byte of `code`).
    pub fn code(self) -> i32 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }

    /// The state that an action leads to, or none if it is not allowed now. An action that changes nothing leads to
    /// the present state.
    pub fn after(self, action: Action) -> Option<Self> {
        match (self, action) {
            (Self::Pending | Self::Running | Self::Stopping | Self::Stopped, Action::Terminate) => {
                Some(Self::ShuttingDown)
            }
            (Self::ShuttingDown | Self::Terminated, Action::Terminate) => Some(self),
            (Self::Pending | Self::Running, Action::Reboot) => Some(self),
            (Self::ShuttingDown | Self::Terminated | Self::Stopping | Self::Stopped, Action::Reboot) => None,
            (Self::Running | Self::Pending, Action::Stop) => Some(Self::Stopping),
            (Self::Stopping | Self::Stopped, Action::Stop) => Some(self),
            (Self::ShuttingDown | Self::Terminated, Action::Stop) => None,
            (Self::Stopped, Action::Start) => Some(Self::Pending),
            (Self::Pending | Self::Running, Action::Start) => Some(self),
            (Self::ShuttingDown | Self::Terminated | Self::Stopping, Action::Start) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Action::{Reboot, Start, Stop, Terminate};
    use super::InstanceState::{self, Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};

    #[test]
    fn what_is_allowed_when() {
        let actions = [Terminate, Reboot, Stop, Start];
        let table: [(InstanceState, [Option<InstanceState>; 4]); 6] = [
            (Pending, [Some(ShuttingDown), Some(Pending), Some(Stopping), Some(Pending)]),
            (Running, [Some(ShuttingDown), Some(Running), Some(Stopping), Some(Running)]),
            (ShuttingDown, [Some(ShuttingDown), None, None, None]),
            (Terminated, [Some(Terminated), None, None, None]),
            (Stopping, [Some(ShuttingDown), None, Some(Stopping), None]),
            (Stopped, [Some(ShuttingDown), None, Some(Stopped), Some(Pending)]),
        ];
        for (state, expected) in table {
            assert_eq!(actions.map(|action| state.after(action)), expected, "{state:?}");
        }
    }
}
