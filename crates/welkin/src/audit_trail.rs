//! `welkin audit`: the audit trail for people. It reads the files, so it works on a region that is down as well.

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use audit::{Stored, Trail};
use clap::Args;

use crate::settings::Settings;

/// How often a trail that is followed is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Which records, and how they are shown.
#[derive(Args)]
pub struct Options {
    /// Go on and print records as they come, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Only calls of this account
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Only calls of this operation, such as RunInstances
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Only calls since then: 90s, 15m, 2h, 7d, or a time such as 2026-11-22T08:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Print each record as it is kept: one JSON object a line, in CloudTrail's form
    #[arg(long)]
    json: bool,
}

/// Prints the records.
///
/// # Errors
/// A time that is none, or the kernel's. That nobody reads any more is the end, and no error.
pub fn run(settings: &Settings, options: &Options) -> Result<()> {
    let since = options.since.as_deref().map_or(Ok(0), since)?;
    let folder = settings.data_dir.join("audit");
    if !folder.is_dir() && !options.follow {
        anyhow::bail!("there is no audit trail in {}", settings.data_dir.display());
    }
    let mut trail = Trail::new(&folder, since);
    let mut out = io::BufWriter::new(io::stdout().lock());
    loop {
        while let Some(record) = trail.next().with_context(|| format!("cannot read {}", folder.display()))? {
            if !options.wants(&record) {
                continue;
            }
            let text = if options.json { record.json } else { line(&record) };
            match writeln!(out, "{text}") {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                other => other?,
            }
        }
        match out.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
        if !options.follow {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

impl Options {
    fn wants(&self, record: &Stored) -> bool {
        self.account.as_ref().is_none_or(|account| record.recipient_account_id.as_ref() == Some(account))
            && self.event.as_ref().is_none_or(|event| record.event_name == *event)
    }
}

/// Time, who, what, on what, from where, and how it ended.
fn line(record: &Stored) -> String {
    let service = record.event_source.strip_suffix(".amazonaws.com").unwrap_or(&record.event_source);
    let who = match (record.recipient_account_id.as_deref(), &record.user_identity.arn) {
        (_, Some(arn)) => arn.clone(),
        (Some(account), None) => account.to_owned(),
        (None, None) => {
            format!("unproven {}", record.user_identity.access_key_id.as_deref().unwrap_or("(no key)"))
        }
    };
    let outcome = match (&record.error_code, &record.error_message) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.clone(),
        (None, _) => "ok".to_owned(),
    };
    let on: Vec<&str> = record.additional_event_data.resources.iter().map(|(_, name)| name.as_str()).collect();
    let on = if on.is_empty() { String::new() } else { format!(" on {}", on.join(", ")) };
    let text = format!(
        "{} {who} {service}:{}{on} from {} [{}] {outcome}",
        record.event_time, record.event_name, record.source_ip_address, record.request_id
    );
    // What a client wrote must not steer a terminal.
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// A time, or a time span before now, in microseconds since 1970.
fn since(text: &str) -> Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
    let wrong = || format!("--since: '{text}' is neither a span such as 15m nor a time such as 2026-11-22T08:00:00Z");
    let unit = match text.chars().last() {
        Some('s') => Some(1),
        Some('m') => Some(60),
        Some('h') => Some(3600),
        Some('d') => Some(86_400),
        _ => None,
    };
    if let Some((unit, number)) = unit.and_then(|unit| Some((unit, text[..text.len() - 1].parse::<u64>().ok()?))) {
        let span = Duration::from_secs(number.saturating_mul(unit));
        return Ok(u64::try_from(now.saturating_sub(span).as_micros()).unwrap_or(0));
    }
    let time: jiff::Timestamp = text.parse().ok().with_context(wrong)?;
    Ok(u64::try_from(time.as_microsecond()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use audit::Stored;

    use super::{line, since};

    #[test]
    fn times_and_spans() {
        assert_eq!(since("2026-11-21T08:00:00Z").unwrap(), 1_795_248_000_000_000);
        let (hour, minute) = (since("1h").unwrap(), since("1m").unwrap());
        assert!((3_530_000_000..3_550_000_000).contains(&(minute - hour)), "{minute} {hour}");
        for text in ["", "h", "yesterday", "-1h", "2026"] {
            assert!(since(text).unwrap_err().to_string().contains("neither"), "{text}");
        }
    }

    #[test]
    fn a_line_says_it_all_and_steers_no_terminal() {
        let mut record = Stored {
            event_name: "CreateVpc".into(),
            event_source: "ec2.amazonaws.com".into(),
            event_time: "2026-11-21T08:00:00Z".into(),
            source_ip_address: "10.0.0.1".into(),
            request_id: "r".into(),
            ..Stored::default()
        };
        record.error_message = Some("no\u{1b}[2J".into());
        record.error_code = Some("Client.No".into());
        let wanted = "2026-11-21T08:00:00Z unproven (no key) ec2:CreateVpc from 10.0.0.1 [r] Client.No: no\u{fffd}[2J";
        assert_eq!(line(&record), wanted);
    }
}
