//! A conversation for programs: each thing that happens as JSON, in a line.

use std::time::Duration;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use tieline::Message;
use tieline::http::HeaderMap;
use tieline::reconnect::Why;

use super::happening::Happening;
use super::shown::chain;

/// What happened `at` so long after the beginning, and the end of its line.
pub(super) fn line(at: Duration, happening: &Happening) -> Option<String> {
    let mut line = match happening {
        Happening::Ended { why, retry_in } => {
            let mut line = match why {
                Why::Closed { code, reason } => {
                    json!({ "event": "close", "code": code.get(), "reason": reason })
                }
                why => json!({ "event": "lost", "error": chain(why) }),
            };
            if let Some(retry_in) = retry_in {
                line["retry_in_ms"] = json!(ms(*retry_in));
            }
            line
        }
        Happening::Note(note) => json!({ "event": "note", "text": note }),
        Happening::Opened(opened) => json!({
            "event": "open",
            "url": opened.url,
            "protocol": opened.protocol,
            "extensions": opened.extensions,
            "took_ms": ms(opened.took),
            "headers": headers(&opened.headers),
        }),
        Happening::Pinged(payload) => json!({ "event": "ping", "hex": HEXLOWER.encode(payload) }),
        Happening::Ponged { payload, round_trip } => {
            let mut line = json!({ "event": "pong", "hex": HEXLOWER.encode(payload) });
            if let Some(round_trip) = round_trip {
                line["round_trip_ms"] = json!(ms(*round_trip));
            }
            line
        }
        Happening::Received(message) => said(message),
        Happening::Closing { .. } | Happening::Sent(_) => return None,
    };
    line["at_ms"] = json!(ms(at));
    Some(format!("{line}\n"))
}

fn said(message: &Message) -> Value {
    match message {
        Message::Text(text) => json!({ "event": "message", "text": **text }),
        Message::Binary(bytes) => json!({ "event": "message", "hex": HEXLOWER.encode(bytes) }),
    }
}

/// Headers by name; those that stand there more than once are joined by commas (RFC 9110 §5.3).
fn headers(headers: &HeaderMap) -> Value {
    let mut map = Map::new();
    for name in headers.keys() {
        let values = headers.get_all(name).iter();
        let values: Vec<_> =
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        map.insert(name.to_string(), json!(values.join(", ")));
    }
    Value::Object(map)
}

/// Milliseconds, down to microseconds.
fn ms(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}
