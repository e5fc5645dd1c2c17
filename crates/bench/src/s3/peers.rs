//! Other servers of S3: moto's, s3rver out of npm, s3s-fs out of crates.io. None of them flushes what it has been given.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http::HeaderMap;

use super::client::{Client, block};
use crate::Setting;
use crate::endpoint::Endpoint;
use crate::moto::Moto;
use crate::processes::end;
use crate::region::free_address;

const S3RVER: &str = "s3rver@3.7.1";
/// Longest wait for a first answer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A server to be compared with; ended when dropped.
pub struct Peer {
    /// What it is called.
    pub name: &'static str,
    /// Where it answers.
    pub endpoint: Endpoint,
    _process: Process,
}

enum Process {
    Moto { _moto: Moto },
    Other { process: Child, folder: PathBuf },
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Self::Other { process, folder } = self {
            if let Err(cause) = end(process, Duration::from_secs(5)) {
                eprintln!("cannot end a server: {cause:#}");
            }
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Those that there are here. What is missing is said, and is no failure: but for moto, which the whole bench wants.
///
/// # Errors
/// If moto does not start.
pub async fn start(setting: &Setting) -> Result<Vec<Peer>> {
    let (moto, _) = Moto::start(&setting.python).await?;
    let endpoint = moto.endpoint.clone();
    let mut peers = vec![Peer { name: "moto", endpoint, _process: Process::Moto { _moto: moto } }];
    for (name, outcome) in [("s3rver", s3rver(setting).await), ("s3s-fs", s3s_fs(setting).await)] {
        match outcome {
            Ok(peer) => peers.push(peer),
            Err(cause) => eprintln!("s3: not beside {name}: {cause:#}"),
        }
    }
    Ok(peers)
}

async fn s3rver(setting: &Setting) -> Result<Peer> {
    let home = setting.work().join("s3rver");
    let program = home.join("node_modules/.bin/s3rver");
    if !program.exists() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&home).arg(S3RVER);
        let output = npm.output().context("npm, which brings it, is not there")?;
        if !output.status.success() {
            bail!("npm install {S3RVER}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let mut command = Command::new(program);
    command.args(["--silent", "--no-vhost-buckets", "--allow-mismatched-signatures", "--address", "127.0.0.1"]);
    let folder = setting.scratch();
    command.arg("--directory").arg(&folder);
    other("s3rver", command, folder, "S3RVER", "--port").await
}

async fn s3s_fs(setting: &Setting) -> Result<Peer> {
    let folder = setting.scratch();
    let mut command = Command::new("s3s-fs");
    command.args(["--host", "127.0.0.1", "--access-key", "AKIDEXAMPLE", "--secret-key", "AKIDEXAMPLE"]);
    command.arg(&folder);
    let started = other("s3s-fs", command, folder, "AKIDEXAMPLE", "--port").await;
    started.context("install it with `cargo install s3s-fs --features binary`")
}

async fn other(
    name: &'static str,
    mut command: Command,
    folder: PathBuf,
    key: &str,
    port_option: &str,
) -> Result<Peer> {
    fs::create_dir_all(&folder)?;
    let address = free_address()?;
    command.args([port_option, &address.port().to_string()]);
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let process = match started {
        Ok(process) => process,
        Err(cause) => {
            remove(&folder);
            return Err(cause).with_context(|| format!("cannot start {name}"));
        }
    };
    let mut process = Process::Other { process, folder };
    let (access_key, secret, region) = (key.to_owned(), key.to_owned(), "us-east-1".to_owned());
    let endpoint = Endpoint { address, access_key, secret, token: None, region };
    let begun = Instant::now();
    loop {
        let head = endpoint.s3_head("GET", ("/", ""), HeaderMap::new(), 0)?;
        if Client::new(address, block()).ask(&head, 0).await.is_ok() {
            return Ok(Peer { name, endpoint, _process: process });
        }
        if let Process::Other { process, .. } = &mut process
            && let Some(status) = process.try_wait()?
        {
            bail!("{name} ended: {status}");
        }
        if begun.elapsed() > START_LIMIT {
            bail!("{name} does not answer");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn remove(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
}
