//! How a client of the gateway speaks.

use std::time::Duration;

use data_encoding::HEXLOWER;

use super::signature::Credentials;
use crate::reconnect::Reconnect;

/// How a client of the gateway speaks. Set the fields you mean and take the rest from `default()`.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct Options {
    /// Who this device is, the same for as long as it is the same device. Default a new
    /// [`device_id`].
    pub device_id: String,
    /// The host that calls name. Default the URL's.
    pub host: Option<String>,
    /// Signs every call. Default none.
    pub credentials: Option<Credentials>,
    /// How long a call may take, from the moment it is made. Default 10 s.
    pub call_within: Duration,
    /// How long the gateway may take to bind the device. Default 10 s.
    pub bind_within: Duration,
    /// Most calls that have no answer yet. Default 64.
    pub max_calls: usize,
    /// Most events that wait for their owner; while they do, nothing is read. Default 64.
    pub max_events: usize,
    /// How it comes back. Default as [`Reconnect`], but after every close: the gateway ends lines
    /// for reasons of its own.
    pub reconnect: Reconnect,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            device_id: device_id(None),
            host: None,
            credentials: None,
            call_within: Duration::from_secs(10),
            bind_within: Duration::from_secs(10),
            max_calls: 64,
            max_events: 64,
            reconnect: Reconnect {
                stop_on_close: Vec::new(),
                stop_on_status: Vec::new(),
                ..Reconnect::default()
            },
        }
    }
}

/// A new name for a device: 32 hexadecimal digits, and behind an `@` the application's key.
///
/// # Panics
///
/// Where the system gives no random bytes.
pub fn device_id(app_key: Option<&str>) -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    let mut id = HEXLOWER.encode(&bytes);
    if let Some(key) = app_key {
        id.push('@');
        id.push_str(key);
    }
    id
}
