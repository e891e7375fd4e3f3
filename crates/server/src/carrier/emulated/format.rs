//! How the messages of an emulated line are written: one message, and the end, in each of the three ways.
//!
//! | | a message | nothing for a while | the end |
//! |---|---|---|---|
//! | events | `id: 7`, `data: …` | a comment | `event: close`, `data: {"close":{"code":1001,"reason":"…"}}` |
//! | lines | … | an empty line | `{"close":{"code":1001,"reason":"…"}}` |
//! | array | … | `[]` | the same, as its last |
//!
//! A message of a service that speaks JSON stands as it is, any other as a JSON string.
//!
//! Spec: HTML, "Server-sent events"; docs/wire.md, "Over HTTP".

use bytes::{BufMut, BytesMut};
use memchr::memchr2_iter;
use serde::Serialize;

use crate::outbox::End;

/// One of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Array,
    Events,
    Lines,
}

/// What the end looks like.
#[derive(Serialize)]
struct Ended<'a> {
    close: Reason<'a>,
}

#[derive(Serialize)]
struct Reason<'a> {
    code: u16,
    reason: &'a str,
}

impl Format {
    /// What comes before everything else, so that the client sees that it comes.
    pub(super) const fn beginning(self) -> &'static [u8] {
        match self {
            Self::Array => b"[",
            // Browsers come back after this many milliseconds.
            Self::Events => b"retry: 1000\n\n",
            Self::Lines => b"\n",
        }
    }

    /// What is said where nothing is to be said.
    pub(super) const fn heartbeat(self) -> &'static [u8] {
        match self {
            Self::Array => b"",
            Self::Events => b":\n\n",
            Self::Lines => b"\n",
        }
    }

    /// What comes behind everything else.
    pub(super) const fn ending(self) -> &'static [u8] {
        match self {
            Self::Array => b"]",
            Self::Events | Self::Lines => b"",
        }
    }

    /// Writes a message; `is_json` where it is JSON itself.
    pub(super) fn message(self, number: u64, text: &str, is_json: bool, output: &mut BytesMut) {
        output.reserve(text.len() + 32);
        if self == Self::Events {
            output.extend_from_slice(format!("id: {number}\n").as_bytes());
        }
        self.entry(output, |output| match is_json {
            true => without_line_ends(text.as_bytes(), output),
            false => to_json(text, output),
        });
    }

    /// Writes the end.
    pub(super) fn close(self, (code, reason): &End, output: &mut BytesMut) {
        if self == Self::Events {
            output.extend_from_slice(b"event: close\n");
        }
        let ended = Ended { close: Reason { code: code.get(), reason } };
        self.entry(output, |output| to_json(&ended, output));
    }

    fn entry(self, output: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
        match self {
            Self::Array if output.last() != Some(&b'[') => output.extend_from_slice(b","),
            Self::Array | Self::Lines => {}
            Self::Events => output.extend_from_slice(b"data: "),
        }
        write(output);
        match self {
            Self::Array => {}
            Self::Events => output.extend_from_slice(b"\n\n"),
            Self::Lines => output.extend_from_slice(b"\n"),
        }
    }
}

/// A line end in JSON is never part of a string: it can go.
fn without_line_ends(text: &[u8], output: &mut BytesMut) {
    let mut begin = 0;
    for end in memchr2_iter(b'\n', b'\r', text) {
        output.extend_from_slice(&text[begin..end]);
        begin = end + 1;
    }
    output.extend_from_slice(&text[begin..]);
}

fn to_json(value: impl Serialize, output: &mut BytesMut) {
    serde_json::to_writer(output.writer(), &value).expect("texts and numbers have their JSON");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use tieline::CloseCode;

    const TEXTS: [&str; 6] = ["", "a\nb\r\nc\rd", "[\"x\"]", "id: 9", "ü\u{2028}\0", "\"],["];

    fn written(format: Format, texts: &[&str], is_json: bool) -> String {
        let mut output = BytesMut::from(format.beginning());
        for (index, text) in texts.iter().enumerate() {
            format.message(index as u64 + 1, text, is_json, &mut output);
        }
        format.close(&(CloseCode::GOING_AWAY, "so \"long\"\n".into()), &mut output);
        output.extend_from_slice(format.ending());
        String::from_utf8(output.into()).unwrap()
    }

    fn end() -> Value {
        serde_json::json!({ "close": { "code": 1001, "reason": "so \"long\"\n" } })
    }

    #[test]
    fn every_text_comes_out_as_it_went_in() {
        let array: Vec<Value> =
            serde_json::from_str(&written(Format::Array, &TEXTS, false)).unwrap();
        let lines = written(Format::Lines, &TEXTS, false);
        let lines: Vec<Value> = lines
            .split('\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let mut expected: Vec<Value> = TEXTS.map(Value::from).into();
        expected.push(end());
        assert_eq!(array, expected);
        assert_eq!(lines, expected);
    }

    #[test]
    fn an_event_has_its_number_and_one_line_of_data() {
        let events = written(Format::Events, &TEXTS, false);
        let events: Vec<_> = events.split("\n\n").collect();
        assert_eq!((events[0], events.last()), ("retry: 1000", Some(&"")));
        for (index, text) in TEXTS.iter().enumerate() {
            let (id, data) = events[index + 1].split_once('\n').unwrap();
            assert_eq!(id, format!("id: {}", index + 1));
            let data = data.strip_prefix("data: ").unwrap();
            assert_eq!(serde_json::from_str::<String>(data).unwrap(), *text);
            assert!(!data.contains(['\n', '\r']), "{data:?}");
        }
        let end = events[TEXTS.len() + 1];
        assert_eq!(
            end,
            "event: close\ndata: {\"close\":{\"code\":1001,\"reason\":\"so \\\"long\\\"\\n\"}}"
        );
    }

    #[test]
    fn json_stands_as_it_is_but_for_its_line_ends() {
        let text = "{\r\n  \"a\": [1,\n 2]\n}";
        let lines = written(Format::Lines, &[text, "[]"], true);
        assert!(lines.starts_with("\n{  \"a\": [1, 2]}\n[]\n{\"close\""), "{lines}");
        let array = written(Format::Array, &[text], true);
        assert!(array.starts_with("[{  \"a\": [1, 2]},{\"close\""), "{array}");
    }
}
