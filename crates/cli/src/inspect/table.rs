//! What was seen, for people: a line for each event.
//!
//! ```text
//!  #1    0.000  → GET /echo, RFC 6455 (version 13); offers permessage-deflate
//!  #1    0.001  ← 101, the accept value is right; permessage-deflate, …
//!  #1    0.002  → text            5 F.  a text message of 5 bytes: "Hello"
//! ```

use std::collections::HashMap;
use std::time::Duration;

use tieline_inspect::{
    Answered, Asked, Connected, Ending, Event, Frame, Note, Outcome, Seen, Sender, What, Windows,
};
use tieline_proto::deflate::Window;
use tieline_proto::handshake::Dialect;

use crate::decode::said;
use crate::printable::printable;
use crate::style::{self, BOLD, DIM, RED};

/// Most events that wait until a connection is worth a line.
const MAX_WAITING: usize = 4;

/// Most characters of a text that are shown.
const MAX_SHOWN: usize = 100;

/// Most connections of which something waits.
const MAX_CONNECTIONS: usize = 10_000;

/// Lines, in the order of the events.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// When the first event happened.
    first: Option<Duration>,
    /// What was seen of connections that are no WebSocket so far.
    waiting: HashMap<u64, Vec<Event>>,
}

impl Table {
    /// The lines that an event brings, often none: what is no WebSocket is not shown.
    pub(super) fn lines(&mut self, seen: &Seen) -> String {
        let Seen { connection, event } = seen;
        let is_worth = match &event.what {
            What::Asked(_) | What::Answered(_) | What::Frame { .. } | What::Closed(_) => true,
            What::Note(note) => matches!(
                note,
                Note::Tls
                    | Note::TlsLost
                    | Note::Http2
                    | Note::HandshakeCutOff
                    | Note::AfterClose(_)
            ),
            What::Connected(_) => {
                if self.waiting.len() < MAX_CONNECTIONS {
                    self.waiting.insert(*connection, Vec::new());
                }
                false
            }
            What::Disconnected(_) => {
                return match self.waiting.remove(connection) {
                    Some(_) => String::new(),
                    None => self.line(*connection, event),
                };
            }
            _ => false,
        };
        match self.waiting.get_mut(connection) {
            Some(waiting) if !is_worth => {
                if waiting.len() < MAX_WAITING {
                    waiting.push(event.clone());
                }
                return String::new();
            }
            Some(_) => {}
            None => return self.line(*connection, event),
        }
        let waited = self.waiting.remove(connection).unwrap_or_default();
        let mut lines = String::new();
        for event in waited.iter().chain([event]) {
            lines.push_str(&self.line(*connection, event));
        }
        lines
    }

    fn line(&mut self, connection: u64, event: &Event) -> String {
        let first = *self.first.get_or_insert(event.time);
        let time = event.time.saturating_sub(first);
        let what = match &event.what {
            What::Asked(asked) => self::asked(asked),
            What::Answered(answered) => self::answered(answered),
            What::Connected(connected) => {
                return format!(
                    "{:>12} {}\n",
                    "",
                    style::on_stdout(&self::connected(connected), BOLD)
                );
            }
            What::Disconnected(end) => end.to_string(),
            What::Frame { frame, round_trip, .. } => self::frame(frame, *round_trip),
            What::Gap { bytes, .. } => wrong(&format!("{bytes} bytes were not captured")),
            What::Note(note) => style::on_stdout(&printable(&note.to_string()), DIM),
            What::Closed(ending) => closed(ending),
            _ => "something newer".to_owned(),
        };
        let arrow = match event.what.from() {
            Some(Sender::Client) => "→",
            Some(Sender::Server) => "←",
            None => "·",
        };
        let number = format!("#{connection}");
        format!("{number:>5} {:>12.6} {arrow} {what}\n", time.as_secs_f64())
    }
}

/// Who is connected, in words.
pub(super) fn connected(connected: &Connected) -> String {
    let Connected { client, server, syn, syn_ack, ack, .. } = connected;
    let handshake = match (syn, syn_ack, ack) {
        (Some(syn), Some(syn_ack), Some(ack)) => format!(
            ", connected in {} (answered after {})",
            millis(ack.saturating_sub(*syn)),
            millis(syn_ack.saturating_sub(*syn)),
        ),
        (None, None, _) => ", whose beginning was not captured".to_owned(),
        _ => String::new(),
    };
    format!("{client} → {server}{handshake}")
}

fn asked(asked: &Asked) -> String {
    let version = match (asked.dialect, asked.version) {
        (Dialect::Hybi, Some(13)) => "RFC 6455 (version 13)".to_owned(),
        (Dialect::Hybi, Some(version)) => format!("an interim draft (version {version})"),
        (Dialect::Hybi, None) => "of no version that is known".to_owned(),
        (draft, _) => format!("draft {draft}"),
    };
    let mut line = format!("{} {}, {version}", asked.method, printable(&asked.target));
    for offered in [&asked.protocols, &asked.extensions] {
        if !offered.is_empty() {
            line.push_str(&format!("; offers {}", printable(&offered.join(", "))));
        }
    }
    with_error(line, asked.error.as_ref())
}

fn answered(answered: &Answered) -> String {
    let mut line = answered.status.as_u16().to_string();
    line.push_str(match (answered.status.as_u16(), answered.is_accept_right) {
        (101, Some(true)) => ", the accept value is right",
        (101, Some(false)) => ", the accept value is WRONG for that key",
        (101, None) => "",
        _ => ": refused",
    });
    if let Some(protocol) = &answered.protocol {
        line.push_str(&format!("; {}", printable(protocol)));
    }
    if !answered.extensions.is_empty() {
        line.push_str(&format!("; {}", printable(&answered.extensions.join(", "))));
    }
    if let Some(Windows { client, server }) = answered.deflate {
        line.push_str(&format!(" (client {}, server {})", window(client), window(server)));
    }
    let line = with_error(line, answered.error.as_ref());
    if answered.is_accept_right == Some(false) { wrong(&line) } else { line }
}

fn with_error(line: String, error: Option<&impl std::error::Error>) -> String {
    let Some(error) = error else { return line };
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{line}; {}", wrong(&printable(&format!("{error}{cause}"))))
}

fn window(window: Window) -> String {
    let context = if window.context_takeover { "with context" } else { "without context" };
    format!("{} bits {context}", window.bits)
}

fn frame(frame: &Frame, round_trip: Option<Duration>) -> String {
    let flags = match frame.header {
        Some(header) => {
            let fin = if header.fin { 'F' } else { '.' };
            let reserved = match header.reserved {
                0 => '.',
                0b100 => '1',
                _ => '!',
            };
            format!("{fin}{reserved}")
        }
        None => "  ".to_owned(),
    };
    let mut what = said(&frame.outcome, MAX_SHOWN);
    if frame.is_compressed() && matches!(frame.outcome, Outcome::Message { .. }) {
        what.push_str(", compressed");
    }
    if let Some(round_trip) = round_trip {
        what.push_str(&format!(" after {}", millis(round_trip)));
    }
    if matches!(frame.outcome, Outcome::CutOff(_) | Outcome::Unread(_) | Outcome::Wrong(_)) {
        what = wrong(&what);
    }
    let name = match frame.header {
        Some(_) => frame.name(),
        None if frame.name().starts_with("reserved") => "reserved",
        None => frame.name(),
    };
    format!("{name:<12} {:>8} {flags}  {what}", frame.len)
}

fn closed(ending: &Ending) -> String {
    let code = ending.code();
    let how = match (ending.was_clean(), ending.began) {
        (true, Some(began)) => format!("closed cleanly with {code}; the {began} began"),
        (_, Some(began)) => {
            format!("not closed cleanly: the {began} said {code}, the {} nothing", began.other())
        }
        (_, None) => "no close frame".to_owned(),
    };
    let line = format!("{how}; {}", ending.end);
    style::on_stdout(&line, BOLD)
}

fn wrong(text: &str) -> String {
    style::on_stdout(text, RED)
}

/// A short time, as people say it.
pub(super) fn millis(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}
