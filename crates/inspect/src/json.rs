//! What was seen, for programs: one JSON value for each event.
//!
//! Each has `event`, its kind, and `time`, in seconds since the beginning of 1970. Bytes are
//! hexadecimal; compressed ones are never shown as text.

use std::time::Duration;

use data_encoding::HEXLOWER;
use http::HeaderMap;
use serde_json::{Value, json};
use tieline_proto::deflate::Window;
use tieline_proto::handshake::HandshakeError;
use tieline_proto::{CloseCode, MessageKind};

use crate::event::{Answered, Asked, Connected, Ending, Event, Note, Seen, What};
use crate::frame::{Frame, Outcome, Sender};

/// An event of one of many connections: that of [`event`], and `connection`, its number.
pub fn seen(seen: &Seen) -> Value {
    let mut value = event(&seen.event);
    value["connection"] = json!(seen.connection);
    value
}

/// An event.
///
/// | `event`    | when                                        | fields beside `time`                  |
/// |------------|---------------------------------------------|---------------------------------------|
/// | `connection` | somebody connected over TCP              | `client`, `server`, `syn`, `syn_ack`, `ack` (times, or null) |
/// | `request`  | the client asked for a WebSocket            | `method`, `target`, `headers`, `draft`, `version`, `protocols`, `extensions`, `error` |
/// | `response` | the server answered                         | `status`, `headers`, `upgraded`, `accept_right`, `protocol`, `extensions`, `deflate`, `error` |
/// | `frame`    | a frame is whole, or will never be          | `from`, those of [`frame`], `round_trip` |
/// | `gap`      | bytes are missing                           | `from`, `bytes`                       |
/// | `note`     | something has to be explained               | `note`, `kind`, `from`                |
/// | `closed`   | the connection is over                      | `clean`, `code`, `began`, `client`, `server`, `end`, `by` |
/// | `end`      | one is over that was no WebSocket           | `end`, `by`                           |
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tieline_inspect::{Event, Sender, What, json};
///
/// let what = What::Gap { from: Sender::Client, bytes: 7 };
/// let value = json::event(&Event { time: Duration::from_millis(1500), what });
/// assert_eq!(value, serde_json::json!({ "event": "gap", "time": 1.5, "from": "client", "bytes": 7 }));
/// ```
pub fn event(event: &Event) -> Value {
    let mut value = match &event.what {
        What::Asked(asked) => request(asked),
        What::Answered(answered) => response(answered),
        What::Connected(connected) => connection(connected),
        What::Disconnected(end) => {
            let (end, by) = end.parts();
            json!({ "end": end, "by": by.map(Sender::name) })
        }
        What::Frame { frame, round_trip, .. } => {
            let mut value = self::frame(frame);
            if let Some(round_trip) = round_trip {
                value["round_trip"] = seconds(*round_trip);
            }
            value
        }
        What::Gap { bytes, .. } => json!({ "bytes": bytes }),
        What::Note(note) => self::note(note),
        What::Closed(ending) => closed(ending),
    };
    if let Some(from) = event.what.from() {
        value["from"] = json!(from.name());
    }
    value["event"] = json!(event.what.name());
    value["time"] = seconds(event.time);
    value
}

/// A frame: `offset` and `bytes` of it on the wire, `head`; where its header is whole `fin`, `rsv`,
/// `opcode`, `mask`; `name`, `length`, `payload` (`kept` says how many bytes of it, where that is
/// not all), and what comes of it: `message` with `text` or `hex` (null for a part of one),
/// `close`, `control`, `cut_off`, `unread` or `error`.
pub fn frame(frame: &Frame) -> Value {
    let Frame { offset, head, header, payload, len, outcome } = frame;
    let missing = match outcome {
        Outcome::CutOff(Some(missing)) => *missing,
        _ => 0,
    };
    let mut value = json!({
        "offset": offset,
        "bytes": head.len() as u64 + len.saturating_sub(missing),
        "head": HEXLOWER.encode(head),
        "name": frame.name(),
        "length": len,
        "payload": HEXLOWER.encode(payload),
    });
    if let Some(header) = header {
        value["fin"] = json!(header.fin);
        value["rsv"] = json!(header.reserved);
        value["opcode"] = json!(header.opcode as u8);
        value["mask"] = json!(header.mask.map(|key| HEXLOWER.encode(&key)));
    }
    if payload.len() as u64 != *len {
        value["kept"] = json!(payload.len());
    }
    let (name, what) = what(outcome);
    value[name] = what;
    value
}

/// What comes of a frame, under the name of its kind.
fn what(outcome: &Outcome) -> (&'static str, Value) {
    match outcome {
        Outcome::Close { code, reason } => ("close", close(*code, reason)),
        Outcome::CutOff(missing) => ("cut_off", json!({ "missing": missing })),
        Outcome::Message { kind, payload } => ("message", message(*kind, payload)),
        Outcome::Wrong(error) => {
            ("error", json!({ "what": error.to_string(), "code": error.close_code().get() }))
        }
        Outcome::Fragment => ("message", Value::Null),
        Outcome::Ping => ("control", json!("ping")),
        Outcome::Pong => ("control", json!("pong")),
        Outcome::Unread(why) => ("unread", json!(why.to_string())),
    }
}

fn message(kind: MessageKind, payload: &[u8]) -> Value {
    match (kind, str::from_utf8(payload)) {
        (MessageKind::Text, Ok(text)) => json!({ "text": text }),
        _ => json!({ "hex": HEXLOWER.encode(payload) }),
    }
}

fn close(code: CloseCode, reason: &str) -> Value {
    json!({ "code": code.get(), "reason": reason })
}

fn connection(connected: &Connected) -> Value {
    json!({
        "client": connected.client.to_string(),
        "server": connected.server.to_string(),
        "syn": connected.syn.map(seconds),
        "syn_ack": connected.syn_ack.map(seconds),
        "ack": connected.ack.map(seconds),
    })
}

fn request(asked: &Asked) -> Value {
    json!({
        "method": asked.method.as_str(),
        "target": asked.target,
        "headers": headers(&asked.headers),
        "draft": asked.dialect.to_string(),
        "version": asked.version,
        "protocols": asked.protocols,
        "extensions": asked.extensions,
        "error": asked.error.as_ref().map(error),
    })
}

fn response(answered: &Answered) -> Value {
    let window = |window: Window| json!({ "bits": window.bits, "context_takeover": window.context_takeover });
    let deflate = answered.deflate.map(
        |windows| json!({ "client": window(windows.client), "server": window(windows.server) }),
    );
    json!({
        "status": answered.status.as_u16(),
        "headers": headers(&answered.headers),
        "upgraded": answered.status.as_u16() == 101,
        "accept_right": answered.is_accept_right,
        "protocol": answered.protocol,
        "extensions": answered.extensions,
        "deflate": deflate,
        "error": answered.error.as_ref().map(error),
    })
}

fn note(note: &Note) -> Value {
    let kind = match note {
        Note::AfterClose(_) => "after_close",
        Note::HandshakeCutOff => "handshake_cut_off",
        Note::Http2 => "http2",
        Note::InTheMiddle => "in_the_middle",
        Note::NoUpgrade => "no_upgrade",
        Note::NoFrames(_) => "no_frames",
        Note::NotHttp(_) => "not_http",
        Note::Passed(..) => "passed",
        Note::Tls => "tls",
        Note::TlsLost => "tls_lost",
        Note::TlsOpened => "tls_opened",
    };
    json!({ "note": note.to_string(), "kind": kind })
}

fn closed(ending: &Ending) -> Value {
    let said = |said: &Option<(CloseCode, String)>| {
        said.as_ref().map(|(code, reason)| close(*code, reason))
    };
    let (end, by) = ending.end.parts();
    json!({
        "clean": ending.was_clean(),
        "code": ending.code().get(),
        "began": ending.began.map(Sender::name),
        "client": said(&ending.client),
        "server": said(&ending.server),
        "end": end,
        "by": by.map(Sender::name),
    })
}

/// With its cause.
fn error(error: &HandshakeError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn headers(headers: &HeaderMap) -> Vec<[String; 2]> {
    let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        [name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()]
    };
    headers.iter().map(pair).collect()
}

/// Seconds, exact to the microsecond.
pub(crate) fn seconds(time: Duration) -> Value {
    json!(time.as_micros() as f64 / 1e6)
}
