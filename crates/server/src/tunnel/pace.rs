//! How much a client may say through a tunnel, counted as it passes: by frames, and large ones by
//! pieces.
//!
//! | beyond a limit     | the client                                | the upstream                     |
//! |--------------------|-------------------------------------------|----------------------------------|
//! | `excess = "pause"` | is read from when the rate is kept again  | hears the rest then              |
//! | `excess = "close"` | is told 1008                              | is told it, too, between frames  |

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tieline::CloseCode;
use tokio::time::{Instant, Sleep, sleep};

use super::frames::Frames;
use crate::counts::Counts;
use crate::limits::{Flow, Verdict};

/// What of a frame is counted at once: little enough that no pause is longer than it must be.
const PIECE_BYTES: usize = 4 << 10;

/// What one client may say.
pub(super) struct Pace<'w> {
    flow: Flow,
    counts: &'w Counts,
    frames: Frames,
    since: Instant,
    /// What was read and has to wait; not more than one read.
    held: Bytes,
    /// Runs while the client has said too much.
    paused: Option<Pin<Box<Sleep>>>,
    excess: Option<Excess>,
}

/// Why a client may say nothing more.
pub(super) struct Excess {
    pub(super) code: CloseCode,
    pub(super) reason: String,
    /// Whether the upstream can be told: it was in the middle of nothing.
    pub(super) is_between: bool,
}

impl<'w> Pace<'w> {
    pub(super) fn new(flow: Flow, counts: &'w Counts) -> Self {
        let (frames, since, held) = (Frames::default(), Instant::now(), Bytes::new());
        Self { flow, counts, frames, since, held, paused: None, excess: None }
    }

    /// How many of these bytes may pass now. The others are to be [held](Self::hold).
    pub(super) fn admit(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && self.paused.is_none() && self.excess.is_none() {
            at += self.take(&bytes[at..bytes.len().min(at + PIECE_BYTES)]);
        }
        at
    }

    /// Keeps what has to wait.
    pub(super) fn hold(&mut self, bytes: Bytes) {
        self.held = bytes;
    }

    /// What has waited and may pass now; empty where nothing waits, or the line ends.
    pub(super) fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        if let Some(paused) = &mut self.paused {
            ready!(paused.as_mut().poll(cx));
            self.paused = None;
        }
        let mut held = std::mem::take(&mut self.held);
        let passing = held.split_to(self.admit(&held));
        self.held = held;
        Poll::Ready(passing)
    }

    /// Why the line ends, where it does.
    pub(super) const fn excess(&self) -> Option<&Excess> {
        self.excess.as_ref()
    }

    pub(super) fn take_excess(&mut self) -> Option<Excess> {
        self.excess.take()
    }

    /// Counts the next frame, or a piece of it; answers how much may pass. What is worth a pause
    /// passes before it.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let (before, is_between) = (self.frames.messages(), self.frames.may_close());
        let len = self.frames.frame(bytes);
        let messages = self.frames.messages() - before;
        let now = self.since.elapsed().as_nanos() as u64;
        let (code, reason) = match self.flow.take_part(messages, len as u64, now) {
            // Messages that cannot be told apart cannot be counted.
            _ if self.frames.is_lost() => {
                (CloseCode::PROTOCOL, "what came is no frame of WebSocket".to_owned())
            }
            Verdict::Go => return len,
            Verdict::Pause(setting, within) => {
                self.counts.limited(setting);
                self.paused = Some(Box::pin(sleep(within)));
                return len;
            }
            Verdict::Close(setting, reason) => {
                self.counts.limited(setting);
                (CloseCode::POLICY, reason)
            }
        };
        self.excess = Some(Excess { code, reason, is_between });
        0
    }
}
