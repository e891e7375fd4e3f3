//! The JSON in which calls and answers travel, one object to a text frame.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::{Call, Response};

/// A call: `headers` in the plural, each value a list.
#[derive(Serialize)]
struct Request<'c> {
    method: &'c str,
    host: &'c str,
    path: &'c str,
    querys: &'c BTreeMap<String, String>,
    headers: BTreeMap<&'c str, [&'c str; 1]>,
    #[serde(rename = "isBase64")]
    is_base64: u8,
    body: String,
}

/// An answer: `header` in the singular, each value a text, or a list of them.
#[derive(Deserialize)]
struct Answer {
    status: u16,
    #[serde(default)]
    header: BTreeMap<String, Value>,
    #[serde(default)]
    body: Option<String>,
}

/// A call as it is sent.
pub(super) fn encode(call: &Call, host: &str) -> String {
    let (body, is_base64) = call.body.encode();
    let headers = call.headers.iter().map(|(name, value)| (name.as_str(), [value.as_str()]));
    let request = Request {
        method: &call.method,
        host,
        path: &call.path,
        querys: &call.query,
        headers: headers.collect(),
        is_base64: is_base64.into(),
        body,
    };
    serde_json::to_string(&request).expect("texts and maps of texts have their JSON")
}

/// An answer and the sequence that it is for; `None` for what is none.
pub(super) fn decode(text: &str) -> Option<(String, Response)> {
    let Answer { status, header, body } = serde_json::from_str(text).ok()?;
    let headers: BTreeMap<String, String> = header
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), first(value)?)))
        .collect();
    let seq = headers.get("x-ca-seq")?.clone();
    Some((seq, Response { status, headers, body: body.unwrap_or_default() }))
}

/// A value, or the first of several.
fn first(value: Value) -> Option<String> {
    match value {
        Value::Array(list) => list.into_iter().next().and_then(first),
        Value::Bool(it) => Some(it.to_string()),
        Value::Number(it) => Some(it.to_string()),
        Value::String(it) => Some(it),
        Value::Null | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_an_object_with_lists_of_headers() {
        let call = Call::post("/register")
            .query("q", "ü")
            .header("X-CA-Seq", "7")
            .form([("a b", "c&d"), ("e", "")]);
        let json: Value = serde_json::from_str(&encode(&call, "gw.example.com")).unwrap();
        let expected = serde_json::json!({
            "method": "POST", "host": "gw.example.com", "path": "/register",
            "querys": { "q": "ü" }, "headers": { "x-ca-seq": ["7"] },
            "isBase64": 0, "body": "a+b=c%26d&e=",
        });
        assert_eq!(json, expected);
        let bytes = Call::post("/").bytes("application/octet-stream", [0, 255]);
        let json: Value = serde_json::from_str(&encode(&bytes, "h")).unwrap();
        assert_eq!((&json["isBase64"], &json["body"]), (&1.into(), &"AP8=".into()));
    }

    #[test]
    fn an_answer_may_have_texts_or_lists_and_no_body() {
        let (seq, response) =
            decode(r#"{"status":200,"header":{"X-Ca-Seq":["0"],"content-length":2},"body":"ok"}"#)
                .unwrap();
        assert_eq!((seq.as_str(), response.status, response.body.as_str()), ("0", 200, "ok"));
        assert_eq!(response.headers["content-length"], "2");
        let (_, response) =
            decode(r#"{"status":500,"header":{"x-ca-seq":"1"},"body":null}"#).unwrap();
        assert_eq!((response.body.as_str(), response.is_success()), ("", false));
        for text in ["{}", "{", r#"{"status":200,"header":{}}"#, r#"{"status":"x","header":{}}"#] {
            assert!(decode(text).is_none(), "{text}");
        }
    }
}
