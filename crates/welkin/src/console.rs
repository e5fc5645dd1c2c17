//! Consoles of machines, for the processes of a folder that do not drive them: a socket of the one that does. A request is
//! an instance's id and a newline, an answer the console's end up to the end of the stream.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use host::Node;
use ids::InstanceId;
use node::Agent;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// The name of the socket in the data folder.
const NAME: &str = "machines.sock";
/// Longest request and longest answer.
const MAX_LINE: u64 = 64;
const MAX_ANSWER: u64 = 64 * 1024;
/// Longest exchange.
const LIMIT: Duration = Duration::from_secs(10);
/// Exchanges at a time.
const MAX_EXCHANGES: usize = 16;

/// Binds the socket. Whoever calls holds the lock of the machines, so one that is there is a leftover.
pub fn bind(data_dir: &Path) -> io::Result<UnixListener> {
    let (_folder, path) = short_path(data_dir)?;
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until it is dropped.
pub async fn serve(listener: UnixListener, agent: Arc<Agent>) {
    let places = Arc::new(Semaphore::new(MAX_EXCHANGES));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let agent = Arc::clone(&agent);
        tokio::spawn(async move {
            let _place = place;
            // Who hangs up or asks for nothing gets nothing.
            let _ = tokio::time::timeout(LIMIT, exchange(stream, &agent)).await;
        });
    }
}

async fn exchange(stream: UnixStream, agent: &Agent) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader.take(MAX_LINE)).read_line(&mut line).await?;
    let id: InstanceId = line.trim().parse().map_err(io::Error::other)?;
    writer.write_all(&agent.console(&id).await.map_err(io::Error::other)?).await
}

/// Asks the process that drives the machines of a folder.
pub async fn ask(data_dir: &Path, id: &InstanceId) -> io::Result<Vec<u8>> {
    let (_folder, path) = short_path(data_dir)?;
    let talk = async {
        let mut stream = UnixStream::connect(&path).await?;
        stream.write_all(format!("{id}\n").as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
        Ok(answer)
    };
    tokio::time::timeout(LIMIT, talk).await.map_err(io::Error::other)?
}

/// A path to the socket that is short enough for the kernel (108 bytes): through the open folder.
fn short_path(data_dir: &Path) -> io::Result<(File, PathBuf)> {
    let folder = File::open(data_dir)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd()));
    Ok((folder, path))
}
