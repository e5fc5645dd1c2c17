//! The peer: moto's server, as `pip install moto[server]` gives it and with its own defaults.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::endpoint::{Endpoint, STS};
use crate::processes::end;
use crate::region::free_address;

/// Longest wait for its first answer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running server, ended when dropped.
pub struct Moto {
    process: Child,
    /// Where it answers.
    pub endpoint: Endpoint,
}

/// The version that this Python has.
///
/// # Errors
/// If it has none.
pub fn version(python: &Path) -> Result<String> {
    let script = "import moto, werkzeug, flask_cors, sys, importlib.metadata as m\n\
                  print(f\"moto {moto.__version__}, Werkzeug {m.version('werkzeug')}, Python {sys.version.split()[0]}\")";
    let output = Command::new(python).args(["-c", script]).output().with_context(|| python.display().to_string())?;
    if !output.status.success() {
        bail!(
            "{} has no moto[server] (--python names another): {}",
            python.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Moto {
    /// Starts it, and waits until a call has been answered: gives the time of that too.
    ///
    /// # Errors
    /// If it ends or does not answer in time.
    pub async fn start(python: &Path) -> Result<(Self, Duration)> {
        let address = free_address()?;
        let begun = Instant::now();
        let process = Command::new(python)
            .args(["-m", "moto.server", "-p", &address.port().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| python.display().to_string())?;
        let (access_key, secret, region) = ("AKIDEXAMPLE".into(), "secret".into(), "us-east-1".into());
        let mut moto = Self { process, endpoint: Endpoint { address, access_key, secret, token: None, region } };
        while let Err(cause) = moto.endpoint.call(STS, "GetCallerIdentity", &[]).await {
            if begun.elapsed() > START_LIMIT {
                return Err(cause.context("moto's server does not answer"));
            }
            if let Some(status) = moto.process.try_wait()? {
                bail!("moto's server ended: {status}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok((moto, begun.elapsed()))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        if let Err(cause) = end(&mut self.process, Duration::from_secs(5)) {
            eprintln!("cannot end moto's server: {cause:#}");
        }
    }
}
