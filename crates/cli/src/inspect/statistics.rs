//! How much there was of everything, said at the end.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};
use tieline_inspect::{
    Connected, Counts, Ending, Frame, Note, Outcome, Seen, Sender, What, opcode_name,
};

use super::table;
use crate::style::{self, BOLD};

/// Most connections that are told of one by one.
const MAX_CONNECTIONS: usize = 10_000;

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    connections: BTreeMap<u64, Connection>,
    /// Connections that were WebSockets.
    websockets: u64,
    frames: u64,
    wrong: u64,
    unread: u64,
    tls: u64,
}

/// Of one connection.
#[derive(Debug, Default)]
struct Connection {
    connected: Option<Connected>,
    is_websocket: bool,
    /// Of the client, and of the server.
    ends: [End; 2],
    round_trips: Vec<Duration>,
    ending: Option<Ending>,
}

/// Of one end of it.
#[derive(Debug, Default)]
struct End {
    /// By the number of the opcode.
    frames: [u64; 16],
    messages: u64,
    /// Of payloads, on the wire.
    bytes: u64,
    compressed: u64,
    /// What the compressed ones were inflated to.
    inflated: u64,
}

/// Most round trips of a connection that are kept.
const MAX_ROUND_TRIPS: usize = 10_000;

impl Statistics {
    /// Counts an event.
    pub(super) fn count(&mut self, seen: &Seen) {
        let what = &seen.event.what;
        if let What::Note(Note::Tls | Note::TlsLost) = what {
            self.tls += 1;
        }
        let is_known = self.connections.contains_key(&seen.connection);
        let mut beyond = Connection::default();
        let connection = match is_known || self.connections.len() < MAX_CONNECTIONS {
            true => self.connections.entry(seen.connection).or_default(),
            false => &mut beyond,
        };
        match what {
            What::Connected(connected) => connection.connected = Some(**connected),
            What::Asked(_) | What::Answered(_) | What::Frame { .. } => {
                let was_known = std::mem::replace(&mut connection.is_websocket, true);
                self.websockets += u64::from(!was_known);
            }
            What::Closed(ending) => connection.ending = Some(*ending.clone()),
            What::Disconnected(_) if !connection.is_websocket => {
                self.connections.remove(&seen.connection);
                return;
            }
            _ => {}
        }
        if let What::Frame { from, frame, round_trip } = what {
            self.frames += 1;
            self.wrong += u64::from(matches!(frame.outcome, Outcome::Wrong(_)));
            self.unread += u64::from(matches!(frame.outcome, Outcome::Unread(_)));
            connection.ends[*from as usize].count(frame);
            if connection.round_trips.len() < MAX_ROUND_TRIPS {
                connection.round_trips.extend(round_trip);
            }
        }
    }

    /// In words.
    pub(super) fn text(&self, counts: &Counts) -> String {
        let mut text = String::from("\n");
        for (number, connection) in &self.connections {
            if connection.is_websocket {
                connection.write(*number, &mut text);
            }
        }
        let title = format!(
            "{}; {}, {}; {}",
            many(counts.packets, "packet"),
            many(counts.connections, "connection"),
            many(self.websockets, "WebSocket"),
            many(self.frames, "frame"),
        );
        text.push_str(&style::on_stdout(&title, BOLD));
        for (number, what) in [
            (self.wrong, "break the protocol"),
            (self.unread, "belong to messages that cannot be shown"),
            (self.tls, "connections are TLS, and not decrypted"),
            (counts.gap_bytes, "bytes were not captured"),
            (counts.given_up, "connections were given up for lack of room"),
            (counts.fragments, "packets are fragments of IP, which are not put together"),
            (counts.unknown_links, "packets are of a link that is not known"),
        ] {
            if number > 0 {
                // Writing into text does not fail.
                let _ = write!(text, "\n  {number} {what}");
            }
        }
        text.push('\n');
        text
    }

    /// For programs.
    pub(super) fn json(&self, counts: &Counts) -> Value {
        let connections = self.connections.iter().filter(|(_, connection)| connection.is_websocket);
        let connections: Vec<_> =
            connections.map(|(number, connection)| connection.json(*number)).collect();
        json!({
            "event": "statistics",
            "packets": counts.packets, "bytes": counts.bytes, "segments": counts.segments,
            "connections": counts.connections, "websockets": self.websockets, "tls": self.tls,
            "frames": self.frames, "errors": self.wrong, "unread": self.unread,
            "gap_bytes": counts.gap_bytes, "given_up": counts.given_up,
            "fragments": counts.fragments, "unknown_links": counts.unknown_links,
            "each": connections,
        })
    }
}

impl Connection {
    fn write(&self, number: u64, text: &mut String) {
        let who = self.connected.as_ref().map(table::connected).unwrap_or_default();
        // Writing into text does not fail.
        let _ = writeln!(text, "{}", style::on_stdout(&format!("#{number} {who}"), BOLD));
        for from in [Sender::Client, Sender::Server] {
            let _ = writeln!(text, "  {from}: {}", self.ends[from as usize].text());
        }
        if let Some((least, mean, most)) = self.round_trip() {
            let [least, mean, most] = [least, mean, most].map(table::millis);
            let count = self.round_trips.len();
            let _ = writeln!(text, "  round trips: {count}, {least} to {most}, {mean} in the mean");
        }
        text.push('\n');
    }

    fn json(&self, number: u64) -> Value {
        let seconds = |time: Duration| json!(time.as_secs_f64());
        let round_trip = self.round_trip().map(|(least, mean, most)| {
            json!({ "count": self.round_trips.len(), "min": seconds(least), "mean": seconds(mean), "max": seconds(most) })
        });
        json!({
            "connection": number,
            "client": self.ends[0].json(),
            "server": self.ends[1].json(),
            "round_trip": round_trip,
            "clean": self.ending.as_ref().map(Ending::was_clean),
        })
    }

    /// The shortest, the mean and the longest.
    fn round_trip(&self) -> Option<(Duration, Duration, Duration)> {
        let (least, most) = (self.round_trips.iter().min()?, self.round_trips.iter().max()?);
        let count = u32::try_from(self.round_trips.len()).ok()?;
        Some((*least, self.round_trips.iter().sum::<Duration>() / count, *most))
    }
}

impl End {
    fn count(&mut self, frame: &Frame) {
        let opcode = match (frame.header, &frame.outcome) {
            (Some(header), _) => header.opcode as u8,
            // The old drafts.
            (None, Outcome::Message { .. }) => 0x1,
            (None, Outcome::Close { .. }) => 0x8,
            (None, _) => 0xF,
        };
        self.frames[usize::from(opcode)] += 1;
        self.bytes = self.bytes.saturating_add(frame.len);
        if let Outcome::Message { payload, .. } = &frame.outcome {
            self.messages += 1;
            if frame.is_compressed() {
                self.compressed += frame.len;
                self.inflated += payload.len() as u64;
            }
        }
    }

    fn text(&self) -> String {
        let kinds = (0u8..16).filter(|opcode| self.frames[usize::from(*opcode)] > 0);
        let kinds: Vec<_> = kinds
            .map(|opcode| {
                let name = if opcode == 0xF { "broken" } else { opcode_name(opcode) };
                format!("{} {name}", self.frames[usize::from(opcode)])
            })
            .collect();
        if kinds.is_empty() {
            return "no frames".to_owned();
        }
        let messages = many(self.messages, "message");
        let mut text = format!("{messages}, {}: {}", many(self.bytes, "byte"), kinds.join(", "));
        if self.compressed > 0 {
            let share = 100.0 * self.compressed as f64 / self.inflated.max(1) as f64;
            let _ = write!(
                text,
                "; {} bytes from {} compressed ({share:.0} %)",
                self.inflated, self.compressed
            );
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "frames": self.frames.iter().sum::<u64>(), "messages": self.messages,
            "bytes": self.bytes, "compressed": self.compressed, "inflated": self.inflated,
        })
    }
}

/// So many of something.
fn many(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}
