//! What holds for the devices of one route, and how they are spoken to.

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use crate::config;
use crate::peer::Remote;

/// Longest device id, in bytes.
pub(crate) const MAX_ID_BYTES: usize = 128;

/// What holds for the devices of one route.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The path of the route.
    pub(crate) route: Arc<str>,
    pub(crate) dialect: Dialect,
    /// Whether the route asks who comes: who does not say it there has no device of a user's.
    pub(crate) asks_who: bool,
    /// Messages that wait for one device.
    pub(crate) max_messages: usize,
    /// Their bytes.
    pub(crate) max_bytes: usize,
    pub(crate) time_to_live: Duration,
    /// Whether inboxes and registrations outlive the server.
    pub(crate) is_durable: bool,
    /// Whether a message stays until its device has answered.
    pub(crate) until_acknowledged: bool,
    /// Devices that are known at a time.
    pub(crate) max_devices: usize,
    /// How long a registration is kept for a device that does not come back.
    pub(crate) forget_after: Duration,
}

/// How devices are spoken to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// How a message is said on a line.
    pub(crate) say: fn(Said<'_>) -> ByteString,
    /// Tells a line that the device of this id goes on over a newer one.
    pub(crate) let_go: fn(&Remote, &str),
    /// Whether a message stays until it was acknowledged, where nothing else is said.
    pub(crate) acknowledges: bool,
}

/// A message that is said to its device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said<'a> {
    pub(crate) device: &'a str,
    /// What tells it from every other message of the device, also when it is said again.
    pub(crate) number: u64,
    pub(crate) text: &'a str,
}

impl Rules {
    /// What is written of a route, with how many devices there may be, and how long they are remembered.
    pub(crate) fn of(
        route: &str,
        dialect: Dialect,
        asks_who: bool,
        inbox: &config::DeviceInbox,
        (max_devices, forget_after): (usize, config::Span),
    ) -> Self {
        Self {
            route: route.into(),
            asks_who,
            max_messages: inbox.max_messages,
            max_bytes: inbox.max_bytes,
            time_to_live: inbox.time_to_live.get(),
            is_durable: inbox.durable,
            until_acknowledged: inbox.until_acknowledged.unwrap_or(dialect.acknowledges),
            max_devices,
            forget_after: forget_after.get(),
            dialect,
        }
    }
}

/// Whether a device may be called so. Opaque, but what every line can carry: no `#`, no control character,
/// nothing that looks empty.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&id.len())
        && !id.contains(|c: char| c == '#' || c.is_control() || c.is_whitespace())
        && http::HeaderValue::from_str(id).is_ok()
}
