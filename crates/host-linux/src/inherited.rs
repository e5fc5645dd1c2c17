//! The listening socket that a process was born with: from a service manager (systemd's socket activation, `LISTEN_FDS`),
//! or from the program that this process was before (`welkin restart`).

use std::fmt::Display;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use socket2::Socket;

/// Says which process may take which descriptor, as `pid:fd:from`: programs that we start inherit the variable, but not
/// the process id.
const VARIABLE: &str = "_WELKIN_SOCKET";
/// The first descriptor of socket activation.
const FIRST: RawFd = 3;

/// Who made a socket that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// A service manager, which keeps it too: it decides where we listen.
    Manager,
    /// We, or the program that this process was before.
    Ourselves,
}

/// Takes the socket that this process was born with, if there is one. To be called at the start of a process, before
/// anything is opened; a second call gives none.
///
/// # Errors
/// If the environment promises a socket that is not there, does not listen, or is one of several.
pub fn take() -> io::Result<Option<(TcpListener, Maker)>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(None);
    }
    let variable = |name: &str| std::env::var(name).ok();
    let Some((number, from)) = promised(process::id(), variable)? else { return Ok(None) };
    // SAFETY: the environment names this very process and this descriptor, so whoever started the program left it open
    // for it, and nothing in this process has opened or taken it: this line is reached once, at the start.
    #[allow(unsafe_code)]
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    // Nobody may hear of a descriptor that is not open; it is not closed then either.
    let Ok(flags) = fcntl_getfd(&socket) else {
        std::mem::forget(socket);
        return Err(broken(format_args!("descriptor {number} is not open")));
    };
    fcntl_setfd(&socket, flags | FdFlags::CLOEXEC)?;
    let socket = Socket::from(socket);
    if !socket.is_listener().unwrap_or(false) || socket.local_addr()?.as_socket().is_none() {
        return Err(broken(format_args!("descriptor {number} is no listening TCP socket")));
    }
    Ok(Some((socket.into(), from)))
}

fn broken(what: impl Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("the socket that was handed over: {what}"))
}

/// What the environment promises to the process `pid`.
fn promised(pid: u32, variable: impl Fn(&str) -> Option<String>) -> io::Result<Option<(RawFd, Maker)>> {
    if let Some(text) = variable(VARIABLE) {
        let Some((owner, left)) = parse(&text) else { return Err(broken(format_args!("{VARIABLE} is '{text}'"))) };
        if owner == pid {
            return Ok(Some(left));
        }
    }
    if variable("LISTEN_PID").and_then(|text| text.parse().ok()) != Some(pid) {
        return Ok(None);
    }
    match variable("LISTEN_FDS").unwrap_or_default().parse() {
        Ok(0) => Ok(None),
        Ok(1) => Ok(Some((FIRST, Maker::Manager))),
        Ok(count) => {
            Err(broken(format_args!("there are {count}, and one is wanted: a socket unit with one ListenStream")))
        }
        Err(_) => Err(broken("LISTEN_FDS is no number")),
    }
}

fn parse(text: &str) -> Option<(u32, (RawFd, Maker))> {
    let mut parts = text.split(':');
    let (owner, number) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let maker = match parts.next()? {
        "manager" => Maker::Manager,
        "ourselves" => Maker::Ourselves,
        _ => return None,
    };
    Some((owner, (number, maker)))
}

/// Leaves a socket open for the program that this process is about to become: gives the variable for its environment.
/// Nothing else may be started in between, as it would inherit the socket too.
///
/// # Errors
/// The kernel's.
pub fn leave(socket: &TcpListener, maker: Maker) -> io::Result<(&'static str, String)> {
    let flags = fcntl_getfd(socket)?;
    fcntl_setfd(socket, flags - FdFlags::CLOEXEC)?;
    let maker = match maker {
        Maker::Manager => "manager",
        Maker::Ourselves => "ourselves",
    };
    Ok((VARIABLE, format!("{}:{}:{maker}", process::id(), socket.as_raw_fd())))
}

#[cfg(test)]
mod tests {
    use super::{Maker, promised};

    fn check(variables: &[(&str, &str)]) -> Result<Option<(i32, Maker)>, String> {
        let find = |name: &str| {
            let found = variables.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        promised(7, find).map_err(|error| error.to_string())
    }

    #[test]
    fn only_what_is_meant_for_this_process_is_taken() {
        assert_eq!(check(&[]), Ok(None));
        assert_eq!(check(&[("_WELKIN_SOCKET", "7:12:ourselves")]), Ok(Some((12, Maker::Ourselves))));
        assert_eq!(check(&[("_WELKIN_SOCKET", "7:9:manager")]), Ok(Some((9, Maker::Manager))));
        assert_eq!(check(&[("_WELKIN_SOCKET", "8:12:ourselves")]), Ok(None), "our parent's");
        assert_eq!(check(&[("LISTEN_PID", "7"), ("LISTEN_FDS", "1")]), Ok(Some((3, Maker::Manager))));
        assert_eq!(check(&[("LISTEN_PID", "8"), ("LISTEN_FDS", "1")]), Ok(None));
        assert_eq!(check(&[("LISTEN_PID", "7"), ("LISTEN_FDS", "0")]), Ok(None));
        let both = [("_WELKIN_SOCKET", "7:12:ourselves"), ("LISTEN_PID", "7"), ("LISTEN_FDS", "1")];
        assert_eq!(check(&both), Ok(Some((12, Maker::Ourselves))), "a region that was activated and then restarted");
    }

    #[test]
    fn what_is_not_understood_is_said() {
        assert!(check(&[("_WELKIN_SOCKET", "7:12")]).unwrap_err().contains("_WELKIN_SOCKET is '7:12'"));
        assert!(check(&[("LISTEN_PID", "7"), ("LISTEN_FDS", "2")]).unwrap_err().contains("there are 2"));
        assert!(check(&[("LISTEN_PID", "7")]).unwrap_err().contains("no number"));
    }
}
