//! What peers say to a program, until the program has read it: bounded, as peers are not read while
//! it does not read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tieline::serve::Message;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::sync::Notify;
use tokio::task::spawn_local;

use super::framer::append;
use crate::config::Frame;
use crate::peer::Peer;

/// What may wait before peers are not read, in bytes.
const WAITING_BYTES: usize = 64 << 10;

/// The input of one process. Its peers may be on any worker.
#[derive(Debug)]
pub(super) struct Input {
    frame: Frame,
    waiting: Mutex<Waiting>,
    /// Something waits, or nothing more comes.
    filled: Notify,
    /// There is room again, or nothing is read any more.
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Nobody reads it any more.
    is_over: bool,
}

impl Input {
    pub(super) fn new(frame: Frame) -> Arc<Self> {
        let (filled, emptied) = (Notify::new(), Notify::new());
        Arc::new(Self { frame, waiting: Mutex::default(), filled, emptied })
    }

    /// What a peer says, on its own worker. Where too much waits, it is not read until there is room.
    pub(super) fn take(self: &Arc<Self>, peer: &Peer, message: Message<'_>) {
        let is_full = {
            let mut waiting = self.lock();
            if waiting.is_over {
                return;
            }
            append(message, self.frame, &mut waiting.bytes);
            waiting.bytes.len() > WAITING_BYTES
        };
        self.filled.notify_one();
        if is_full {
            peer.pause();
            let (input, peer) = (Arc::clone(self), peer.clone());
            spawn_local(async move {
                input.has_room().await;
                peer.resume();
            });
        }
    }

    /// Writes what waits, as the program reads it; done when the program reads nothing more.
    pub(super) async fn feed(&self, mut stdin: pipe::Sender) {
        loop {
            let bytes = std::mem::take(&mut self.lock().bytes);
            self.emptied.notify_waiters();
            if bytes.is_empty() {
                self.filled.notified().await;
            } else if stdin.write_all(&bytes).await.is_err() {
                return self.end();
            }
        }
    }

    /// Nothing is read any more: what is said is let go.
    pub(super) fn end(&self) {
        *self.lock() = Waiting { bytes: Vec::new(), is_over: true };
        self.emptied.notify_waiters();
    }

    async fn has_room(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().bytes.len() <= WAITING_BYTES {
                return;
            }
            emptied.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
