//! A conversation for people.

use std::fmt::Write;
use std::time::Duration;

use tieline::Message;
use tieline::reconnect::Why;

use super::event::Opened;
use super::happening::Happening;
use super::input::Toggle;
use super::pretty::pretty;
use crate::printable::printable;
use crate::style::{self, BOLD, CYAN, DIM, RED, YELLOW};

/// Most bytes of a binary message that are shown, and most characters of a text.
const MAX_BYTES: usize = 256;
const MAX_CHARACTERS: usize = 16 << 10;

/// Bytes in a row.
const ROW: usize = 16;

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) pings: bool,
    pub(super) pretty: bool,
    pub(super) times: bool,
}

impl Shown {
    pub(super) fn toggle(&mut self, what: Toggle) -> String {
        let (name, is_on) = match what {
            Toggle::Pings => ("pings and pongs", &mut self.pings),
            Toggle::Pretty => ("pretty JSON", &mut self.pretty),
            Toggle::Times => ("times", &mut self.times),
        };
        *is_on = !*is_on;
        format!("{name}: {}", if *is_on { "on" } else { "off" })
    }

    /// What happened `at` so long after the beginning; `None` where it is not shown.
    pub(super) fn text(&self, at: Duration, happening: &Happening) -> Option<String> {
        let text = match happening {
            Happening::Ended { why, retry_in } => ended(why, *retry_in),
            Happening::Note(note) => style::on_stdout(note, DIM),
            Happening::Opened(opened) => self::opened(opened),
            Happening::Pinged(payload) if self.pings => {
                style::on_stdout(&format!("ping{}", of(payload)), YELLOW)
            }
            Happening::Ponged { payload, round_trip: None } if self.pings => {
                style::on_stdout(&format!("pong{}", of(payload)), YELLOW)
            }
            Happening::Ponged { payload, round_trip: Some(after) } => {
                let text = format!("pong{} after {}", of(payload), time(*after));
                style::on_stdout(&text, YELLOW)
            }
            Happening::Received(message) => {
                format!("{} {}", style::on_stdout("<", CYAN), self.message(message))
            }
            Happening::Closing { .. }
            | Happening::Pinged(_)
            | Happening::Ponged { .. }
            | Happening::Sent(_) => return None,
        };
        let at =
            self.times.then(|| style::on_stdout(&format!("{:>9.3} s ", at.as_secs_f64()), DIM));
        Some(format!("{}{text}\n", at.unwrap_or_default()))
    }

    fn message(&self, message: &Message) -> String {
        let Message::Text(text) = message else { return dump(message.as_bytes()) };
        if self.pretty
            && text.len() <= MAX_CHARACTERS
            && let Some(json) = pretty(text)
        {
            return json;
        }
        let end = text.char_indices().nth(MAX_CHARACTERS).map_or(text.len(), |(end, _)| end);
        let mut shown = in_lines(&text[..end]);
        if end < text.len() {
            let more = format!("… {} bytes more: /save FILE has all of it", text.len() - end);
            _ = write!(shown, "\n{}", style::on_stdout(&more, DIM));
        }
        shown
    }
}

fn opened(opened: &Opened) -> String {
    let Opened { url, protocol, extensions, took, .. } = opened;
    let mut text = format!("connected: {} in {}", printable(url), time(*took));
    for (name, value) in [("subprotocol", protocol), ("", extensions)] {
        if !value.is_empty() {
            _ = write!(
                text,
                ", {name}{}{}",
                if name.is_empty() { "" } else { " " },
                printable(value)
            );
        }
    }
    style::on_stdout(&text, BOLD)
}

fn ended(why: &Why, retry_in: Option<Duration>) -> String {
    let text = match retry_in {
        // A server waits for the next.
        Some(Duration::ZERO) => format!("{why}; waits for the next"),
        Some(retry_in) => format!("{}; tries again in {}", chain(why), time(retry_in)),
        None => chain(why),
    };
    style::on_stdout(&text, if matches!(why, Why::Closed { .. }) { BOLD } else { RED })
}

/// An error and what caused it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}

/// The headers of an answer, and what was agreed.
pub(super) fn headers(opened: &Opened) -> String {
    let mut text = String::new();
    for (name, value) in &opened.headers {
        let value = printable(&String::from_utf8_lossy(value.as_bytes()));
        _ = writeln!(text, "{}: {value}", style::on_stdout(name.as_str(), CYAN));
    }
    let or_none = |value: &str| if value.is_empty() { "none".to_owned() } else { printable(value) };
    let (protocol, extensions) = (or_none(&opened.protocol), or_none(&opened.extensions));
    _ = write!(text, "agreed: subprotocol {protocol}, extensions {extensions}");
    text
}

/// Text as it is, line by line, in which nothing steers a terminal.
fn in_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

fn of(payload: &[u8]) -> String {
    match payload {
        [] => String::new(),
        payload => format!(" \"{}\"", printable(&String::from_utf8_lossy(payload))),
    }
}

/// Bytes, sixteen in a row, beside the letters that they may be.
fn dump(bytes: &[u8]) -> String {
    let mut text = style::on_stdout(&format!("{} bytes", bytes.len()), DIM);
    let shown = &bytes[..bytes.len().min(MAX_BYTES)];
    for (row, bytes) in shown.chunks(ROW).enumerate() {
        let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let letters: String =
            bytes.iter().map(|&b| if matches!(b, b' '..=b'~') { b.into() } else { '.' }).collect();
        let place = style::on_stdout(&format!("{:08x}", row * ROW), DIM);
        _ = write!(text, "\n  {place}  {:<47}  {letters}", hex.join(" "));
    }
    if bytes.len() > shown.len() {
        let more = format!("… {} bytes more: /save FILE has all of it", bytes.len() - shown.len());
        _ = write!(text, "\n  {}", style::on_stdout(&more, DIM));
    }
    text
}

/// A time as people say it.
fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 0.001 => format!("{:.0} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: Shown = Shown { pings: false, pretty: true, times: false };

    fn received(message: impl Into<Message>) -> String {
        SHOWN.text(Duration::ZERO, &Happening::Received(message.into())).unwrap()
    }

    #[test]
    fn what_a_peer_says_is_shown_and_never_obeyed() {
        assert_eq!(received("a\x1b[2J\nb\r"), "< a\\u{1b}[2J\nb\\r\n");
        assert_eq!(received("{\"a\":1}"), "< {\"a\": 1}\n");
        assert!(received("x".repeat(MAX_CHARACTERS + 7)).contains("7 bytes more"));
    }

    #[test]
    fn bytes_are_shown_beside_their_letters() {
        let text = received(b"0123456789abcdef\x00\xffz".to_vec());
        let rows: Vec<_> = text.lines().collect();
        assert_eq!(rows[0], "< 19 bytes");
        assert_eq!(
            rows[1],
            "  00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef"
        );
        assert!(rows[2].starts_with("  00000010  00 ff 7a ") && rows[2].ends_with("  ..z"));
    }

    #[test]
    fn pings_and_times_are_shown_on_request() {
        let pong = Happening::Ponged { payload: "1".into(), round_trip: None };
        assert_eq!(SHOWN.text(Duration::ZERO, &pong), None);
        let all = Shown { pings: true, times: true, ..SHOWN };
        assert_eq!(
            all.text(Duration::from_millis(1_500), &pong).unwrap(),
            "    1.500 s pong \"1\"\n"
        );
        let asked = Happening::Ponged {
            payload: "".into(),
            round_trip: Some(Duration::from_micros(1_234)),
        };
        assert_eq!(SHOWN.text(Duration::ZERO, &asked).unwrap(), "pong after 1.2 ms\n");
    }
}
