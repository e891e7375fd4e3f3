//! Backends that are functions: a call is one JSON object, and so is its answer.
//!
//! ```text
//! {"path":"/a","httpMethod":"POST","headers":{…},"queryParameters":{…},"pathParameters":{…},"body":"…","isBase64Encoded":false}
//! {"isBase64Encoded":false,"statusCode":200,"headers":{…},"body":"…"}
//! ```

use data_encoding::BASE64;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::envelope::{DEVICE, Request, list_of};
use super::error::GatewayError;
use crate::backend::Reply;

/// What a function answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    #[serde(default)]
    is_base64_encoded: bool,
    status_code: u16,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    body: Option<String>,
}

/// The call as a function is given it.
pub(super) fn event(request: &Request, parameters: &[(String, String)]) -> String {
    let map = |pairs: &[(String, String)]| -> Map<String, Value> {
        pairs.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()
    };
    let headers = request.headers.keys();
    let headers = headers.map(|name| (name.to_string(), list_of(&request.headers, name).into()));
    let text = std::str::from_utf8(&request.body).ok();
    json!({
        "path": request.path,
        "httpMethod": request.method.as_str(),
        "headers": headers.collect::<Map<_, _>>(),
        "queryParameters": map(&request.querys),
        "pathParameters": map(parameters),
        "body": text.map_or_else(|| BASE64.encode(&request.body), str::to_owned),
        "isBase64Encoded": text.is_none(),
    })
    .to_string()
}

/// The headers of the request that carries it.
pub(super) fn headers(of_call: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(http::header::CONTENT_TYPE, json);
    if let Some(device) = of_call.get(DEVICE) {
        headers.insert(HeaderName::from_static(DEVICE), device.clone());
    }
    headers
}

/// What the function answered, as an answer of HTTP. One that failed itself passes as it is.
pub(super) fn reply(reply: &Reply) -> Result<Reply, GatewayError> {
    if !reply.status.is_success() {
        return Ok(reply.clone());
    }
    let bad = |what: &str| GatewayError::BackendAnswer(what.to_owned());
    let answered: Answered = serde_json::from_slice(&reply.body)
        .map_err(|_| bad("it is no object with a statusCode, as a function answers"))?;
    let status = StatusCode::from_u16(answered.status_code);
    let status = status.map_err(|_| bad("its statusCode is no status"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in answered.headers.unwrap_or_default() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(text.as_bytes());
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(bad("one of its headers cannot be passed on"));
        };
        headers.insert(name, value);
    }
    let body = answered.body.unwrap_or_default();
    let body = if answered.is_base64_encoded {
        BASE64.decode(body.as_bytes()).map_err(|_| bad("its body is not base64"))?.into()
    } else {
        body.into()
    };
    Ok(Reply { status, headers, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn answered(body: &str) -> Result<Reply, GatewayError> {
        let body = Bytes::from(body.to_owned());
        reply(&Reply { status: StatusCode::OK, headers: HeaderMap::new(), body })
    }

    #[test]
    fn a_function_is_given_the_call_as_an_object() {
        let request = Request::parse(
            r#"{"method":"PUT","path":"/a/1","querys":{"q":"2"},"headers":{"x-a":["b","c"]},"body":"/w==","isBase64":1}"#,
        );
        let parameters = [("id".to_owned(), "1".to_owned())];
        let event: Value = serde_json::from_str(&event(&request.unwrap(), &parameters)).unwrap();
        let expected = json!({
            "path": "/a/1", "httpMethod": "PUT", "headers": {"x-a": "b, c"},
            "queryParameters": {"q": "2"}, "pathParameters": {"id": "1"},
            "body": "/w==", "isBase64Encoded": true,
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn its_answer_is_an_answer() {
        let reply = answered(
            r#"{"isBase64Encoded":true,"statusCode":201,"headers":{"content-type":"text/plain"},"body":"aGk="}"#,
        )
        .unwrap();
        assert_eq!((reply.status, &*reply.body), (StatusCode::CREATED, &b"hi"[..]));
        assert_eq!(reply.headers["content-type"], "text/plain");
    }

    #[test]
    fn what_no_function_answers_is_an_error() {
        for body in [
            "hello",
            "{}",
            r#"{"statusCode":1}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            r#"{"statusCode":200,"body":"?","isBase64Encoded":true}"#,
        ] {
            assert_eq!(answered(body).unwrap_err().code(), "D502AN", "{body}");
        }
    }
}
