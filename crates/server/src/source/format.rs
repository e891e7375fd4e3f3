//! How lines are written for those who look.
//!
//! ```text
//! {"source":"syslog","lines":["…","…"]}        and "lossy":true where something was not UTF-8
//! {"type":"gap","source":"syslog","reason":"…"}
//! {"type":"sources","names":["syslog","…"]}
//! ```
//!
//! As text each line is one message, and nothing else is said.

use serde::{Serialize, Serializer};
use tieline::Message;

use super::line::Line;

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// As many lines in one object as came together.
    #[default]
    Json,
    /// Each line a message.
    Text,
}

/// A message, and how many lines it holds.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) message: Message,
    pub(super) lines: usize,
}

/// Most lines, and about as many bytes of them, that are written into one message.
const CHUNK_LINES: usize = 1_000;
const CHUNK_BYTES: usize = 64 << 10;

/// Stands for every source where a gap is of all of them.
pub(crate) const ALL: &str = "*";

#[derive(Serialize)]
struct Lines<'a> {
    source: &'a str,
    #[serde(serialize_with = "texts")]
    lines: &'a [&'a Line],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lossy: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum News<'a> {
    Gap { source: &'a str, reason: &'a str },
    Refused { reason: &'a str },
    Sources { names: &'a [&'a str] },
}

fn texts<S: Serializer>(lines: &[&Line], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(lines.iter().map(|line| &*line.text))
}

impl Format {
    /// These lines of a source.
    pub(super) fn lines(self, source: &str, lines: &[&Line]) -> Vec<Written> {
        let mut written = Vec::new();
        let mut left = lines;
        while !left.is_empty() {
            let (lines, rest) = left.split_at(match self {
                Self::Json => chunk_len(left.iter().copied()),
                Self::Text => 1,
            });
            left = rest;
            let message = match self {
                Self::Json => {
                    let lossy = lines.iter().any(|line| line.is_lossy);
                    encode(&Lines { source, lines, lossy })
                }
                Self::Text => lines[0].text.clone().into(),
            };
            written.push(Written { message, lines: lines.len() });
        }
        written
    }

    /// Something was missed.
    pub(crate) fn gap(self, source: &str, reason: &str) -> Option<Message> {
        self.news(&News::Gap { source, reason })
    }

    /// What was asked is not done.
    pub(super) fn refused(self, reason: &str) -> Option<Message> {
        self.news(&News::Refused { reason })
    }

    /// What is read.
    pub(super) fn sources(self, names: &[&str]) -> Option<Message> {
        self.news(&News::Sources { names })
    }

    fn news(self, news: &News<'_>) -> Option<Message> {
        (self == Self::Json).then(|| encode(news))
    }
}

/// How many of the lines go into one message: at least one, where there are any.
pub(super) fn chunk_len<'a>(lines: impl Iterator<Item = &'a Line>) -> usize {
    let mut bytes = 0;
    let fit = lines.take(CHUNK_LINES).take_while(|line| {
        bytes += line.cost();
        bytes <= CHUNK_BYTES
    });
    fit.count().max(1)
}

fn encode(value: &impl Serialize) -> Message {
    serde_json::to_string(value).expect("text and fixed names always encode").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, is_lossy: bool) -> Line {
        Line { text: text.into(), is_lossy }
    }

    fn said(written: &[Written]) -> Vec<(&str, usize)> {
        let text = |written: &'_ Written| match &written.message {
            Message::Text(text) => text.to_string(),
            Message::Binary(_) => panic!("not text"),
        };
        written.iter().map(|one| (&*text(one).leak(), one.lines)).collect()
    }

    #[test]
    fn json_has_all_lines_in_one_message_and_escapes_stay() {
        let (red, bad) = (line("\u{1b}[31m\"", false), line("\u{fffd}", true));
        assert_eq!(
            said(&Format::Json.lines("a", &[&red, &red])),
            [(r#"{"source":"a","lines":["\u001b[31m\"","\u001b[31m\""]}"#, 2)]
        );
        assert_eq!(
            said(&Format::Json.lines("a", &[&bad])),
            [("{\"source\":\"a\",\"lines\":[\"\u{fffd}\"],\"lossy\":true}", 1)]
        );
        assert!(Format::Json.lines("a", &[]).is_empty());
    }

    #[test]
    fn what_is_too_much_for_one_message_goes_into_several() {
        let long = line(&"x".repeat(40 << 10), false);
        let written = Format::Json.lines("a", &[&long, &long, &long]);
        assert_eq!(written.iter().map(|one| one.lines).collect::<Vec<_>>(), [1, 1, 1]);
        let short = line("x", false);
        let written = Format::Json.lines("a", &vec![&short; 2_500]);
        assert!(written.len() >= 3, "{}", written.len());
        assert_eq!(written.iter().map(|one| one.lines).sum::<usize>(), 2_500);
    }

    #[test]
    fn text_is_the_lines_and_nothing_else() {
        let (one, two) = (line("1", false), line("2", false));
        assert_eq!(said(&Format::Text.lines("a", &[&one, &two])), [("1", 1), ("2", 1)]);
        assert!(Format::Text.gap("a", "b").is_none() && Format::Text.sources(&["a"]).is_none());
    }

    #[test]
    fn news_are_as_documented() {
        let text = |message: Option<Message>| match message {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(text(Format::Json.gap("a", "b")), r#"{"type":"gap","source":"a","reason":"b"}"#);
        assert_eq!(
            text(Format::Json.sources(&["a", "b"])),
            r#"{"type":"sources","names":["a","b"]}"#
        );
    }
}
