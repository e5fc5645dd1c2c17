//! `welkin session`: lists and ends the sessions of a running region.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use region::admin::{Answer, Request, ask};
use region::{SessionAnswer, SessionLine, SessionOrder};

use crate::processes;
use crate::settings::Settings;

/// Prints the sessions that are good now.
pub fn list(settings: &Settings, is_json: bool) -> Result<()> {
    let SessionAnswer::Listed(lines) = order(settings, SessionOrder::List)? else { bail!("unexpected answer") };
    if is_json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        print!("{}", table(&lines));
    }
    Ok(())
}

/// Ends a session.
pub fn revoke(settings: &Settings, access_key: String) -> Result<()> {
    let SessionAnswer::Revoked = order(settings, SessionOrder::Revoke(access_key))? else { bail!("unexpected answer") };
    println!("revoked: its next request is refused");
    Ok(())
}

fn order(settings: &Settings, order: SessionOrder) -> Result<SessionAnswer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sockets = processes::sockets(&settings.data_dir);
    ensure!(!sockets.is_empty(), "no region runs in {}", settings.data_dir.display());
    let mut last = None;
    // Each process of a region can do it: the first that answers does. Doing it twice does no harm.
    for folder in &sockets {
        match runtime.block_on(ask(folder, Request::Session(order.clone()), Duration::from_secs(30))) {
            Ok(Answer::Session(answer)) => return Ok(answer),
            Ok(Answer::Refused(why)) => bail!("{why}"),
            Ok(other) => bail!("unexpected answer: {other:?}"),
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| std::io::ErrorKind::NotFound.into());
    Err(error).with_context(|| format!("no region runs in {}; start it with `welkin up`", settings.data_dir.display()))
}

fn table(lines: &[SessionLine]) -> String {
    let mut text = format!("{:<20}  {:<20}  {:<20}  {}\n", "ACCESS KEY", "SINCE", "UNTIL", "WHO");
    for line in lines {
        let time = |time: jiff::Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let (since, until) = (time(line.issued), time(line.expires));
        text.push_str(&format!("{:<20}  {since:<20}  {until:<20}  {}\n", line.access_key, line.arn));
    }
    text
}
