//! Writing what is said to a peer: answers, calls, notifications and pushes, in the order of members
//! that others use, and without a space.

use serde_json::value::RawValue;

use super::error::RpcError;
use super::id::Id;

/// The answer to a call.
pub(crate) fn answer(id: &Id, result: &Result<Box<RawValue>, RpcError>) -> String {
    match result {
        Ok(result) => self::result(id, result),
        Err(error) => self::error(id, error),
    }
}

/// The answer to a call that went well.
pub(crate) fn result(id: &Id, result: &RawValue) -> String {
    let (id, result) = (id.as_str(), result.get());
    [r#"{"jsonrpc":"2.0","id":"#, id, r#","result":"#, result, "}"].concat()
}

/// The answer to a call that did not.
pub(crate) fn error(id: &Id, error: &RpcError) -> String {
    let mut text = [r#"{"jsonrpc":"2.0","id":"#, id.as_str(), r#","error":"#].concat();
    write_error(error, &mut text);
    text.push('}');
    text
}

/// A call of ours.
pub(crate) fn call(id: u64, method: &str, params: &RawValue) -> String {
    let (id, method, params) = (id.to_string(), string(method), params.get());
    let text = [
        r#"{"jsonrpc":"2.0","id":"#,
        id.as_str(),
        r#","method":"#,
        method.as_str(),
        r#","params":"#,
        params,
        "}",
    ];
    text.concat()
}

/// A notification.
pub(crate) fn notification(method: &str, params: &RawValue) -> String {
    let (method, params) = (string(method), params.get());
    [r#"{"jsonrpc":"2.0","method":"#, method.as_str(), r#","params":"#, params, "}"].concat()
}

/// What a subscription has to tell. The id needs no escapes.
pub(crate) fn push(namespace: &str, subscription: &str, result: &RawValue) -> String {
    let method = string(&[namespace, "_subscription"].concat());
    let text = [
        r#"{"jsonrpc":"2.0","method":"#,
        method.as_str(),
        r#","params":{"subscription":""#,
        subscription,
        r#"","result":"#,
        result.get(),
        "}}",
    ];
    text.concat()
}

fn write_error(error: &RpcError, text: &mut String) {
    let RpcError { code, message, data } = error;
    text.push_str(r#"{"code":"#);
    text.push_str(&code.to_string());
    text.push_str(r#","message":"#);
    text.push_str(&string(message));
    if let Some(data) = data {
        text.push_str(r#","data":"#);
        text.push_str(data.get());
    }
    text.push('}');
}

/// A text as JSON has it.
pub(crate) fn string(text: &str) -> String {
    serde_json::to_string(text).expect("every text can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn answers_keep_the_id_and_the_result_as_they_were_written() {
        let id = Id::of(&raw("1.50")).unwrap();
        let written = answer(&id, &Ok(raw(r#"{"a":12345678901234567890123}"#)));
        assert_eq!(
            written,
            r#"{"jsonrpc":"2.0","id":1.50,"result":{"a":12345678901234567890123}}"#
        );
        let mut reverted = RpcError::new(3, "execution \"reverted\"");
        assert_eq!(
            answer(&id, &Err(reverted.clone())),
            r#"{"jsonrpc":"2.0","id":1.50,"error":{"code":3,"message":"execution \"reverted\""}}"#
        );
        reverted.data = Some(raw(r#""0x08c379a0""#));
        assert!(error(&Id::null(), &reverted).ends_with(r#","data":"0x08c379a0"}}"#));
    }

    #[test]
    fn what_we_say_ourselves_is_json() {
        assert_eq!(
            call(7, "a\"b", &raw("[1]")),
            r#"{"jsonrpc":"2.0","id":7,"method":"a\"b","params":[1]}"#
        );
        assert_eq!(notification("a", &raw("{}")), r#"{"jsonrpc":"2.0","method":"a","params":{}}"#);
        assert_eq!(
            push("eth", "0x1f", &raw("null")),
            r#"{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1f","result":null}}"#
        );
    }
}
