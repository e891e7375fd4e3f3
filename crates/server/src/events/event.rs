//! One event: what a backend is told of a device.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::at::At;

/// What happened to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EventKind {
    /// It opened a line.
    Connected,
    /// Its line ended, for whatever reason.
    Disconnected,
    /// It registered.
    Registered,
    /// It took that back.
    Unregistered,
}

/// What a backend is told, in the words of its JSON; kept so as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) event: EventKind,
    pub(crate) device: String,
    /// The session's number, which rises with each connect of a device.
    pub(crate) generation: u64,
    /// Its place in the session, from 1.
    pub(crate) seq: u64,
    pub(crate) at: At,
    /// Why, where it is `disconnected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// An event that was given up, with why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeadEvent {
    #[serde(flatten)]
    pub(crate) event: Event,
    /// How often it was sent since the server started.
    pub(crate) tries: u32,
    /// What came of the last try, or why there was none.
    pub(crate) error: String,
    /// When it was given up.
    pub(crate) died_at: At,
}

/// What may stand in a header as it is.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'@').remove(b':').remove(b'~');

impl Event {
    /// The same over all tries and restarts, and no other event's.
    pub(crate) fn idempotency_key(&self) -> String {
        let device = utf8_percent_encode(&self.device, PLAIN);
        format!("{device}.{}.{}.{}", self.generation, self.event, self.seq)
    }

    /// The body of its request.
    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an event is texts and numbers")
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Registered => "registered",
            Self::Unregistered => "unregistered",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_in_json_and_has_a_key_that_a_header_may_have() {
        let event = Event {
            event: EventKind::Disconnected,
            device: "dé 1@app".to_owned(),
            generation: 7,
            seq: 3,
            at: serde_json::from_str("\"2026-11-21T19:34:47.123Z\"").unwrap(),
            reason: Some("1000 \"bye\"".to_owned()),
        };
        assert_eq!(event.idempotency_key(), "d%C3%A9%201@app.7.disconnected.3");
        let body = String::from_utf8(event.body()).unwrap();
        assert_eq!(
            body,
            r#"{"event":"disconnected","device":"dé 1@app","generation":7,"seq":3,"at":"2026-11-21T19:34:47.123Z","reason":"1000 \"bye\""}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&body).unwrap(), event);
        let dead = DeadEvent { event, tries: 5, error: "500".to_owned(), died_at: At::now() };
        let text = serde_json::to_string(&dead).unwrap();
        assert_eq!(serde_json::from_str::<DeadEvent>(&text).unwrap(), dead);
    }
}
