//! What is said to a node, and what a node says: requests, answers and pushes.
//!
//! ```text
//! {"jsonrpc":"2.0","id":7,"method":"eth_chainId","params":[]}                      said to it
//! {"jsonrpc":"2.0","id":7,"result":"0x1"}                                          an answer
//! {"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":…,"result":…}}   a push
//! ```
//!
//! Parameters and results stay the text that they were. Nodes are read leniently: `jsonrpc` is not
//! looked at, and an answer with an `error` that is null is a good one.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::service::rpc::error::RpcError;
use crate::service::rpc::members::{Members, string};

/// What a call got.
pub(super) type Answer = Result<Box<RawValue>, RpcError>;

/// One thing that a node said.
#[derive(Debug)]
pub(super) enum Said {
    /// The answer to the call with this id; `None` for an id that is none of ours.
    Answer(Option<u64>, Answer),
    /// What a subscription brought.
    Push {
        /// The node's own id of the subscription, as JSON.
        subscription: String,
        /// What it brought, shared by all who hear it.
        result: Arc<RawValue>,
    },
    /// A notification that is no push, or a call: nothing that we asked for.
    Unasked,
}

/// What a node said is not JSON-RPC.
#[derive(Debug, thiserror::Error)]
#[error("the node says what is not JSON-RPC (line {line}, column {column})")]
pub(super) struct NotRpc {
    line: usize,
    column: usize,
}

/// A call, as it goes to the node.
pub(super) fn request(id: u64, method: &str, params: Option<&RawValue>) -> String {
    let method = serde_json::to_string(method).expect("a string can be written as JSON");
    let params = params.map_or("[]", RawValue::get);
    let mut text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#);
    // A line of IPC ends with the only newline in it; within strings JSON has none.
    if text.contains(['\n', '\r']) {
        text = text.replace(['\n', '\r'], " ");
    }
    text
}

/// Reads a message: one thing, or several in an array.
pub(super) fn read(message: &[u8], mut each: impl FnMut(Said)) -> Result<(), NotRpc> {
    if message.trim_ascii_start().first() == Some(&b'[') {
        let items: Vec<&RawValue> = serde_json::from_slice(message)?;
        for item in items {
            each(one(item.get().as_bytes())?);
        }
    } else {
        each(one(message)?);
    }
    Ok(())
}

fn one(message: &[u8]) -> Result<Said, NotRpc> {
    let members: Members<'_> = serde_json::from_slice(message)?;
    if let Some(method) = members.method.filter(|method| method.get() != "null") {
        let method = string(method)?;
        return Ok(push(&method, &members).unwrap_or(Said::Unasked));
    }
    let id = members.id.and_then(|id| id.get().parse().ok());
    let error = members.error.filter(|error| error.get() != "null");
    let answer = match (error, members.result) {
        (Some(error), _) => Err(failed(error)),
        (None, Some(result)) => Ok(result.to_owned()),
        (None, None) => {
            let why = "the node's answer has neither a result nor an error";
            Err(RpcError::new(RpcError::INTERNAL, why))
        }
    };
    Ok(Said::Answer(id, answer))
}

fn push(method: &str, members: &Members<'_>) -> Option<Said> {
    if members.id.is_some() || !method.ends_with("_subscription") {
        return None;
    }
    let pushed: Pushed<'_> = serde_json::from_str(members.params?.get()).ok()?;
    let result = Arc::from(pushed.result.to_owned());
    Some(Said::Push { subscription: pushed.subscription.get().to_owned(), result })
}

#[derive(Deserialize)]
struct Pushed<'a> {
    #[serde(borrow)]
    subscription: &'a RawValue,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
struct Failed {
    #[serde(default)]
    code: Option<i64>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    data: Option<Box<RawValue>>,
}

/// The node's error, code, message and data as it gave them.
fn failed(raw: &RawValue) -> RpcError {
    let Ok(failed) = serde_json::from_str::<Failed>(raw.get()) else {
        let mut error = RpcError::new(RpcError::INTERNAL, "the node's error is not JSON-RPC");
        error.data = Some(raw.to_owned());
        return error;
    };
    let message = failed.message.unwrap_or_else(|| "the node gives no reason".to_owned());
    let mut error = RpcError::new(failed.code.unwrap_or(RpcError::INTERNAL), message);
    error.data = failed.data;
    error
}

impl From<serde_json::Error> for NotRpc {
    fn from(error: serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Said {
        let mut all = Vec::new();
        read(text.as_bytes(), |said| all.push(said)).unwrap();
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }

    fn answer(text: &str) -> (Option<u64>, Answer) {
        match said(text) {
            Said::Answer(id, answer) => (id, answer),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn results_and_parameters_keep_every_letter() {
        let params = RawValue::from_string(r#"[1.50, {"b":1,"a":1e400}]"#.to_owned()).unwrap();
        let text = request(7, "a\"b", Some(&params));
        let expected =
            r#"{"jsonrpc":"2.0","id":7,"method":"a\"b","params":[1.50, {"b":1,"a":1e400}]}"#;
        assert_eq!(text, expected);
        let (id, result) = answer(r#"{"id":7,"jsonrpc":"2.0","result":{"b":1.50,"a":1e400}}"#);
        assert_eq!(id, Some(7));
        assert_eq!(result.unwrap().get(), r#"{"b":1.50,"a":1e400}"#);
    }

    #[test]
    fn a_request_is_one_line_whatever_its_parameters_are() {
        let params = RawValue::from_string("[1,\r\n \"a\\nb\"]".to_owned()).unwrap();
        let text = request(1, "m", Some(&params));
        assert!(!text.contains(['\n', '\r']), "{text}");
        assert!(text.ends_with(r#""params":[1,   "a\nb"]}"#), "{text}");
        assert!(request(1, "m", None).ends_with(r#""params":[]}"#));
    }

    #[test]
    fn a_result_of_null_is_a_result() {
        assert_eq!(answer(r#"{"id":1,"result":null}"#).1.unwrap().get(), "null");
        assert_eq!(answer(r#"{"id":1,"result":3,"error":null}"#).1.unwrap().get(), "3");
        assert_eq!(answer(r#"{"id":1}"#).1.unwrap_err().code, -32603);
    }

    #[test]
    fn an_error_is_the_nodes_own() {
        let (id, result) = answer(
            r#"{"id":2,"error":{"code":3,"message":"execution reverted","data":"0x08c379a0"}}"#,
        );
        let error = result.unwrap_err();
        assert_eq!((id, error.code, error.message.as_str()), (Some(2), 3, "execution reverted"));
        assert_eq!(error.data.unwrap().get(), r#""0x08c379a0""#);
        let error = answer(r#"{"id":null,"error":"no"}"#);
        assert_eq!((error.0, error.1.unwrap_err().code), (None, -32603));
    }

    #[test]
    fn a_push_has_its_subscription_and_its_result() {
        let text = r#"{"jsonrpc":"2.0","method":"eth_subscription","params":{"result":{"number":"0x1"},"subscription":"0xab"}}"#;
        let Said::Push { subscription, result } = said(text) else { panic!("no push") };
        assert_eq!((subscription.as_str(), result.get()), (r#""0xab""#, r#"{"number":"0x1"}"#));
        for text in [
            r#"{"method":"eth_subscription"}"#,
            r#"{"method":"eth_subscription","params":[1]}"#,
            r#"{"method":"else","params":{"subscription":"1","result":1}}"#,
        ] {
            assert!(matches!(said(text), Said::Unasked), "{text}");
        }
    }

    #[test]
    fn several_things_may_come_in_an_array() {
        let mut ids = Vec::new();
        read(br#" [{"id":1,"result":1},{"id":2,"result":2}]"#, |said| match said {
            Said::Answer(id, _) => ids.push(id),
            other => panic!("{other:?}"),
        })
        .unwrap();
        assert_eq!(ids, [Some(1), Some(2)]);
    }

    #[test]
    fn what_is_not_json_rpc_is_told() {
        for text in ["", "x", "1", "\"a\"", "[1]", "{\"id\":1", "{\"method\":1}"] {
            assert!(read(text.as_bytes(), |_| {}).is_err(), "{text}");
        }
    }
}
