//! Settings of what watches over a region: logs, audit trail, throttle, and who may see how it is; and beginning to log.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use audit::Log;
use clap::Args;
use region::{DEFAULT_THROTTLE, Network, Region};

use crate::data_dir::DataDir;
use crate::settings::Values;

/// Options of `welkin up`.
#[derive(Args)]
pub struct Options {
    /// How log lines look: text for people, json for collectors [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// MiB that the audit trail may have [default: 1024]
    #[arg(long, value_name = "MIB")]
    audit_size: Option<String>,
    /// Days after which records of the audit trail go [default: 90]
    #[arg(long, value_name = "DAYS")]
    audit_days: Option<String>,
    /// Also record calls on objects and the like: on or off [default: off]
    #[arg(long, value_name = "SWITCH")]
    audit_data_events: Option<String>,
    /// How fast each account may call: so many times AWS's documented rates, or off [default: 5000]
    #[arg(long, value_name = "FACTOR")]
    throttle: Option<String>,
    /// Networks that may see details of the health and metrics, or none [default: this machine]
    #[arg(long, value_name = "NETWORKS")]
    observe_from: Option<String>,
}

impl Options {
    /// The options that were given, by key.
    pub fn values(self) -> impl IntoIterator<Item = (String, String)> {
        let all = [
            ("log_format", self.log_format),
            ("audit_size", self.audit_size),
            ("audit_days", self.audit_days),
            ("audit_data_events", self.audit_data_events),
            ("throttle", self.throttle),
            ("observe_from", self.observe_from),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)))
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watching {
    /// How log lines look.
    pub log_format: LogFormat,
    /// What is kept of the audit trail.
    pub audit: audit::Options,
    /// The factor of AWS's rates; 0 for none.
    pub throttle: u32,
    /// Who may see details; none for this machine.
    pub observe_from: Option<Vec<Network>>,
}

impl Watching {
    /// Reads the values of its keys.
    ///
    /// # Errors
    /// A value that its key does not take.
    pub fn from_values(values: &Values) -> Result<Self> {
        let text = |key: &str| values.get(key).map(String::as_str);
        let log_format = match text("log_format").unwrap_or("text") {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => bail!("log_format: '{other}' is neither text nor json"),
        };
        let number = |key: &str, least: u32, default: u32| match text(key) {
            None => Ok(default),
            Some(given) => given
                .parse()
                .ok()
                .filter(|number| (least..=1_000_000).contains(number))
                .with_context(|| format!("{key}: '{given}' is not a number from {least} to 1000000")),
        };
        let has_data_events = match text("audit_data_events").unwrap_or("off") {
            "on" => true,
            "off" => false,
            other => bail!("audit_data_events: '{other}' is neither on nor off"),
        };
        let networks =
            |given: &str| given.split(',').map(|network| network.trim().parse()).collect::<Result<Vec<Network>, _>>();
        Ok(Self {
            log_format,
            audit: audit::Options {
                total_bytes: u64::from(number("audit_size", 1, 1024)?) << 20,
                max_days: number("audit_days", 1, 90)?,
                has_data_events,
            },
            throttle: match text("throttle") {
                Some("off") => 0,
                _ => number("throttle", 1, DEFAULT_THROTTLE)?,
            },
            observe_from: match text("observe_from") {
                None => None,
                Some("none") => Some(Vec::new()),
                Some(given) => Some(networks(given).context("observe_from")?),
            },
        })
    }
}

/// The region with its audit trail in the data folder, and with the rest of these settings. `process` is its process's
/// name, if there may be others beside it.
///
/// # Errors
/// If the audit trail cannot be opened.
pub fn watched(region: Region, data: &DataDir, process: Option<&str>, watching: &Watching) -> Result<Region> {
    let log = Log::open_as(&data.audit(), process, &watching.audit).context("cannot open the audit trail")?;
    let region = region.with_audit(Arc::new(log)).with_throttle(watching.throttle);
    Ok(match &watching.observe_from {
        Some(networks) => region.with_observers(networks.clone()),
        None => region,
    })
}

/// Begins to log, in the form that is set.
///
/// # Errors
/// A filter that is none.
pub fn init_log(filter: &str, format: LogFormat) -> Result<()> {
    use std::io::IsTerminal;
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .with_context(|| format!("log: '{filter}' is no filter such as info or info,edge=debug"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
    };
    set.map_err(|error| anyhow!("cannot log: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{LogFormat, Watching};

    fn check(key: &str, value: &str) -> Result<Watching, String> {
        let values = [(key.to_owned(), value.to_owned())].into();
        Watching::from_values(&values).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn values_are_read() {
        let usual = check("log", "info").unwrap();
        assert_eq!((usual.log_format, usual.throttle, usual.observe_from), (LogFormat::Text, 5000, None));
        assert_eq!((usual.audit.total_bytes, usual.audit.has_data_events), (1 << 30, false));
        assert_eq!(check("log_format", "json").unwrap().log_format, LogFormat::Json);
        assert_eq!(check("throttle", "off").unwrap().throttle, 0);
        assert_eq!(check("observe_from", "none").unwrap().observe_from, Some(Vec::new()));
        assert_eq!(check("observe_from", "10.0.0.0/8, ::1").unwrap().observe_from.map(|all| all.len()), Some(2));
        for (key, value) in [
            ("log_format", "xml"),
            ("audit_size", "0"),
            ("audit_days", "many"),
            ("audit_data_events", "yes"),
            ("throttle", "0"),
            ("observe_from", "everywhere"),
        ] {
            let error = check(key, value).unwrap_err();
            assert!(error.starts_with(key), "{error}");
        }
    }
}
