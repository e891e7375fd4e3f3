//! What was seen, as the developer tools of browsers keep it: an HTTP archive (HAR 1.2), with the
//! messages of each WebSocket in Chrome's form, `_webSocketMessages`.

use std::collections::BTreeMap;
use std::time::Duration;

use data_encoding::BASE64;
use http::HeaderMap;
use serde_json::{Value, json};
use tieline_inspect::{Answered, Asked, Outcome, Seen, Sender, What};
use tieline_proto::MessageKind;

/// Most bytes of messages that are kept until the archive is written.
const MAX_BYTES: usize = 512 << 20;

/// An archive in the making: it is written when all was seen.
#[derive(Debug, Default)]
pub(super) struct Archive {
    entries: BTreeMap<u64, Entry>,
    bytes: usize,
    /// Messages that were left out for lack of room.
    left_out: u64,
}

/// One WebSocket.
#[derive(Debug, Default)]
struct Entry {
    server: String,
    asked: Option<Asked>,
    answered: Option<Answered>,
    first: Duration,
    /// When it was asked for, and when it was answered.
    waited: Duration,
    last: Duration,
    messages: Vec<Value>,
}

impl Archive {
    /// Takes an event; `is_shown` says whether the filter lets it.
    pub(super) fn take(&mut self, seen: &Seen, is_shown: bool) {
        let time = seen.event.time;
        let what = &seen.event.what;
        if let What::Disconnected(_) = what {
            self.entries.remove(&seen.connection);
            return;
        }
        let entry = self.entries.entry(seen.connection).or_default();
        entry.last = time;
        match what {
            What::Connected(connected) => {
                entry.server = connected.server.to_string();
                entry.first = time;
            }
            What::Asked(asked) => {
                entry.asked = Some(*asked.clone());
                entry.first = time;
            }
            What::Answered(answered) => {
                entry.answered = Some(*answered.clone());
                entry.waited = time.saturating_sub(entry.first);
            }
            What::Frame { from, frame, .. } if is_shown => {
                let Outcome::Message { kind, payload } = &frame.outcome else { return };
                self.bytes = self.bytes.saturating_add(payload.len() + 100);
                if self.bytes > MAX_BYTES {
                    self.left_out += 1;
                    return;
                }
                entry.messages.push(message(*from, *kind, payload, time));
            }
            _ => {}
        }
    }

    /// How many messages were left out for lack of room.
    pub(super) const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// All of it.
    pub(super) fn json(self) -> Value {
        let is_websocket = |entry: &Entry| {
            entry.asked.is_some() || entry.answered.is_some() || !entry.messages.is_empty()
        };
        let entries = self.entries.into_iter().filter(|(_, entry)| is_websocket(entry));
        let entries: Vec<_> = entries.map(|(number, entry)| entry.json(number)).collect();
        json!({ "log": {
            "version": "1.2",
            "creator": { "name": "tieline", "version": env!("CARGO_PKG_VERSION") },
            "pages": [],
            "entries": entries,
        }})
    }
}

impl Entry {
    fn json(self, number: u64) -> Value {
        let none = HeaderMap::new();
        let asked = self.asked.as_ref();
        let answered = self.answered.as_ref();
        let headers = asked.map_or(&none, |asked| &asked.headers);
        let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or(&self.server);
        let target = asked.map_or("/", |asked| &asked.target);
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let wait = ms(self.waited);
        json!({
            "startedDateTime": moment(self.first),
            "time": ms(self.last.saturating_sub(self.first)),
            "request": {
                "method": asked.map_or("GET", |asked| asked.method.as_str()),
                "url": format!("ws://{host}{target}"),
                "httpVersion": "HTTP/1.1",
                "cookies": [],
                "headers": pairs(headers),
                "queryString": query(target),
                "headersSize": -1,
                "bodySize": 0,
            },
            "response": {
                "status": answered.map_or(0, |answered| answered.status.as_u16()),
                "statusText": answered
                    .and_then(|answered| answered.status.canonical_reason())
                    .unwrap_or_default(),
                "httpVersion": "HTTP/1.1",
                "cookies": [],
                "headers": pairs(answered.map_or(&none, |answered| &answered.headers)),
                "content": { "size": 0, "mimeType": "x-unknown" },
                "redirectURL": "",
                "headersSize": -1,
                "bodySize": -1,
            },
            "cache": {},
            "timings": { "send": 0, "wait": wait, "receive": 0 },
            "connection": number.to_string(),
            "_resourceType": "websocket",
            "_webSocketMessages": self.messages,
        })
    }
}

/// Binary ones are base64, as Chrome has them.
fn message(from: Sender, kind: MessageKind, payload: &[u8], time: Duration) -> Value {
    let (opcode, data) = match kind {
        MessageKind::Text => (1, String::from_utf8_lossy(payload).into_owned()),
        MessageKind::Binary => (2, BASE64.encode(payload)),
    };
    let kind = match from {
        Sender::Client => "send",
        Sender::Server => "receive",
    };
    json!({ "type": kind, "time": time.as_micros() as f64 / 1e6, "opcode": opcode, "data": data })
}

fn pairs(headers: &HeaderMap) -> Vec<Value> {
    let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| json!({ "name": name.as_str(), "value": String::from_utf8_lossy(value.as_bytes()) });
    headers.iter().map(pair).collect()
}

/// As it is written: nothing is decoded.
fn query(target: &str) -> Vec<Value> {
    let Some((_, query)) = target.split_once('?') else { return Vec::new() };
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        json!({ "name": name, "value": value })
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// A moment as RFC 3339 writes it, in UTC: `2026-11-21T19:34:47.123Z`.
fn moment(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs();
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    // The calendar repeats itself every 400 years.
    let mut year = 1970 + days / 146_097 * 400;
    days %= 146_097;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for len in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < len {
            break;
        }
        days -= len;
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let day = days + 1;
    let millis = since_1970.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_a_date_and_a_time() {
        for (seconds, written) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_609_459_199, "2020-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(moment(Duration::from_secs(seconds)), written);
        }
        assert_eq!(moment(Duration::from_millis(1_700_000_000_042)), "2023-11-14T22:13:20.042Z");
    }
}
