//! What its owner holds of a subscription.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::mpsc;

use super::driver::Order;
use super::error::Error;
use super::event::Event;
use super::position::Position;
use super::queue::Queue;

/// What happens in one channel, or in all of a pattern; made by [`Client::subscribe`](super::Client::subscribe).
///
/// It goes on over any number of lines. What it is not read in time for becomes an [`Event::Gap`] and
/// stops nobody else. Dropping it unsubscribes. It is also a [`Stream`].
#[derive(Debug)]
#[must_use = "dropping it unsubscribes"]
pub struct Subscription {
    channel: Arc<str>,
    queue: Arc<Queue>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Subscription {
    pub(super) const fn new(
        channel: Arc<str>,
        queue: Arc<Queue>,
        orders: mpsc::UnboundedSender<Order>,
    ) -> Self {
        Self { channel, queue, orders }
    }

    /// The channel, or the pattern.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// What happens next; `None` once nothing more will: [`error`](Self::error) says why.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: an event is taken only when it is given.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.queue.poll_next(cx)).await
    }

    /// Where a reader stands that has dealt with all that was given: to be kept, and
    /// [begun from](super::Client::subscribe_since) another time. `None` of a pattern.
    pub fn position(&self) -> Option<Position> {
        self.queue.position()
    }

    /// Why nothing more comes; `None` while it goes on.
    pub fn error(&self) -> Option<Error> {
        self.queue.error()
    }
}

impl Stream for Subscription {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.queue.poll_next(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.queue.leave();
        // Where the client has ended there is nothing to leave.
        let _ = self.orders.send(Order::Leave(Arc::clone(&self.channel), Arc::clone(&self.queue)));
    }
}
