//! What a peer speaks, told by its first bytes: TLS, HTTP/2 that was agreed beforehand, or else HTTP/1. One port takes
//! all three. Not here: what is made of it.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// What an HTTP/2 connection begins with (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The content type of a TLS handshake record (RFC 8446, 5.1). No HTTP method begins with it.
const HANDSHAKE: u8 = 0x16;

/// What a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// TLS, whatever is in it.
    Tls,
    /// HTTP/2 without TLS.
    Http2,
    /// HTTP/1, or nonsense that its parser will refuse.
    Http1,
    /// It has closed without a byte.
    Silence,
}

/// Reads until it is clear what the peer speaks, and gives the transport back with nothing taken out of it. Waits as
/// long as the peer does: the caller bounds it.
///
/// # Errors
/// The transport's.
pub(crate) async fn sniff<T: AsyncRead + Unpin>(mut inner: T) -> Result<(Speech, Rewound<T>)> {
    let mut head = [0; PREFACE.len()];
    let mut length = 0;
    let speech = loop {
        let read = inner.read(&mut head[length..]).await?;
        length += read;
        if length == 0 {
            break Speech::Silence;
        }
        if head[0] == HANDSHAKE {
            break Speech::Tls;
        }
        if head[..length] != PREFACE[..length] || read == 0 {
            break Speech::Http1;
        }
        if length == PREFACE.len() {
            break Speech::Http2;
        }
    };
    Ok((speech, Rewound { head, start: 0, end: length, inner }))
}

/// A transport whose first bytes have been looked at.
pub(crate) struct Rewound<T> {
    head: [u8; PREFACE.len()],
    start: usize,
    end: usize,
    inner: T,
}

impl<T: AsyncRead + Unpin> AsyncRead for Rewound<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        if this.start == this.end {
            return Pin::new(&mut this.inner).poll_read(cx, buffer);
        }
        let length = buffer.remaining().min(this.end - this.start);
        buffer.put_slice(&this.head[this.start..this.start + length]);
        this.start += length;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Rewound<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::{Speech, sniff};

    /// Sends the pieces one after the other, each when the one before was read; all bytes are still there afterwards.
    async fn check(pieces: &[&[u8]], expected: Speech) {
        let (ours, mut theirs) = duplex(1);
        let sent = pieces.concat();
        let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        let sender = tokio::spawn(async move {
            for piece in pieces {
                theirs.write_all(&piece).await.unwrap();
            }
        });
        let (speech, mut rewound) = sniff(ours).await.unwrap();
        assert_eq!(speech, expected, "{}", sent.escape_ascii());
        let mut received = Vec::new();
        rewound.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, sent);
        sender.await.unwrap();
    }

    #[tokio::test]
    async fn the_first_bytes_tell() {
        check(&[], Speech::Silence).await;
        check(&[b"\x16\x03\x01\x02\x00"], Speech::Tls).await;
        check(&[b"GET / HTTP/1.1\r\n\r\n"], Speech::Http1).await;
        check(&[b"P", b"UT /bucket/key HTTP/1.1\r\n\r\n"], Speech::Http1).await;
        check(&[b"PRI * HTTP/1.1\r\n\r\n and more than twenty-four bytes"], Speech::Http1).await;
        check(&[b"PRI * HTTP/2.0\r\n"], Speech::Http1).await;
        check(&[b"PRI * HTTP", b"/2.0\r\n\r\nSM\r\n\r\n", b"\0\0\0\x04\0\0\0\0\0"], Speech::Http2).await;
    }
}
