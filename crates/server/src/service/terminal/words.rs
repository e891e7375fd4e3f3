//! What is said in text: wishes of a page, and news of a session. Bytes of the terminal are binary
//! messages, both ways.
//!
//! | from       | message                                                        |
//! |------------|----------------------------------------------------------------|
//! | a page     | `{"type":"size","columns":80,"rows":24}`                       |
//! | a page     | `{"type":"end"}`                                               |
//! | the server | `{"type":"session","id":"…","command":"bash","columns":80,"rows":24,"may_type":true,"recorded":false}` |
//! | the server | `{"type":"size","columns":80,"rows":24}`                       |
//! | the server | `{"type":"viewers","names":["…"],"count":1}`                   |
//! | the server | `{"type":"ended","code":0}`, `{"type":"ended","signal":"KILL"}`|

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use tieline::Message;

use crate::process::{Exit, signal_name};
use crate::service::object::decode_object;

/// Columns and rows, each from 1 to [`Size::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Size {
    pub(super) columns: u16,
    pub(super) rows: u16,
}

impl Size {
    /// The most columns, and the most rows.
    pub(super) const MAX: u16 = 1_000;

    fn is_one(self) -> bool {
        (1..=Self::MAX).contains(&self.columns) && (1..=Self::MAX).contains(&self.rows)
    }
}

/// What a page wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Wish {
    End,
    Size(Size),
}

impl Wish {
    /// `None` where it makes no sense.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match decode_object(text).ok()? {
            Self::Size(size) if !size.is_one() => None,
            wish => Some(wish),
        }
    }
}

/// What the server tells.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum News<'a> {
    Ended(&'a Ended),
    Session {
        id: &'a str,
        command: &'a str,
        #[serde(flatten)]
        size: Size,
        may_type: bool,
        recorded: bool,
    },
    Size(Size),
    Viewers(Watching),
}

impl News<'_> {
    pub(super) fn encode(&self) -> Message {
        let text = serde_json::to_string(self).expect("numbers, texts and fixed names encode");
        text.into()
    }
}

/// Who watches a session.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Watching {
    /// Of those who have been there longest.
    pub(super) names: Vec<String>,
    /// How many there are.
    pub(super) count: usize,
}

/// How a program ended; neither where nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Ended {
    /// What it said itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i32>,
    /// What ended it, without `SIG`.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<Cow<'static, str>>,
}

impl From<Exit> for Ended {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(code) => Self { code: Some(code), signal: None },
            Exit::Signal(signal) => {
                let name = signal_name(signal).map(Cow::Borrowed);
                let name = name.unwrap_or_else(|| Cow::Owned(signal.to_string()));
                Self { code: None, signal: Some(name) }
            }
            Exit::Unknown => Self { code: None, signal: None },
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, &self.signal) {
            (Some(code), _) => write!(f, "code {code}"),
            (None, Some(signal)) => write!(f, "signal {signal}"),
            (None, None) => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_understood_within_their_bounds() {
        let size = |columns, rows| Some(Wish::Size(Size { columns, rows }));
        for (text, wish) in [
            (r#"{"type":"size","columns":80,"rows":24}"#, size(80, 24)),
            (r#"{"rows":1000,"x":{},"columns":1,"type":"size"}"#, size(1, 1_000)),
            (r#"{"type":"end"}"#, Some(Wish::End)),
            (r#"{"type":"size","columns":0,"rows":24}"#, None),
            (r#"{"type":"size","columns":80,"rows":1001}"#, None),
            (r#"{"type":"size","columns":70000,"rows":24}"#, None),
            (r#"{"type":"size","columns":-1,"rows":24}"#, None),
            (r#"{"type":"size","columns":80}"#, None),
            (r#"{"type":"run","argv":["sh"]}"#, None),
            ("end", None),
            (r#"["end"]"#, None),
            ("", None),
        ] {
            assert_eq!(Wish::parse(text), wish, "{text}");
        }
    }

    #[test]
    fn news_are_said_letter_for_letter() {
        let size = Size { columns: 80, rows: 24 };
        let session =
            News::Session { id: "1f", command: "bash", size, may_type: true, recorded: false };
        let code = Ended::from(Exit::Code(3));
        let killed = Ended::from(Exit::Signal(9));
        for (news, text) in [
            (
                session,
                r#"{"type":"session","id":"1f","command":"bash","columns":80,"rows":24,"may_type":true,"recorded":false}"#,
            ),
            (News::Size(size), r#"{"type":"size","columns":80,"rows":24}"#),
            (
                News::Viewers(Watching { names: vec!["a".into(), "b".into()], count: 2 }),
                r#"{"type":"viewers","names":["a","b"],"count":2}"#,
            ),
            (News::Ended(&code), r#"{"type":"ended","code":3}"#),
            (News::Ended(&killed), r#"{"type":"ended","signal":"KILL"}"#),
            (News::Ended(&Ended::from(Exit::Unknown)), r#"{"type":"ended"}"#),
        ] {
            assert_eq!(news.encode(), Message::from(text));
        }
    }
}
