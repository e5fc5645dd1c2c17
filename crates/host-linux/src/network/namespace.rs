//! Work inside a network namespace: on a thread of its own that enters it, does one thing, and ends.
//! No thread of the runtime ever leaves the host's namespace, and nothing is forked but to execute a program.

use std::fs;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use host::HostError;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::io::AsyncWriteExt;

/// Where `ip netns` keeps names.
const FOLDER: &str = "/run/netns";
/// What `statfs` says of a file that is a namespace: `NSFS_MAGIC` of `linux/magic.h`.
const NAMESPACE_FILES: u64 = 0x6e73_6673;
/// How long `ip` or `nft` may take. Both need milliseconds; a machine that swaps needs more.
const PROGRAM_LIMIT: Duration = Duration::from_secs(20);

/// The file that names a namespace.
fn path(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

/// Names of all namespaces of this host that begin so.
pub fn names(prefix: &str) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(FOLDER) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok().filter(|name| name.starts_with(prefix)));
    }
    names.sort();
    Ok(names)
}

/// Makes sure that the namespace is there. True if it was not.
pub async fn create(name: &str) -> Result<bool, HostError> {
    match rustix::fs::statfs(path(name)) {
        Ok(found) if found.f_type as u64 == NAMESPACE_FILES => return Ok(false),
        // A name with no namespace behind it is what a crash between the two steps of `ip netns add` leaves.
        Ok(_) => delete(name).await?,
        Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(HostError::failed(format!("look at namespace {name}"), error)),
    }
    run(None, "ip", &["netns", "add", name], "").await?;
    Ok(true)
}

/// Removes the name of a namespace, if it is there. The namespace ends with the last process and socket in it.
pub async fn delete(name: &str) -> Result<(), HostError> {
    if path(name).exists() { run(None, "ip", &["netns", "delete", name], "").await } else { Ok(()) }
}

/// Does `work` on a thread inside the namespace (without a name: the host's) and gives what it gave.
///
/// # Errors
/// [`HostError::Failed`] if the namespace is not there or `work` fails.
pub async fn enter<T: Send + 'static>(
    name: Option<&str>,
    doing: &str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, HostError> {
    let doing = format!("{doing} in {}", name.unwrap_or("the host's namespace"));
    let file = name.map(path);
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let body = move || {
        let entered = file.map_or(Ok(()), |file| {
            let file = fs::File::open(file)?;
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).map_err(io::Error::from)
        });
        let _ = sender.send(entered.and_then(|()| work()));
    };
    let started = std::thread::Builder::new().name("netns".to_owned()).spawn(body);
    started.map_err(|error| HostError::failed(&doing, error))?;
    match receiver.await {
        Ok(result) => result.map_err(|error| HostError::failed(&doing, error)),
        Err(_) => Err(HostError::failed(&doing, "the thread panicked")),
    }
}

/// Runs a program inside the namespace (without a name: the host's), with `input` as its standard input.
///
/// # Errors
/// [`HostError::Missing`] if the program is not installed, [`HostError::Failed`] with what it printed if it fails.
pub async fn run(name: Option<&str>, program: &str, arguments: &[&str], input: &str) -> Result<(), HostError> {
    let runtime = tokio::runtime::Handle::current();
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let starting = format!("start {program}");
    let spawned = enter(name, &starting, move || {
        let _inside = runtime.enter();
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    });
    let Some(mut child) = spawned.await? else {
        let remedy = format!("install the package that has {program} (iproute2, nftables)");
        return Err(HostError::Missing { what: program.to_owned(), remedy });
    };
    let doing = format!("{program} {} in {}", arguments.join(" "), name.unwrap_or("the host's namespace"));
    let stdin = child.stdin.take();
    let talk = async {
        if let Some(mut stdin) = stdin {
            // A program that ends early closes the pipe; its exit status tells more than the broken pipe.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        child.wait_with_output().await
    };
    match tokio::time::timeout(PROGRAM_LIMIT, talk).await {
        Err(_) => Err(HostError::failed(doing, format!("no end after {} s", PROGRAM_LIMIT.as_secs()))),
        Ok(Err(error)) => Err(HostError::failed(doing, error)),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let text = String::from_utf8_lossy(&output.stderr);
            let end: String = text.chars().take(2000).collect();
            Err(HostError::failed(doing, format!("{}: {}", output.status, end.trim())))
        }
    }
}

/// Writes kernel settings below `/proc/sys/net`. Call inside [`enter`].
pub fn settings(pairs: &[(&str, &str)]) -> io::Result<()> {
    for (name, value) in pairs {
        let file = Path::new("/proc/sys/net").join(name);
        let written =
            fs::OpenOptions::new().write(true).open(&file).and_then(|mut file| file.write_all(value.as_bytes()));
        match written {
            // A kernel without IPv6 has no switch to turn it off.
            Err(error) if error.kind() == io::ErrorKind::NotFound && name.starts_with("ipv6/") => {}
            other => other.map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?,
        }
    }
    Ok(())
}
