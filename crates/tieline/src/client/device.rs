//! What its owner holds of a device that a client is.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::driver::Order;
use super::error::Error;
use super::mailbox::{DeviceMessage, Mailbox};

/// A device that a client is; made by [`Client::device`](super::Client::device).
///
/// It is registered on every line that follows as well. Messages come to it also where they were sent while it
/// was away, each once. Dropping it takes back nothing: what is sent to the device waits for its next line.
#[derive(Debug)]
#[must_use = "nobody reads what is sent to it"]
pub struct Device {
    id: Arc<str>,
    mailbox: Arc<Mailbox>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Device {
    pub(super) const fn new(
        id: Arc<str>,
        mailbox: Arc<Mailbox>,
        orders: mpsc::UnboundedSender<Order>,
    ) -> Self {
        Self { id, mailbox, orders }
    }

    /// What it is called.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The next message; `None` once there will be no more: [`error`](Self::error) says why. The one before is
    /// acknowledged by this: without it, it comes again on the next line of whoever is the device then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: a message is taken only when it is given.
    pub async fn next(&mut self) -> Option<DeviceMessage> {
        if let Some(number) = self.mailbox.finish() {
            // Where the client has ended it comes again to the next.
            let _ = self.orders.send(Order::Received(Arc::clone(&self.id), number));
        }
        poll_fn(|cx| self.mailbox.poll_next(cx)).await
    }

    /// Why nothing more comes; `None` while it goes on. [`Error::Fault`] with 4017 where the device goes on over
    /// a line of another client.
    pub fn error(&self) -> Option<Error> {
        self.mailbox.error()
    }

    /// Has the server forget the device, with what waits for it.
    ///
    /// # Errors
    ///
    /// As [`Client::call`](super::Client::call).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take it back.
    pub async fn unregister(self) -> Result<(), Error> {
        let (asker, answer) = oneshot::channel();
        let order = Order::Unregister(Arc::clone(&self.id), Arc::clone(&self.mailbox), asker);
        self.orders.send(order).map_err(|_| Error::Closed)?;
        answer.await.unwrap_or(Err(Error::Closed))
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // Where the client has ended there is nothing to leave.
        let _ = self.orders.send(Order::Quit(Arc::clone(&self.id), Arc::clone(&self.mailbox)));
    }
}
