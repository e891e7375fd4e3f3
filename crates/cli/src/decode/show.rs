//! A frame for people: what each byte of it says.
//!
//! ```text
//! frame 1 at 0: text, whole, from a client
//!   81                       1... ....  FIN: the last of its message
//!                            .000 ....  RSV1 to RSV3: nothing
//!                            .... 0001  opcode 0x1: text
//! ```

use tieline_inspect::{Deflate, Frame, Outcome, opcode_name};
use tieline_proto::frame::Header;
use tieline_proto::{CloseCode, MessageKind};

use crate::printable::printable;
use crate::style::{self, BOLD, DIM, RED};

/// Bytes in a row.
const ROW: usize = 8;

/// Most bytes of a payload that are shown.
const MAX_SHOWN: usize = 256;

/// Where what is said of bytes begins.
const COLUMN: usize = 28;

/// A frame, in some lines.
pub(super) fn frame(number: usize, frame: &Frame, deflate: Deflate) -> String {
    let mut lines = Lines::default();
    let name = match frame.header {
        Some(_) => frame.name(),
        None => "a frame",
    };
    let title = format!("frame {number} at byte {}: {name}", frame.offset);
    lines.plain(&style::on_stdout(&title, BOLD));
    if let [first, rest @ ..] = frame.head.as_slice() {
        first_byte(&mut lines, *first, deflate);
        if let [second, rest @ ..] = rest {
            second_byte(&mut lines, *second);
            behind(&mut lines, rest, frame.header);
        }
    }
    payload(&mut lines, frame);
    outcome(&mut lines, &frame.outcome);
    lines.0.push('\n');
    lines.0
}

/// What is said of some bytes, beside them.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn plain(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn say(&mut self, bytes: &[u8], what: &str) {
        let shown = &bytes[..bytes.len().min(MAX_SHOWN)];
        let mut what = what.to_owned();
        for row in shown.chunks(ROW) {
            let hex: Vec<_> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            self.row(&hex.join(" "), &what);
            what.clear();
        }
        if shown.is_empty() {
            self.row("", &what);
        }
        if bytes.len() > shown.len() {
            self.row("…", &format!("{} bytes more", bytes.len() - shown.len()));
        }
    }

    fn row(&mut self, hex: &str, what: &str) {
        let row = format!("  {hex:<width$}{what}", width = COLUMN - 2);
        self.plain(row.trim_end());
    }
}

fn first_byte(lines: &mut Lines, byte: u8, deflate: Deflate) {
    let is_last = byte & 0x80 != 0;
    let fin = if is_last { "FIN: the last of its message" } else { "more of its message comes" };
    lines.say(&[byte], &format!("{}... ....  {fin}", u8::from(is_last)));
    let reserved = byte >> 4 & 0b111;
    let meaning = match (reserved, deflate) {
        (0, _) => "no RSV bit",
        (0b100, Deflate::Off) => {
            "RSV1: compressed, where permessage-deflate was agreed (--deflate)"
        }
        (0b100, _) => "RSV1: compressed",
        _ => "RSV bits that no extension has given a meaning",
    };
    lines.say(&[], &format!(".{reserved:03b} ....  {meaning}"));
    let opcode = byte & 0x0f;
    let name = opcode_name(opcode);
    lines.say(&[], &format!(".... {opcode:04b}  opcode {opcode:#x}: {name}"));
}

fn second_byte(lines: &mut Lines, byte: u8) {
    let is_masked = byte & 0x80 != 0;
    let mask = if is_masked { "MASK: a client's" } else { "not masked: a server's" };
    lines.say(&[byte], &format!("{}... ....  {mask}", u8::from(is_masked)));
    let length = byte & 0x7f;
    let meaning = match length {
        126 => "length 126: it stands in the next 2 bytes".to_owned(),
        127 => "length 127: it stands in the next 8 bytes".to_owned(),
        length => format!("length {length}"),
    };
    lines.say(&[], &format!(".{:03b} {:04b}  {meaning}", length >> 4, length & 0x0f));
}

/// What comes between the second byte and the payload.
fn behind(lines: &mut Lines, rest: &[u8], header: Option<Header>) {
    let Some(header) = header else {
        if !rest.is_empty() {
            lines.say(rest, "the header is cut off here");
        }
        return;
    };
    let (length, key) = rest.split_at(rest.len() - header.mask.map_or(0, |key| key.len()));
    if !length.is_empty() {
        lines.say(length, &format!("length {}", header.len));
    }
    if !key.is_empty() {
        lines.say(key, "masking key");
    }
}

fn payload(lines: &mut Lines, frame: &Frame) {
    let Some(header) = frame.header else { return };
    if frame.payload.is_empty() {
        return;
    }
    if header.mask.is_some() {
        lines.say(&frame.masked(), "payload, masked");
        lines.say(&frame.payload, "payload, unmasked");
    } else {
        lines.say(&frame.payload, "payload");
    }
}

fn outcome(lines: &mut Lines, outcome: &Outcome) {
    let (arrow, text) = (style::on_stdout("→", DIM), said(outcome, MAX_SHOWN));
    let text = match outcome {
        Outcome::CutOff(_) | Outcome::Wrong(_) => style::on_stdout(&text, RED),
        _ => text,
    };
    lines.plain(&format!("  {arrow} {text}"));
}

/// What comes of a frame, in words; of a text, at most so many characters.
pub(crate) fn said(outcome: &Outcome, most: usize) -> String {
    match outcome {
        Outcome::Close { code, .. } if *code == CloseCode::NO_STATUS => {
            "the connection is closed, without a code".to_owned()
        }
        Outcome::Close { code, reason } if reason.is_empty() => {
            format!("the connection is closed: {code}")
        }
        Outcome::Close { code, reason } => {
            format!("the connection is closed: {code}, {}", quoted(reason, most))
        }
        Outcome::CutOff(None) => "cut off in its header".to_owned(),
        Outcome::CutOff(Some(bytes)) => format!("cut off: {bytes} bytes are missing"),
        Outcome::Fragment => "a part of a message".to_owned(),
        Outcome::Message { kind, payload } => message(*kind, payload, most),
        Outcome::Ping => "a ping, to be answered by a pong with the same payload".to_owned(),
        Outcome::Pong => "a pong".to_owned(),
        Outcome::Unread(why) => format!("cannot be shown: {why}"),
        Outcome::Wrong(error) => {
            format!("wrong: {error}; the connection fails with {}", error.close_code())
        }
        _ => "something newer".to_owned(),
    }
}

fn message(kind: MessageKind, payload: &[u8], most: usize) -> String {
    let bytes = match payload.len() {
        1 => "1 byte".to_owned(),
        bytes => format!("{bytes} bytes"),
    };
    match (kind, str::from_utf8(payload)) {
        (MessageKind::Text, Ok(text)) => {
            format!("a text message of {bytes}: {}", quoted(text, most))
        }
        _ => format!("a binary message of {bytes}"),
    }
}

/// Text, as much of it as is shown.
fn quoted(text: &str, most: usize) -> String {
    let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    let (shown, rest) = text.split_at(end);
    let shown = printable(shown);
    match rest.chars().count() {
        0 => format!("\"{shown}\""),
        more => format!("\"{shown}\" and {more} characters more"),
    }
}
