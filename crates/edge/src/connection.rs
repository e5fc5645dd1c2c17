//! One connection, from its first byte to its end: what it speaks, how long it may be silent, and how it parts.

use std::future::pending;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, info};

use crate::activity::Activity;
use crate::answering::Answering;
use crate::eager::Eager;
use crate::limits::Limits;
use crate::patience::{Timer, was_missed, within};
use crate::phase::{FIRST_REQUEST, Phase, last_call};
use crate::sniff::{Speech, sniff};
use crate::stall::Stalling;
use crate::tls::{H2, TlsMode, version_number};

/// How often a connection of HTTP/2 is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Serves one connection to its end.
pub(crate) async fn serve(socket: TcpStream, answering: Answering, tls: TlsMode) {
    let peer = answering.peer;
    let limits = *answering.edge.limits();
    let socket = Stalling::new(Eager::new(socket), &limits);
    let mut last_call = pin!(last_call(answering.phase.clone(), limits));
    let sniffed = tokio::select! {
        sniffed = within(limits.header_time, sniff(socket)) => sniffed,
        () = &mut last_call => return,
    };
    let Ok(Ok((speech, mut socket))) = sniffed else { return };
    match (speech, tls) {
        (Speech::Silence, _) => {}
        (Speech::Tls, TlsMode::Off) => {
            info!(%peer, "refused: TLS on a port without it; see `welkin up --help` for --tls");
            let _ = timeout(limits.header_time, socket.write_all(NO_TLS)).await;
            let _ = timeout(limits.header_time, socket.shutdown()).await;
        }
        (Speech::Tls, TlsMode::On { tls, .. }) => {
            let shaken = tokio::select! {
                shaken = within(limits.handshake_time, Box::pin(tls.acceptor().accept(socket))) => shaken,
                () = &mut last_call => return,
            };
            match shaken {
                Ok(Ok(stream)) => {
                    let session = stream.get_ref().1;
                    let is_h2 = session.alpn_protocol() == Some(H2);
                    let version = Some(version_number(session.protocol_version()));
                    // Boxed, here and below: a task is as large as the largest thing that it might become, and most
                    // are plain HTTP/1.
                    Box::pin(http(stream, is_h2, Answering { tls: version, ..answering }, &limits)).await;
                }
                Ok(Err(cause)) => debug!(%peer, %cause, "no TLS handshake"),
                Err(_) => debug!(%peer, "the TLS handshake took too long"),
            }
        }
        (plain, tls) => {
            let is_refused = matches!(tls, TlsMode::On { is_plain_allowed: false, .. });
            Box::pin(http(socket, plain == Speech::Http2, Answering { is_refused, ..answering }, &limits)).await;
        }
    }
}

/// What a client of TLS hears where there is none. Clients know an answer in plain text for what it is, and say so.
const NO_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: 45\r\n\r\nThis port speaks plain HTTP: use http:// URLs";

async fn http<T>(stream: T, is_h2: bool, answering: Answering, limits: &Limits)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (peer, activity, phase) = (answering.peer, Arc::clone(&answering.activity), answering.phase.clone());
    let stream = TokioIo::new(stream);
    let outcome = if is_h2 {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(Timer)
            .max_concurrent_streams(u32::try_from(limits.streams).unwrap_or(u32::MAX))
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .max_local_error_reset_streams(100)
            .max_send_buf_size(256 * 1024)
            .keep_alive_interval(limits.idle_time / 2)
            .keep_alive_timeout(limits.idle_time / 2)
            .serve_connection(stream, answering);
        Box::pin(drive(connection, &activity, phase, limits, true)).await
    } else {
        let connection = http1::Builder::new()
            .timer(Timer)
            .header_read_timeout(limits.header_time)
            .max_headers(limits.headers)
            .max_buf_size(limits.header_bytes)
            .half_close(true)
            .serve_connection(stream, answering);
        drive(connection, &activity, phase, limits, false).await
    };
    if let Err(cause) = outcome {
        debug!(%peer, %cause, "connection ended");
    }
}

/// What to do with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Leave it, and look again then.
    Keep(Option<Instant>),
    /// Let it end in order.
    End,
    /// Cut it.
    Cut(&'static str),
}

async fn drive<C>(
    connection: C,
    activity: &Activity,
    mut phase: watch::Receiver<Phase>,
    limits: &Limits,
    is_h2: bool,
) -> Result<(), hyper::Error>
where
    C: GracefulConnection<Error = hyper::Error>,
{
    let mut connection: Pin<&mut C> = pin!(connection);
    let mut seen = (*phase.borrow_and_update(), Instant::now());
    let mut ending: Option<Instant> = None;
    let mut is_phase_over = false;
    loop {
        let verdict = judge(activity, seen, ending, limits, is_h2);
        let look = match verdict {
            Verdict::Keep(look) => look,
            Verdict::End => {
                connection.as_mut().graceful_shutdown();
                ending = Some(Instant::now());
                continue;
            }
            Verdict::Cut(why) => {
                debug!(why, "connection cut");
                return Ok(());
            }
        };
        let looking = async {
            match look {
                Some(time) => sleep_until(time).await,
                None => pending().await,
            }
        };
        tokio::select! {
            outcome = connection.as_mut() => return outcome,
            () = looking => {
                if look.is_some_and(was_missed) {
                    activity.excuse();
                }
            }
            () = activity.dismissed(), if ending.is_none() => {
                connection.as_mut().graceful_shutdown();
                ending = Some(Instant::now());
            }
            changed = phase.changed(), if !is_phase_over => {
                is_phase_over = changed.is_err();
                // A server that is gone is one that drains.
                let now = if is_phase_over { Phase::Draining } else { *phase.borrow_and_update() };
                seen = (now, Instant::now());
            }
        }
    }
}

fn judge(
    activity: &Activity,
    (phase, since): (Phase, Instant),
    ending: Option<Instant>,
    limits: &Limits,
    is_h2: bool,
) -> Verdict {
    let now = Instant::now();
    if is_h2 {
        if activity.is_flood() {
            return Verdict::Cut("the peer takes back what it asks");
        }
        if activity.is_deaf(limits.idle_time) {
            return Verdict::Cut("the peer takes nothing of an answer");
        }
    }
    let (quiet, has_served) = activity.quiet();
    if let Some(ending) = ending {
        let is_overdue = is_h2 && quiet.is_some() && now.duration_since(ending) >= limits.header_time;
        return if is_overdue {
            Verdict::Cut("the peer does not go")
        } else {
            Verdict::Keep(is_h2.then(|| now + LOOK))
        };
    }
    match phase {
        Phase::Serving if !is_h2 => Verdict::Keep(None),
        Phase::Serving => match quiet {
            Some(quiet) if now.duration_since(quiet) >= limits.idle_time => Verdict::End,
            _ => Verdict::Keep(Some(now + LOOK)),
        },
        // It says by itself which requests it will still answer.
        Phase::Parting if is_h2 => Verdict::End,
        Phase::Parting => {
            let patience = if has_served { limits.part_time } else { limits.part_time * FIRST_REQUEST };
            match quiet {
                Some(quiet) if now >= quiet.max(since) + patience => Verdict::End,
                Some(quiet) => Verdict::Keep(Some(quiet.max(since) + patience)),
                // Its answer says that it is the last one.
                None => Verdict::Keep(Some(now + patience)),
            }
        }
        Phase::Draining => Verdict::End,
    }
}
