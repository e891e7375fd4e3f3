//! What a call is answered that cannot be done, and what its caller should do then.

use crate::service::rpc::{RpcError, Unlet};
use tieline_hub::BrokerError;

/// Why a call is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing comes before `connect`.
    NotConnected,
    /// `connect` comes once.
    Connected,
    /// No token, or one that is not good.
    Token,
    /// The right is missing.
    Forbidden,
    /// No such namespace, or no name.
    UnknownChannel,
    /// Nothing was subscribed to there.
    NotSubscribed,
    /// It was subscribed to already.
    Subscribed,
    /// More channels than a line may have.
    TooMany,
    /// The namespace has no presence.
    NoPresence,
    /// The namespace has no patterns.
    NoPatterns,
    /// The server has as much to do as it may have.
    Overloaded,
    /// The disk failed.
    Unavailable,
    /// The route has no devices.
    NoDevices,
    /// The device is another user's.
    DeviceOfAnother,
    /// A line is one device's.
    HasDevice,
    /// The line is not this device's.
    NotRegistered,
    /// The device has a newer line.
    Superseded,
    /// The disk failed, for a registration.
    NotRecorded,
}

impl Fault {
    /// The code on the wire, which does not change; [docs/codes.md] says what to do for each.
    const fn code(self) -> i64 {
        match self {
            Self::NotConnected => 4001,
            Self::Connected => 4002,
            Self::Token => 4003,
            Self::Forbidden => 4004,
            Self::UnknownChannel => 4005,
            Self::NotSubscribed => 4006,
            Self::Subscribed => 4007,
            Self::TooMany => 4008,
            Self::NoPresence => 4009,
            Self::NoPatterns => 4010,
            Self::Overloaded => 4011,
            Self::Unavailable => 4012,
            Self::NoDevices => 4013,
            Self::DeviceOfAnother => 4014,
            Self::HasDevice => 4015,
            Self::NotRegistered => 4016,
            Self::Superseded => 4017,
            Self::NotRecorded => 4018,
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::NotConnected => "say connect first",
            Self::Connected => "connect is said once",
            Self::Token => "the token is not good here",
            Self::Forbidden => "the right to do this is missing",
            Self::UnknownChannel => "there is no such channel",
            Self::NotSubscribed => "there is no such subscription",
            Self::Subscribed => "there is such a subscription already",
            Self::TooMany => "there are as many subscriptions as may be",
            Self::NoPresence => "the namespace does not tell who is there",
            Self::NoPatterns => "the namespace has no patterns",
            Self::Overloaded => "the server is overloaded: try again later",
            Self::Unavailable => "the channel cannot be written to: try again later",
            Self::NoDevices => "there are no devices here",
            Self::DeviceOfAnother => "the device is another user's",
            Self::HasDevice => "the line is another device's already",
            Self::NotRegistered => "the device is not registered on this line",
            Self::Superseded => "the device goes on over a newer line",
            Self::NotRecorded => "the registration cannot be recorded: try again later",
        }
    }
}

impl From<Fault> for RpcError {
    fn from(fault: Fault) -> Self {
        Self::new(fault.code(), fault.message())
    }
}

impl From<Unlet> for Fault {
    fn from(unlet: Unlet) -> Self {
        match unlet {
            Unlet::Anonymous => Self::Token,
            Unlet::Rights => Self::Forbidden,
        }
    }
}

impl From<&BrokerError> for Fault {
    fn from(error: &BrokerError) -> Self {
        match error {
            BrokerError::Overloaded => Self::Overloaded,
            _ => Self::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_codes_has_each() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/codes.md");
        let page = std::fs::read_to_string(page).unwrap();
        for (at, fault) in [
            Fault::NotConnected,
            Fault::Connected,
            Fault::Token,
            Fault::Forbidden,
            Fault::UnknownChannel,
            Fault::NotSubscribed,
            Fault::Subscribed,
            Fault::TooMany,
            Fault::NoPresence,
            Fault::NoPatterns,
            Fault::Overloaded,
            Fault::Unavailable,
            Fault::NoDevices,
            Fault::DeviceOfAnother,
            Fault::HasDevice,
            Fault::NotRegistered,
            Fault::Superseded,
            Fault::NotRecorded,
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(fault.code(), 4_001 + at as i64);
            assert!(page.contains(&format!("\n| {} | ", fault.code())), "{fault:?}");
        }
    }
}
