//! What the owner of a client hears of it.

use std::time::Duration;

use tokio::sync::mpsc;

use super::order::Order;
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
    told: mpsc::Receiver<Told>,
    orders: mpsc::Sender<Order>,
    /// The line of the last, where that was a message: its owner has now dealt with it.
    owed_on: Option<u64>,
}

/// An event on its way to its owner.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) event: Event,
    /// The line on which it is acknowledged, where it is a message.
    pub(super) owed_on: Option<u64>,
}

impl Events {
    pub(super) const fn new(told: mpsc::Receiver<Told>, orders: mpsc::Sender<Order>) -> Self {
        Self { told, orders, owed_on: None }
    }

    /// The next event; `None` once there will be no more. Acknowledges the message before it, where
    /// the line that brought it is still there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some(line) = self.owed_on {
            // Where the driver is gone nobody waits for it.
            let _ = self.orders.send(Order::Acknowledge(line)).await;
            self.owed_on = None;
        }
        let Told { event, owed_on } = self.told.recv().await?;
        self.owed_on = owed_on;
        Some(event)
    }
}

impl From<Event> for Told {
    fn from(event: Event) -> Self {
        Self { event, owed_on: None }
    }
}

impl From<Heard> for Told {
    fn from(heard: Heard) -> Self {
        match heard {
            Heard::Bound => Event::Bound.into(),
            Heard::NotBound(why) => Event::NotBound(why).into(),
            Heard::Notify { text, line } => {
                Self { event: Event::Notify(text), owed_on: Some(line) }
            }
            Heard::RegisterFailed(status) => Event::RegisterFailed(status).into(),
            Heard::Registered => Event::Registered.into(),
        }
    }
}
