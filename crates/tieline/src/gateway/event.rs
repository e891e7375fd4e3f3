//! What the owner of a client hears of it.

use std::time::Duration;

use tokio::sync::mpsc;

use super::client::Order;
use super::session::Heard;
use crate::reconnect::Why;

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The gateway knows the device: calls are sent from now on.
    Bound,
    /// The line ended, or did not open. What was registered is registered again on the next.
    Disconnected {
        /// Why.
        why: Why,
        /// When the next attempt is made; `None` when there is none, and this is the last event.
        retry_in: Option<Duration>,
    },
    /// The gateway would not bind the device; it is asked again on another line.
    NotBound(String),
    /// A message for the device. It is acknowledged when the next event is asked for.
    Notify(String),
    /// A registration came to nothing: the status, or `None` where there was no answer in time.
    RegisterFailed(Option<u16>),
    /// The device is registered.
    Registered,
}

/// The events of one client, in their order.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Event>,
    orders: mpsc::Sender<Order>,
    /// Whether the last was a message that its owner has now dealt with.
    owes: bool,
}

impl Events {
    pub(super) const fn new(events: mpsc::Receiver<Event>, orders: mpsc::Sender<Order>) -> Self {
        Self { events, orders, owes: false }
    }

    /// The next event; `None` once there will be no more. Acknowledges the message before it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        if self.owes {
            // Where the driver is gone nobody waits for it.
            let _ = self.orders.send(Order::Acknowledge).await;
            self.owes = false;
        }
        let event = self.events.recv().await;
        self.owes = matches!(event, Some(Event::Notify(_)));
        event
    }
}

impl From<Heard> for Event {
    fn from(heard: Heard) -> Self {
        match heard {
            Heard::Bound => Self::Bound,
            Heard::NotBound(why) => Self::NotBound(why),
            Heard::Notify(text) => Self::Notify(text),
            Heard::RegisterFailed(status) => Self::RegisterFailed(status),
            Heard::Registered => Self::Registered,
        }
    }
}
