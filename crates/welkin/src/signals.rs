//! What signals mean to a region: SIGINT and SIGTERM stop it, the second one at once; SIGHUP has it read its certificate
//! again, or stops it when it is the terminal that hangs up; SIGUSR2 restarts it as the program that is now in its place.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use region::admin::Order;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};
use tracing::warn;

use crate::restart::Successor;

/// The signals of a process, caught from the moment this is made.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    user: Signal,
    order: watch::Sender<Order>,
    successor: Successor,
    bell: Arc<Notify>,
}

impl Signals {
    /// Orders go to `order`; `bell` rings when the certificate is to be read again.
    ///
    /// # Errors
    /// The kernel's.
    pub fn new(order: watch::Sender<Order>, successor: Successor, bell: Arc<Notify>) -> io::Result<Self> {
        // A file that may not grow is a full disk, which a region lives through; uncaught, this would end the process.
        drop(signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined2())?,
            order,
            successor,
            bell,
        })
    }

    /// Does what the signals say, until it is dropped.
    pub async fn heed(mut self) {
        let has_terminal = io::stderr().is_terminal();
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => self.stop(),
                _ = self.terminate.recv() => self.stop(),
                _ = self.hang_up.recv() => if has_terminal { self.stop() } else { self.bell.notify_one() },
                _ = self.user.recv() => self.restart().await,
            }
        }
    }

    fn stop(&self) {
        if !self.give(Order::Stop) {
            // Asked twice: everything acknowledged is on disk anyway.
            std::process::exit(130);
        }
    }

    async fn restart(&self) {
        match self.successor.choose(self.successor.program()).await {
            Ok(()) => {
                self.give(Order::Restart);
            }
            Err(why) => warn!("no restart: {why}"),
        }
    }

    /// Whether it is the first order.
    fn give(&self, new: Order) -> bool {
        self.order.send_if_modified(|order| {
            let is_first = *order == Order::Run;
            if is_first {
                *order = new;
            }
            is_first
        })
    }
}
