//! A socket that is waited for in one of two ways: with the runtime, for crowds, or by blocking its thread, for one
//! connection alone. A runtime asks the kernel twice for each answer, which takes longer than many an answer does.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longest wait of a socket that blocks.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a socket is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Other tasks run meanwhile.
    Shared,
    /// The thread does nothing else: only for a thread that has nothing else to do.
    Alone,
}

impl Wait {
    /// The way for so many connections at a time.
    pub fn of(connections: usize) -> Self {
        if connections == 1 { Self::Alone } else { Self::Shared }
    }

    /// Runs what uses such sockets: on a thread of its own, if they block.
    ///
    /// # Errors
    /// Its own, or that it panicked.
    pub async fn run<T: Send + 'static>(
        self,
        work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
    ) -> anyhow::Result<T> {
        match self {
            Self::Shared => tokio::spawn(work).await?,
            Self::Alone => {
                let runtime = tokio::runtime::Handle::current();
                tokio::task::spawn_blocking(move || runtime.block_on(work)).await?
            }
        }
    }
}

/// A connection.
pub enum Stream {
    /// See [`Wait::Shared`].
    Shared(tokio::net::TcpStream),
    /// See [`Wait::Alone`].
    Alone(std::net::TcpStream),
}

impl Stream {
    /// Connects.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn connect(address: SocketAddr, wait: Wait) -> io::Result<Self> {
        match wait {
            Wait::Shared => {
                let stream = tokio::net::TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(Self::Shared(stream))
            }
            Wait::Alone => {
                let stream = std::net::TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Ok(Self::Alone(stream))
            }
        }
    }

    /// Sends all of it.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Shared(stream) => stream.write_all(bytes).await,
            Self::Alone(stream) => stream.write_all(bytes),
        }
    }

    /// Reads what is there; 0 at the end.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Shared(stream) => stream.read(buffer).await,
            Self::Alone(stream) => stream.read(buffer),
        }
    }
}
