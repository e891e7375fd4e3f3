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
        match (self, lines) {
            (_, []) => Vec::new(),
            (Self::Json, lines) => {
                let lossy = lines.iter().any(|line| line.is_lossy);
                let message = encode(&Lines { source, lines, lossy });
                vec![Written { message, lines: lines.len() }]
            }
            (Self::Text, lines) => {
                let written =
                    |line: &&Line| Written { message: line.text.clone().into(), lines: 1 };
                lines.iter().map(written).collect()
            }
        }
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
