//! The one timer of a socket.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::time::{self, Sleep};

/// What the tokio clock says, which tests can stop and move.
pub(super) fn now() -> Instant {
    time::Instant::now().into_std()
}

/// Wakes the task when something is due.
///
/// It is moved only when it would ring too late: a deadline that recedes with every message costs
/// nothing, the alarm rings at the old one, and is set anew.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready once `deadline` has passed; never without one.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline.map(time::Instant::from_std) else { return Poll::Pending };
        // Looked at before the timer, which keeps silent when the task has used up its turn: a peer
        // that keeps it busy cannot put the deadline off.
        while time::Instant::now() < deadline {
            let sleep = self.0.get_or_insert_with(|| Box::pin(time::sleep_until(deadline)));
            if sleep.deadline() > deadline {
                sleep.as_mut().reset(deadline);
            }
            ready!(sleep.as_mut().poll(cx));
            sleep.as_mut().reset(deadline);
        }
        Poll::Ready(())
    }
}
