//! Reading what a peer says: a call, a notification, an answer to a call of ours, or several of them
//! in a batch.
//!
//! | member    | must be                                   | otherwise                    |
//! |-----------|-------------------------------------------|------------------------------|
//! | `jsonrpc` | `"2.0"`                                   | -32600, with the id          |
//! | `id`      | a string, a number or null; none at all   | -32600, with the id null     |
//! |           | makes it a notification                   |                              |
//! | `method`  | a string                                  | -32600, with the id          |
//! | `params`  | an array, an object, null or missing      | -32602, with the id          |
//!
//! No number goes through a float: ids, parameters and results stay the text that they were.

use std::fmt;
use std::str::from_utf8;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::error::RpcError;
use super::id::Id;
use super::members::{Members, string};

/// The longest name of a method, in bytes.
pub(crate) const MAX_METHOD_BYTES: usize = 2_048;

/// What a peer said.
#[derive(Debug)]
pub(crate) enum Said {
    /// Several things, in an array. Never none.
    Batch(Vec<Item>),
    /// One thing.
    One(Item),
}

/// One thing that a peer said.
#[derive(Debug)]
pub(crate) enum Item {
    /// The answer to a call of ours.
    Answer(Answer),
    /// A call or a notification.
    Ask(Ask),
    /// What is neither, and what is wrong with it.
    Wrong(Id, Fault),
}

/// Why something is no call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An id that is none.
    Id,
    /// The name of a method that is too long, in bytes.
    LongMethod(usize),
    /// A method that is no string.
    Method,
    /// There is no method, and no result of a call of ours.
    NoMethod,
    /// Something else than an object.
    NoObject,
    /// Parameters that are neither an array nor an object.
    Params,
    /// A member that is there twice.
    Twice,
    /// Another version than 2.0.
    Version,
}

/// A call, or a notification where it has no id.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) id: Option<Id>,
    pub(crate) method: String,
    /// The parameters, an array or an object; `None` where they are missing or null.
    pub(crate) params: Option<Box<RawValue>>,
}

/// The answer to a call of ours.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) id: Id,
    /// `Err` is the member `error` as it was written.
    pub(crate) result: Result<Box<RawValue>, Box<RawValue>>,
}

impl Fault {
    /// What it is answered.
    pub(crate) fn error(self) -> RpcError {
        let why = match self {
            Self::Id => "invalid request: an id is a string, a number or null",
            Self::LongMethod(len) => {
                let why = format!("method name too long: {len} > {MAX_METHOD_BYTES}");
                return RpcError::invalid_request(why);
            }
            Self::Method => "invalid request: a method is a string",
            Self::NoMethod => "invalid request: there is no method",
            Self::NoObject => "invalid request: a call is an object",
            Self::Params => {
                return RpcError::invalid_params("params must be an array or an object");
            }
            Self::Twice => "invalid request: a member is written twice",
            Self::Version => "invalid request: jsonrpc must be \"2.0\"",
        };
        RpcError::invalid_request(why)
    }
}

/// Why a message is answered with one error and nothing else.
#[derive(Debug)]
pub(crate) enum Unread {
    /// An array without anything in it.
    EmptyBatch,
    /// More calls than a batch may have; the id of the first.
    LargeBatch(Id),
    /// What is not JSON, or not UTF-8.
    NotJson(RpcError),
}

/// The things in a batch, as they were written, and whether there were more than are wanted.
struct Pieces<'a> {
    pieces: Vec<&'a RawValue>,
    has_more: bool,
}

/// Reads at most so many pieces; the rest is looked at and forgotten.
struct AtMost(usize);

/// Reads a message.
///
/// # Errors
///
/// [`Unread`] for a message that has one answer, whatever else it holds.
pub(crate) fn parse(message: &[u8], max_batch: usize) -> Result<Said, Unread> {
    let text = from_utf8(message).map_err(|_| Unread::NotJson(RpcError::not_utf8()))?;
    if !text.trim_ascii_start().starts_with('[') {
        return item(text).map(Said::One).map_err(Unread::NotJson);
    }
    let Pieces { pieces, has_more } =
        pieces(text, max_batch).map_err(|error| Unread::NotJson(RpcError::parse(&error)))?;
    let mut items = pieces.into_iter().map(|piece| {
        // It was read as JSON already, with all around it.
        item(piece.get()).unwrap_or_else(|_| Item::Wrong(Id::null(), Fault::NoObject))
    });
    if has_more {
        return Err(Unread::LargeBatch(items.find_map(id_of_call).unwrap_or_else(Id::null)));
    }
    let items: Vec<_> = items.collect();
    if items.is_empty() { Err(Unread::EmptyBatch) } else { Ok(Said::Batch(items)) }
}

/// The answers to calls of ours that are in a batch, for which a call of the same batch may wait, and
/// the rest of it.
pub(crate) fn answers_first(items: Vec<Item>) -> (Vec<Answer>, Vec<Item>) {
    let mut answers = Vec::new();
    let mut rest = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Item::Answer(answer) => answers.push(answer),
            item => rest.push(item),
        }
    }
    (answers, rest)
}

fn id_of_call(item: Item) -> Option<Id> {
    match item {
        Item::Ask(ask) => ask.id,
        Item::Answer(_) | Item::Wrong(..) => None,
    }
}

/// Reads one thing. `Err` is text that is not JSON.
fn item(text: &str) -> Result<Item, RpcError> {
    let wrong = |fault| Item::Wrong(Id::null(), fault);
    if !text.trim_ascii_start().starts_with('{') {
        // Something else than an object, which may still not be JSON.
        return match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Ok(wrong(Fault::NoObject)),
            Err(error) => Err(RpcError::parse(&error)),
        };
    }
    match serde_json::from_str::<Members<'_>>(text) {
        Ok(members) => Ok(read(members)),
        Err(error) if error.classify() == Category::Data => Ok(wrong(Fault::Twice)),
        Err(error) => Err(RpcError::parse(&error)),
    }
}

fn read(members: Members<'_>) -> Item {
    let id = match members.id.map(Id::of) {
        None => None,
        Some(Some(id)) => Some(id),
        Some(None) => return Item::Wrong(Id::null(), Fault::Id),
    };
    let wrong = |id: Option<Id>, fault| Item::Wrong(id.unwrap_or_else(Id::null), fault);
    if members.jsonrpc.and_then(|text| string(text).ok()).as_deref() != Some("2.0") {
        return wrong(id, Fault::Version);
    }
    let Some(method) = members.method else {
        let result = match (members.result, members.error) {
            (Some(result), None) => Some(Ok(result.to_owned())),
            (None, Some(error)) => Some(Err(error.to_owned())),
            _ => None,
        };
        return match (id, result) {
            (Some(id), Some(result)) => Item::Answer(Answer { id, result }),
            (id, _) => wrong(id, Fault::NoMethod),
        };
    };
    let Ok(method) = string(method) else { return wrong(id, Fault::Method) };
    if method.len() > MAX_METHOD_BYTES {
        return wrong(id, Fault::LongMethod(method.len()));
    }
    let method = method.into_owned();
    match members.params.filter(|params| params.get() != "null") {
        Some(params) if !params.get().starts_with(['[', '{']) => match id {
            Some(id) => Item::Wrong(id, Fault::Params),
            // Nobody waits for an answer: it is let be like every failed notification.
            None => Item::Ask(Ask { id, method, params: None }),
        },
        params => Item::Ask(Ask { id, method, params: params.map(ToOwned::to_owned) }),
    }
}

fn pieces(text: &str, max: usize) -> serde_json::Result<Pieces<'_>> {
    let mut json = serde_json::Deserializer::from_str(text);
    let pieces = json.deserialize_seq(AtMost(max))?;
    json.end()?;
    Ok(pieces)
}

impl<'de> Visitor<'de> for AtMost {
    type Value = Pieces<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut batch: A) -> Result<Pieces<'de>, A::Error> {
        let mut pieces = Vec::new();
        while pieces.len() < self.0 {
            match batch.next_element()? {
                Some(piece) => pieces.push(piece),
                None => return Ok(Pieces { pieces, has_more: false }),
            }
        }
        let mut has_more = false;
        while batch.next_element::<IgnoredAny>()?.is_some() {
            has_more = true;
        }
        Ok(Pieces { pieces, has_more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Item {
        match parse(text.as_bytes(), 10).unwrap() {
            Said::One(item) => item,
            Said::Batch(_) => panic!("a batch"),
        }
    }

    /// The id and the code of what is wrong.
    fn wrong(text: &str) -> (String, i64) {
        match one(text) {
            Item::Wrong(id, fault) => (id.to_string(), fault.error().code),
            item => panic!("{item:?}"),
        }
    }

    #[test]
    fn an_id_of_null_is_a_call_and_no_id_a_notification() {
        let call = |text| match one(text) {
            Item::Ask(ask) => ask.id.map(|id| id.to_string()),
            item => panic!("{item:?}"),
        };
        assert_eq!(call(r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#).as_deref(), Some("null"));
        assert_eq!(call(r#"{"jsonrpc":"2.0","method":"a"}"#), None);
        assert_eq!(call(r#"{"jsonrpc":"2.0","id": 1.50 ,"method":"a"}"#).as_deref(), Some("1.50"));
    }

    #[test]
    fn parameters_may_be_missing_null_an_array_or_an_object() {
        for (params, read) in [
            ("", None),
            (r#","params":null"#, None),
            (r#","params":[1, "]"]"#, Some(r#"[1, "]"]"#)),
            (r#","params":{"a":1e999}"#, Some(r#"{"a":1e999}"#)),
        ] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"a"{params}}}"#);
            let Item::Ask(ask) = one(&text) else { panic!("{text}") };
            assert_eq!(ask.params.as_deref().map(RawValue::get), read);
        }
        for params in ["1", "\"a\"", "true"] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"a","params":{params}}}"#);
            assert_eq!(wrong(&text), ("1".into(), -32602));
        }
    }

    #[test]
    fn what_is_no_call_keeps_its_id_where_that_can_be_read() {
        for (text, id, code) in [
            (r#"{"jsonrpc":"1.0","id":7,"method":"a"}"#, "7", -32600),
            (r#"{"jsonrpc":2.0,"id":7,"method":"a"}"#, "7", -32600),
            (r#"{"id":"x","method":"a"}"#, r#""x""#, -32600),
            (r#"{"jsonrpc":"2.0","id":7}"#, "7", -32600),
            (r#"{"jsonrpc":"2.0","id":7,"method":1}"#, "7", -32600),
            (r#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#, "null", -32600),
            (r#"{"jsonrpc":"2.0","id":{},"method":"a"}"#, "null", -32600),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"a"}"#, "null", -32600),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}"#, "null", -32600),
            (r#"{"jsonrpc":"2.0","id":7,"result":1,"error":{}}"#, "7", -32600),
            ("1", "null", -32600),
            ("\"text\"", "null", -32600),
            ("{}", "null", -32600),
        ] {
            assert_eq!(wrong(text), (id.into(), code), "{text}");
        }
    }

    #[test]
    fn the_longest_name_is_2048_bytes() {
        let text = |len| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "m".repeat(len));
        assert!(matches!(one(&text(2_048)), Item::Ask(_)));
        assert_eq!(wrong(&text(2_049)), ("1".into(), -32600));
    }

    #[test]
    fn a_name_is_read_whatever_is_escaped_in_it() {
        let Item::Ask(ask) = one(r#"{"jsonrpc":"\u0032.0","id":1,"method":"\u0061b"}"#) else {
            panic!("no call")
        };
        assert_eq!(ask.method, "ab");
    }

    #[test]
    fn an_answer_is_told_from_a_call() {
        let Item::Answer(answer) = one(r#"{"jsonrpc":"2.0","id":3,"result":null}"#) else {
            panic!("no answer")
        };
        assert_eq!((answer.id.number(), answer.result.unwrap().get()), (Some(3), "null"));
        let text = r#"{"jsonrpc":"2.0","id":4,"error":{"code":-1}}"#;
        let Item::Answer(answer) = one(text) else { panic!("no answer") };
        assert_eq!(answer.result.unwrap_err().get(), r#"{"code":-1}"#);
    }

    #[test]
    fn what_is_not_json_is_a_parse_error() {
        for text in ["", "{bad", "{\"a\":1} x", "[1", "nul", "\u{feff}{}", "[1,]"] {
            let Err(Unread::NotJson(error)) = parse(text.as_bytes(), 10) else {
                panic!("{text:?}")
            };
            assert_eq!(error.code, -32700, "{text:?}");
        }
        assert!(matches!(parse(b"{\"\xff\":1}", 10), Err(Unread::NotJson(_))));
    }

    #[test]
    fn nesting_has_no_depth_that_breaks_anything() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"a","params":{deep}}}"#);
        assert!(matches!(one(&text), Item::Ask(_)));
        assert!(parse(deep.as_bytes(), 10).is_ok());
        assert!(parse("[".repeat(200_000).as_bytes(), 10).is_err());
    }

    #[test]
    fn a_batch_has_an_entry_for_each_thing_in_it() {
        let text = r#" [1, {"jsonrpc":"2.0","id":1,"method":"a"}, []]"#;
        let Ok(Said::Batch(items)) = parse(text.as_bytes(), 3) else { panic!("no batch") };
        assert!(matches!(items.as_slice(), [Item::Wrong(..), Item::Ask(_), Item::Wrong(..)]));
        assert!(matches!(parse(b"[]", 3), Err(Unread::EmptyBatch)));
        assert!(matches!(parse(b" [ ] ", 3), Err(Unread::EmptyBatch)));
    }

    #[test]
    fn too_large_a_batch_is_told_under_the_id_of_its_first_call() {
        let call = |id: &str| format!(r#"{{"jsonrpc":"2.0"{id},"method":"a"}}"#);
        let batch = format!("[{},{},3]", call(""), call(r#","id":"first""#));
        let Err(Unread::LargeBatch(id)) = parse(batch.as_bytes(), 2) else { panic!("no") };
        assert_eq!(id.as_str(), r#""first""#);
        assert!(matches!(parse(b"[1,2,3,x]", 2), Err(Unread::NotJson(_))));
    }
}
