//! What a watched line says, frame by frame: the bytes that were seen, taken apart.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tieline::Agreement;
use tieline::serve::{Direction, Seen};
use tieline_inspect::{Bounds, Conversation, End, Event, Sender, Start, Terms, What, Windows};

/// What is kept of what is seen: more than a page shows.
pub(super) const BOUNDS: Bounds =
    Bounds { max_payload_bytes: 64 << 10, max_message_bytes: 1 << 20 };

/// One line, looked into.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// `None` before the watch has begun.
    conversation: Option<Conversation>,
    /// Whether bytes of the client, and of the server, were seen.
    has_begun: [bool; 2],
    /// When the last bytes went.
    last: Duration,
    /// Events for who reads, one a line.
    lines: Vec<u8>,
}

impl Look {
    /// What comes of what was seen.
    pub(super) fn take(&mut self, seen: Seen) -> Vec<u8> {
        let Self { conversation, has_begun, last, lines } = self;
        let mut tell = |event: Event| line(lines, &tieline_inspect::json::event(&event));
        match (seen, conversation) {
            (Seen::Begins(agreement), conversation) => {
                *last = since_1970(SystemTime::now());
                let terms = terms(&agreement);
                line(lines, &beginning(&agreement, &terms, *last));
                *conversation = Some(Conversation::new(Start::BetweenFrames(terms), BOUNDS));
            }
            (Seen::Bytes { direction, at, bytes }, Some(conversation)) => {
                *last = since_1970(at);
                has_begun[sender(direction) as usize] = true;
                conversation.receive(sender(direction), &bytes, *last, &mut tell);
            }
            (Seen::Missing { direction, at, bytes }, Some(conversation)) => {
                *last = since_1970(at);
                let from = sender(direction);
                // Behind what was begun before the watch a message begins, as behind nothing.
                if has_begun[from as usize] {
                    conversation.miss(from, bytes, *last, &mut tell);
                } else {
                    tell(Event { time: *last, what: What::Gap { from, bytes } });
                }
            }
            _ => {}
        }
        std::mem::take(lines)
    }

    /// What there is to say at the end of the line.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let Self { conversation, last, lines, .. } = self;
        let mut tell = |event: Event| line(lines, &tieline_inspect::json::event(&event));
        if let Some(mut conversation) = conversation.take() {
            conversation.finish(End::Unseen, *last, &mut tell);
        }
        std::mem::take(lines)
    }
}

/// Adds a value to lines of JSON.
pub(super) fn line(lines: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(&mut *lines, value).expect("a value has its JSON");
    lines.push(b'\n');
}

/// The first event: what both ends agreed on.
fn beginning(agreement: &Agreement, terms: &Terms, time: Duration) -> Value {
    let window = |window: tieline_proto::deflate::Window| json!({ "bits": window.bits, "context_takeover": window.context_takeover });
    let deflate = terms.deflate.map(
        |windows| json!({ "client": window(windows.client), "server": window(windows.server) }),
    );
    let (time, draft) = (time.as_micros() as f64 / 1e6, agreement.dialect.to_string());
    json!({ "event": "watching", "time": time, "draft": draft, "deflate": deflate })
}

fn terms(agreement: &Agreement) -> Terms {
    // Ours is the server's end.
    let deflate =
        agreement.deflate.map(|agreed| Windows { client: agreed.theirs, server: agreed.ours });
    Terms { dialect: agreement.dialect, deflate }
}

const fn sender(direction: Direction) -> Sender {
    match direction {
        Direction::In => Sender::Client,
        Direction::Out => Sender::Server,
    }
}

fn since_1970(at: SystemTime) -> Duration {
    at.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use tieline_proto::deflate::{Agreed, Window};

    fn bytes(direction: Direction, bytes: &'static [u8]) -> Seen {
        Seen::Bytes { direction, at: UNIX_EPOCH, bytes: Bytes::from_static(bytes) }
    }

    /// The values of these fields of every event.
    fn told(lines: &[u8], fields: &[&str]) -> Vec<Vec<Value>> {
        let lines = str::from_utf8(lines).unwrap().lines();
        let events = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.map(|event| fields.iter().map(|&field| event[field].clone()).collect()).collect()
    }

    #[test]
    fn bytes_become_frames_with_their_messages_and_the_end_is_told() {
        let mut look = Look::default();
        let begun = look.take(Seen::Begins(Agreement::default()));
        assert_eq!(told(&begun, &["event", "deflate"]), [[json!("watching"), Value::Null]]);
        // The masked "Hello" of RFC 6455 §5.7, in two pieces, and an answer to it.
        let first = look.take(bytes(Direction::In, b"\x81\x85\x37\xfa\x21"));
        assert!(first.is_empty());
        let whole = look.take(bytes(Direction::In, b"\x3d\x7f\x9f\x4d\x51\x58"));
        let hello = json!({ "text": "Hello" });
        assert_eq!(
            told(&whole, &["event", "from", "mask", "message"]),
            [[json!("frame"), json!("client"), json!("37fa213d"), hello]]
        );
        let answer = look.take(bytes(Direction::Out, b"\x88\x02\x03\xe8"));
        assert_eq!(told(&answer, &["from", "name"]), [[json!("server"), json!("close")]]);
        let end = look.finish();
        assert_eq!(told(&end, &["event", "code"]), [[json!("closed"), json!(1000)]]);
        assert!(look.finish().is_empty());
    }

    #[test]
    fn what_is_compressed_with_what_was_said_before_the_watch_is_not_shown_as_text() {
        let window = Window { bits: 15, context_takeover: true };
        let agreed = Agreed { ours: window, theirs: window, level: 6, min_bytes: 0 };
        let agreement = Agreement { deflate: Some(agreed), ..Agreement::default() };
        let mut look = Look::default();
        let begun = look.take(Seen::Begins(agreement));
        assert_eq!(told(&begun, &["deflate"])[0][0]["client"]["bits"], 15);
        // The second "Hello" of RFC 7692 §7.2.3.2, which points into the first.
        let again = look.take(bytes(Direction::Out, b"\xc1\x05\xf2\x00\x11\x00\x00"));
        let unread = json!("unknown deflate context");
        assert_eq!(told(&again, &["unread", "message"]), [[unread, Value::Null]]);
    }

    #[test]
    fn what_is_missing_is_told_and_what_comes_behind_it_is_shown() {
        let mut look = Look::default();
        look.take(Seen::Begins(Agreement::default()));
        let gap = |bytes| Seen::Missing { direction: Direction::Out, at: UNIX_EPOCH, bytes };
        let gap_of = |bytes: u64| [vec![json!("gap"), json!("server"), json!(bytes)]];
        let fields = ["event", "from", "bytes"];
        assert_eq!(told(&look.take(gap(7)), &fields), gap_of(7));
        let behind = look.take(bytes(Direction::Out, b"\x81\x01a"));
        assert_eq!(told(&behind, &["message"]), [[json!({ "text": "a" })]]);
        // In the middle two frames tell that they are some.
        assert_eq!(told(&look.take(gap(9)), &fields), gap_of(9));
        let behind = look.take(bytes(Direction::Out, b"\x81\x01b\x81\x01c"));
        let texts = ["b", "c"].map(|text| [json!({ "text": text })]);
        assert_eq!(told(&behind, &["message"]), texts);
    }
}
