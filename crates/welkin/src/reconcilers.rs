//! `welkin admin reconcilers`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use region::ReconcilerStatus;
use region::admin::{Answer, Request, ask};

use crate::processes;
use crate::settings::Settings;

/// Prints how the reconcilers of a running region do.
pub fn run(settings: &Settings) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sockets = processes::sockets(&settings.data_dir);
    let mut is_answered = false;
    for folder in &sockets {
        let asked = runtime.block_on(ask(folder, Request::Reconcilers, Duration::from_secs(10)));
        let answer = match asked.with_context(|| format!("no region answers on {}", folder.display())) {
            Ok(answer) => answer,
            // One of several that hangs must not hide how the others do.
            Err(error) if sockets.len() > 1 => {
                println!("{error:#}");
                continue;
            }
            Err(error) => return Err(error),
        };
        let process = folder.file_name().unwrap_or_default().to_string_lossy();
        match answer {
            Answer::Reconcilers(statuses) => {
                if folder != &settings.data_dir {
                    println!("{process} reconciles");
                }
                print!("{}", table(&statuses));
            }
            Answer::Elsewhere(why) => println!("{process} stands by: {why}"),
            other => bail!("unexpected answer: {other:?}"),
        }
        is_answered = true;
    }
    if !is_answered {
        bail!("no process of the region in {} answers", settings.data_dir.display());
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
