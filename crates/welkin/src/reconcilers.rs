//! `welkin admin reconcilers`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use region::ReconcilerStatus;
use region::admin::{Answer, Request, ask};

use crate::settings::Settings;

/// Prints how the reconcilers of a running region do.
pub fn run(settings: &Settings) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(ask(&settings.data_dir, Request::Reconcilers, Duration::from_secs(10)));
    let answer = asked.with_context(|| format!("no region answers on {}", settings.data_dir.display()))?;
    match answer {
        Answer::Reconcilers(statuses) => print!("{}", table(&statuses)),
        other => bail!("unexpected answer: {other:?}"),
    }
    Ok(())
}

fn table(statuses: &[ReconcilerStatus]) -> String {
    let mut text = format!(
        "{:<14} {:<7} {:>6} {:>6} {:>8} {:>8} {:>8} {:>8}  {}\n",
        "NAME", "STATE", "RUNS", "FAILED", "LAST ms", "EXAMINED", "CHANGED", "WAITING", "LAST ERROR"
    );
    for status in statuses {
        let state = if status.is_active {
            "active"
        } else if status.last_error.is_some() {
            "failing"
        } else {
            "idle"
        };
        text.push_str(&format!(
            "{:<14} {:<7} {:>6} {:>6} {:>8} {:>8} {:>8} {:>8}  {}\n",
            status.name,
            state,
            status.activations,
            status.failures,
            status.last_millis,
            status.examined,
            status.changed,
            status.waiting,
            status.last_error.as_deref().unwrap_or("-")
        ));
    }
    text
}
