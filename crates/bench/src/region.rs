//! A Welkin region in a folder of its own, gone without a trace when it is dropped.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::connection::Connection;
use crate::endpoint::{Endpoint, STS};
use crate::processes::end;

/// Longest wait for a region's first answer.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a region may take to stop.
const GRACE: Duration = Duration::from_secs(20);

/// A data folder, and the process that has it, if one runs.
pub struct Region {
    welkin: PathBuf,
    folder: PathBuf,
    host: &'static str,
    /// The connection string of its store, if that is not in its folder.
    store: Option<String>,
    address: SocketAddr,
    process: Option<Child>,
}

impl Region {
    /// A region to be: its folder is new, nothing runs.
    ///
    /// # Errors
    /// The kernel's.
    pub fn new(welkin: &Path, folder: PathBuf, host: &'static str) -> Result<Self> {
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self { welkin: welkin.to_owned(), folder, host, store: None, address: free_address()?, process: None })
    }

    /// The same region with its facts in a database.
    #[must_use]
    pub fn with_store(mut self, url: &str) -> Self {
        self.store = Some(url.to_owned());
        self
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process, if one was started.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Starts the process, and waits until a signed call has been answered: gives the time of that, counted from
    /// before the process was made.
    ///
    /// # Errors
    /// With what the region logged, if it ends or does not answer in time.
    pub async fn start(&mut self) -> Result<(Endpoint, Duration)> {
        let log = self.folder.with_extension("log");
        let stderr = fs::File::create(&log).with_context(|| log.display().to_string())?;
        let mut command = Command::new(&self.welkin);
        command.args(["up", "--host", self.host, "--listen", &self.address.to_string(), "--data-dir"]);
        command.arg(&self.folder);
        if let Some(url) = &self.store {
            command.args(["--store", url]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        let begun = Instant::now();
        self.process = Some(command.spawn().with_context(|| self.welkin.display().to_string())?);
        let outcome = match tokio::time::timeout(START_LIMIT, self.first_answer()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(anyhow::anyhow!("no answer in {START_LIMIT:?}")),
        };
        let elapsed = begun.elapsed();
        match outcome {
            Ok(endpoint) => Ok((endpoint, elapsed)),
            Err(cause) => {
                let log = fs::read_to_string(&log).unwrap_or_default();
                Err(cause.context(format!("the region did not start; it logged:\n{log}")))
            }
        }
    }

    async fn first_answer(&mut self) -> Result<Endpoint> {
        let health = format!("GET /_welkin/health HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
        let mut connection = Connection::new(self.address);
        loop {
            // Refused until it listens; from then on the answer comes as soon as there is one.
            if let Ok(answer) = connection.exchange(health.as_bytes()).await {
                if answer.status != 200 {
                    bail!("health is {}", answer.status);
                }
                break;
            }
            if let Some(status) = self.process.as_mut().and_then(|process| process.try_wait().transpose()) {
                bail!("it ended: {}", status?);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let endpoint = self.endpoint()?;
        endpoint.call_on(&mut connection, STS, "GetCallerIdentity", &[]).await?;
        Ok(endpoint)
    }

    fn endpoint(&self) -> Result<Endpoint> {
        let path = self.folder.join("environment");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let find = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("export {name}='")));
            let value = line.and_then(|line| line.strip_suffix('\'')).map(str::to_owned);
            value.with_context(|| format!("{} has no {name}", path.display()))
        };
        Ok(Endpoint {
            address: self.address,
            access_key: find("AWS_ACCESS_KEY_ID")?,
            secret: find("AWS_SECRET_ACCESS_KEY")?,
            token: None,
            region: find("AWS_REGION")?,
        })
    }

    /// Stops the process; folder and machines stay.
    ///
    /// # Errors
    /// If it does not end well.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let status = end(&mut process, GRACE)?;
        if !status.success() {
            bail!("the region stopped with {status}");
        }
        Ok(())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // Failures show in the purge, which takes down what a region left however it ended.
        if let Some(mut process) = self.process.take() {
            let _ = end(&mut process, GRACE);
        }
        if let Err(cause) = purge(&self.welkin, &self.folder) {
            eprintln!("cannot clean up {}: {cause:#}", self.folder.display());
        }
    }
}

/// Removes a region with everything it has on this machine.
///
/// # Errors
/// If anything is left.
pub fn purge(welkin: &Path, folder: &Path) -> Result<()> {
    let _ = fs::remove_file(folder.with_extension("log"));
    if folder.join("identity.json").exists() {
        let output = Command::new(welkin).args(["down", "--purge", "--data-dir"]).arg(folder).output()?;
        if !output.status.success() {
            bail!("welkin down --purge: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    match fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(cause.into()),
        _ => Ok(()),
    }
}

/// An address of this machine that nobody listens on at the moment.
///
/// # Errors
/// The kernel's.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
