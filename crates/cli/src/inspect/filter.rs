//! What is shown: conditions on events, all of which have to hold.
//!
//! ```text
//! filter    = condition *( space condition )
//! condition = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~" ) value
//! value     = word | '"' anything but '"' '"'
//! ```
//!
//! A field that an event does not have fulfils no condition.

use std::borrow::Cow;
use std::str::FromStr;

use regex::Regex;
use tieline_inspect::{Note, Outcome, Seen, What};
use tieline_proto::MessageKind;

/// Conditions on events.
#[derive(Clone, Debug)]
pub(super) struct Filter(Vec<Condition>);

#[derive(Clone, Debug)]
struct Condition {
    field: Field,
    is_not: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Is(String),
    Less(u64),
    Matches(Regex),
    More(u64),
    Number(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Code,
    Compressed,
    Connection,
    Event,
    Fin,
    From,
    Length,
    Opcode,
    Status,
    Text,
}

/// What a field says of an event.
enum Value<'e> {
    Number(u64),
    Word(Cow<'e, str>),
}

const FIELDS: [(&str, Field, &[&str]); 10] = [
    ("code", Field::Code, &[]),
    ("compressed", Field::Compressed, &["true", "false"]),
    ("connection", Field::Connection, &[]),
    (
        "event",
        Field::Event,
        &["connection", "request", "response", "frame", "gap", "note", "closed", "end"],
    ),
    ("fin", Field::Fin, &["true", "false"]),
    ("from", Field::From, &["client", "server"]),
    ("length", Field::Length, &[]),
    ("opcode", Field::Opcode, &["continuation", "text", "binary", "close", "ping", "pong"]),
    ("status", Field::Status, &[]),
    ("text", Field::Text, &[]),
];

const OPERATORS: [&str; 8] = ["!=", "!~", "<=", ">=", "=", "~", "<", ">"];

impl Filter {
    /// Whether an event is shown.
    pub(super) fn lets(&self, seen: &Seen) -> bool {
        self.0.iter().all(|condition| condition.holds(seen))
    }
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let conditions = words(text)?;
        let conditions: Vec<_> =
            conditions.iter().map(|word| Condition::parse(word)).collect::<Result<_, _>>()?;
        match conditions.is_empty() {
            true => Err("it is empty: write a condition, such as opcode=text".to_owned()),
            false => Ok(Self(conditions)),
        }
    }
}

/// Splits at spaces that are not between quotation marks, and drops the marks.
fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for letter in text.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    if is_quoted {
        return Err(format!("a quotation mark in {text:?} is not closed"));
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    Ok(words)
}

impl Condition {
    fn parse(word: &str) -> Result<Self, String> {
        let name_len =
            word.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(word.len());
        let (name, rest) = word.split_at(name_len);
        let Some((_, field, values)) = FIELDS.iter().find(|(known, ..)| *known == name) else {
            let known: Vec<_> = FIELDS.iter().map(|(name, ..)| *name).collect();
            return Err(format!("there is no field {name:?}; there are: {}", known.join(", ")));
        };
        let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) else {
            return Err(format!("{word:?} lacks one of = != < <= > >= ~ !~ behind {name}"));
        };
        let value = &rest[operator.len()..];
        let number = || {
            value
                .parse()
                .map_err(|_| format!("{name} is compared with a number, not with {value:?}"))
        };
        let is_number =
            matches!(field, Field::Code | Field::Connection | Field::Length | Field::Status);
        let test = match *operator {
            "~" | "!~" if *field != Field::Text => {
                return Err(format!("only text is searched with ~, not {name}"));
            }
            "~" | "!~" => Test::Matches(Regex::new(value).map_err(|error| error.to_string())?),
            "=" | "!=" if is_number => Test::Number(number()?),
            "=" | "!=" if values.is_empty() || values.contains(&value) => {
                Test::Is(value.to_owned())
            }
            "=" | "!=" => {
                return Err(format!("{name} is one of {}, not {value:?}", values.join(", ")));
            }
            _ if !is_number => return Err(format!("{name} is no number: it has no {operator}")),
            // What is not more is less or the same.
            ">" | "<=" => Test::More(number()?),
            _ => Test::Less(number()?),
        };
        let is_not = operator.starts_with('!') || matches!(*operator, "<=" | ">=");
        Ok(Self { field: *field, is_not, test })
    }

    fn holds(&self, seen: &Seen) -> bool {
        let Some(value) = self.field.of(seen) else { return false };
        let holds = match (&self.test, &value) {
            (Test::Is(wanted), Value::Word(word)) => wanted == word,
            (Test::Matches(wanted), Value::Word(word)) => wanted.is_match(word),
            (Test::Less(wanted), Value::Number(number)) => number < wanted,
            (Test::More(wanted), Value::Number(number)) => number > wanted,
            (Test::Number(wanted), Value::Number(number)) => number == wanted,
            _ => return false,
        };
        holds != self.is_not
    }
}

impl Field {
    fn of(self, seen: &Seen) -> Option<Value<'_>> {
        let what = &seen.event.what;
        let frame = match what {
            What::Frame { frame, .. } => Some(frame),
            _ => None,
        };
        let is = |is: bool| Value::Word(is.to_string().into());
        match self {
            Self::Code => match (&frame?.outcome, what) {
                (Outcome::Close { code, .. }, _) => Some(Value::Number(code.get().into())),
                (Outcome::Wrong(error), _) => Some(Value::Number(error.close_code().get().into())),
                _ => None,
            },
            Self::Compressed => Some(is(frame?.is_compressed())),
            Self::Connection => Some(Value::Number(seen.connection)),
            Self::Event => Some(Value::Word(what.name().into())),
            Self::Fin => frame?.header.map(|header| is(header.fin)),
            Self::From => what.from().map(|from| Value::Word(from.name().into())),
            Self::Length => frame.map(|frame| Value::Number(frame.len)),
            Self::Opcode => frame.map(|frame| Value::Word(frame.name().into())),
            Self::Status => match what {
                What::Answered(answered) => Some(Value::Number(answered.status.as_u16().into())),
                _ => None,
            },
            Self::Text => text(what).map(Value::Word),
        }
    }
}

/// What stands there for people to read.
fn text(what: &What) -> Option<Cow<'_, str>> {
    match what {
        What::Asked(asked) => Some(asked.target.as_str().into()),
        What::Frame { frame, .. } => match &frame.outcome {
            Outcome::Message { kind: MessageKind::Text, payload } => {
                Some(String::from_utf8_lossy(payload))
            }
            Outcome::Close { reason, .. } => Some(reason.as_str().into()),
            _ => None,
        },
        What::Note(note) => Some(Note::to_string(note).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tieline_inspect::{Bounds, Conversation, Event, Sender, Start, Terms};

    use super::*;

    /// Which of these frames a filter lets: a client's "hello there", a server's ping and a close with 1000.
    fn let_by(filter: &str) -> Vec<usize> {
        let filter: Filter = filter.parse().unwrap();
        let mut conversation = Conversation::new(Start::Open(Terms::default()), Bounds::default());
        let mut events = Vec::new();
        let mut sink = |event: Event| events.push(Seen { connection: 2, event });
        let hello = b"\x81\x8b\x00\x00\x00\x00hello there";
        conversation.receive(Sender::Client, hello, Duration::ZERO, &mut sink);
        let rest = b"\x89\x00\x88\x05\x03\xe8bye";
        conversation.receive(Sender::Server, rest, Duration::ZERO, &mut sink);
        assert_eq!(events.len(), 3);
        (0..3).filter(|at| filter.lets(&events[*at])).collect()
    }

    #[test]
    fn all_conditions_have_to_hold() {
        for (filter, lets) in [
            ("event=frame", &[0, 1, 2][..]),
            ("opcode=text", &[0]),
            ("opcode!=text", &[1, 2]),
            ("from=server length<5", &[1]),
            ("length>=11", &[0]),
            ("length>11", &[]),
            ("length<=5", &[1, 2]),
            ("length=5", &[2]),
            ("code=1000", &[2]),
            ("connection=2", &[0, 1, 2]),
            ("connection!=2", &[]),
            ("text~^hel+o", &[0]),
            ("text!~hello", &[2]),
            ("text=\"hello there\"", &[0]),
            ("text=bye  fin=true", &[2]),
            ("compressed=true", &[]),
            ("status=101", &[]),
        ] {
            assert_eq!(let_by(filter), lets, "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_told_what_would_be_one() {
        for (filter, word) in [
            ("", "such as opcode=text"),
            ("colour=red", "there are: code, compressed"),
            ("opcode", "lacks one of ="),
            ("opcode=txt", "continuation, text"),
            ("opcode>1", "is no number"),
            ("length=long", "with a number"),
            ("from~c", "only text"),
            ("text~(", "unclosed group"),
            ("text=\"a", "not closed"),
        ] {
            let error = filter.parse::<Filter>().unwrap_err();
            assert!(error.contains(word), "{filter}: {error}");
        }
    }
}
