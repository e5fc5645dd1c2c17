//! What a service manager wants to hear: systemd's notification protocol, a datagram of `KEY=value` lines to the socket in
//! `NOTIFY_SOCKET`. Without such a socket, nothing. Source: sd_notify(3).

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

use tracing::debug;

/// What we tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Requests are answered.
    Ready,
    /// This process becomes another program, and will be ready again.
    Reloading,
    /// It ends.
    Stopping,
}

/// Tells the service manager, if there is one. That it does not listen is its own affair.
pub fn notify(news: News) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(cause) = send(name.as_bytes(), text(news).as_bytes()) {
        debug!(%cause, "the service manager does not listen");
    }
}

fn text(news: News) -> String {
    match news {
        News::Ready => "READY=1".to_owned(),
        News::Stopping => "STOPPING=1".to_owned(),
        News::Reloading => {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
            format!("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1_000_000 + now.tv_nsec / 1000)
        }
    }
}

fn send(name: &[u8], text: &[u8]) -> std::io::Result<()> {
    let address = match name.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(Path::new(std::ffi::OsStr::from_bytes(name)))?,
    };
    let socket = UnixDatagram::unbound()?;
    // A manager that hangs must not hang us.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(text, &address).map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixDatagram;

    use super::{News, send, text};

    #[test]
    fn the_manager_hears_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        send(path.as_os_str().as_bytes(), text(News::Reloading).as_bytes()).unwrap();
        let mut heard = [0; 256];
        let length = manager.recv(&mut heard).unwrap();
        let heard = std::str::from_utf8(&heard[..length]).unwrap();
        let time = heard.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(time.parse::<u64>().unwrap() > 0);
    }
}
