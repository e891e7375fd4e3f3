//! What is printed of channels: one line for each event, in which nothing steers a terminal.

use std::fmt::Write;
use std::io;

use serde_json::json;
use serde_json::value::RawValue;
use tieline::client::{Event, Gap, Member, Publication};

use crate::printable::{printable, steers};
use crate::style::{self, BOLD, DIM, RED};

/// Someone who was there when it was asked.
pub(super) const PRESENT: &str = "present";

/// An event for people.
pub(crate) fn text(channel: &str, event: &Event) -> String {
    match event {
        Event::Publication(publication) => {
            let Publication { channel, offset, data, from, .. } = publication;
            let place = style::on_stdout(&printable(&format!("{channel} {offset}")), DIM);
            let from = from.as_deref().map(|from| format!(" {}:", printable(from)));
            let from = style::on_stdout(&from.unwrap_or_default(), BOLD);
            format!("{place}{from} {}", said(data))
        }
        Event::Gap(Gap { position, reason, .. }) => {
            let before = position.as_ref().map(|position| format!(" up to {}", position.offset));
            let before = before.unwrap_or_default();
            let gap = format!("publications{before} are missing ({})", reason.as_str());
            format!("{} {}", printable(channel), style::on_stdout(&gap, RED))
        }
        Event::Joined(member) => moved(channel, "joined", member),
        Event::Left(member) => moved(channel, "left", member),
        event => format!("{} {}", printable(channel), printable(&format!("{event:?}"))),
    }
}

/// Somebody who came, went, or was there.
pub(super) fn moved(channel: &str, what: &str, member: &Member) -> String {
    let who = member.user.as_deref().into_iter().chain(member.name.as_deref());
    let who: String = who.map(|who| format!(" {}", printable(who))).collect();
    let line = format!("{} {what}{who} ({})", printable(channel), printable(&member.client));
    style::on_stdout(&line, DIM)
}

/// An event for programs, as JSON in one line.
pub(crate) fn json(channel: &str, event: &Event) -> String {
    let value = match event {
        Event::Publication(publication) => {
            let Publication { channel, epoch, offset, from, .. } = publication;
            let mut line =
                json!({ "event": "publication", "channel": **channel, "offset": offset });
            let more = [("epoch", epoch), ("from", from)];
            for (name, value) in more {
                if let Some(value) = value {
                    line[name] = json!(**value);
                }
            }
            // What was said stays as it is, to the last digit of its numbers.
            let line = line.to_string();
            let line = line.strip_suffix('}').expect("it is an object");
            return in_one_line(&format!("{line},\"data\":{}}}", publication.data));
        }
        Event::Gap(Gap { position, oldest, reason, .. }) => json!({
            "event": "gap", "channel": channel, "position": position, "oldest": oldest,
            "reason": reason.as_str(),
        }),
        Event::Joined(member) => return moved_json(channel, "joined", member),
        Event::Left(member) => return moved_json(channel, "left", member),
        event => json!({ "event": "other", "channel": channel, "what": format!("{event:?}") }),
    };
    in_one_line(&value.to_string())
}

pub(super) fn moved_json(channel: &str, what: &str, member: &Member) -> String {
    let Member { client, user, name, .. } = member;
    let line = json!({
        "event": what, "channel": channel, "client": **client, "user": user.as_deref(),
        "name": name.as_deref(),
    });
    in_one_line(&line.to_string())
}

/// What became of a line for standard output: whoever read it may have gone, which is no error.
pub(crate) fn written(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => Ok(result?),
    }
}

/// A text without its quotes, and any other value as JSON.
fn said(data: &RawValue) -> String {
    match serde_json::from_str::<String>(data.get()) {
        Ok(text) => printable(&text),
        Err(_) => in_one_line(data.get()),
    }
}

/// JSON without line ends, and with nothing that would steer a terminal: which is only inside of texts.
fn in_one_line(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut line, letter| {
        match letter {
            '\n' | '\r' | '\t' => line.push(' '),
            letter if steers(letter) => _ = write!(line, "\\u{:04x}", u32::from(letter)),
            letter => line.push(letter),
        }
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_printed_steers_a_terminal() {
        let json = "{\n \"a\": \"\u{9b}2J\u{202e}\" }";
        assert_eq!(in_one_line(json), "{  \"a\": \"\\u009b2J\\u202e\" }");
        let raw: Box<RawValue> = serde_json::from_str("\"say \\\"hi\\\"\\u001b\"").unwrap();
        assert_eq!(said(&raw), "say \"hi\"\\u{1b}");
        let raw: Box<RawValue> = serde_json::from_str("{\"n\": 1.10}").unwrap();
        assert_eq!(said(&raw), "{\"n\": 1.10}");
    }
}
