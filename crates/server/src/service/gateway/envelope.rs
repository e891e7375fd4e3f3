//! The envelopes: a request and its response as JSON objects, one in each text.
//!
//! ```text
//! {"method":"POST","host":"…","path":"/register","querys":{"k":"v"},"headers":{"x-ca-seq":["0"]},"isBase64":0,"body":"…"}
//! {"status":200,"header":{"x-ca-seq":"0","content-type":"…"},"body":"…"}
//! ```
//!
//! Real clients differ in everything that JSON lets them: a request is read as leniently as can be
//! without guessing. A response has one form, which all of them read.

use std::borrow::Cow;

use bytes::Bytes;
use data_encoding::BASE64;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::error::GatewayError;
use super::parameters;
use crate::service::object::decode_object;

/// The header that names a device.
pub(super) const DEVICE: &str = "x-ca-deviceid";

/// The header that ties a response to its request.
pub(super) const SEQ: &str = "x-ca-seq";

/// Longest path and query of a request together, in bytes.
pub(super) const MAX_URL_BYTES: usize = 8 << 10;

/// A request, whoever sent it and whichever way it came.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Without its query, as it was written.
    pub(super) path: String,
    /// Names and values, decoded, in the order in which they were written or sorted by name.
    pub(super) querys: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    /// The raw bytes.
    pub(super) body: Bytes,
}

/// A text that is no request, with what a response needs all the same.
#[derive(Debug)]
pub(super) struct Rejected {
    pub(super) seq: Option<HeaderValue>,
    pub(super) error: GatewayError,
}

/// What is sent back.
#[derive(Debug)]
pub(super) struct Response<'a> {
    pub(super) status: StatusCode,
    /// One value for a name: the C++ client reads nothing else.
    pub(super) header: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(super) body: Cow<'a, str>,
}

/// An envelope as it is written; every field may be missing or null.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    path: Option<Cow<'a, str>>,
    #[serde(default)]
    querys: Option<Map<String, Value>>,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default, rename = "isBase64")]
    is_base64: Value,
    #[serde(borrow, default)]
    body: Option<Cow<'a, str>>,
}

impl Request {
    /// Reads an envelope.
    pub(super) fn parse(text: &str) -> Result<Self, Rejected> {
        let written: Written<'_> = decode_object(text).map_err(|error| Rejected {
            seq: None,
            error: GatewayError::BadEnvelope(error.to_string().into()),
        })?;
        // Echoed even where nothing else can be understood: without it the caller waits in vain.
        let seq = written.headers.as_ref().and_then(seq);
        Self::understand(written).map_err(|error| Rejected { seq, error })
    }

    fn understand(written: Written<'_>) -> Result<Self, GatewayError> {
        let headers = headers(written.headers.unwrap_or_default())?;
        let method = written.method.as_deref().unwrap_or("GET");
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
            .map_err(|_| GatewayError::Method(shortened(method)))?;
        let path = written.path.as_deref().unwrap_or("/");
        let (path, inline) = path.split_once('?').unwrap_or((path, ""));
        if !path.starts_with('/') || path.chars().any(char::is_control) {
            return Err(GatewayError::BadPath);
        }
        let mut querys = parameters::decode(inline.as_bytes());
        for (name, value) in written.querys.unwrap_or_default() {
            querys.push((name, first(value).unwrap_or_default()));
        }
        let len = |len, (name, value): &(String, String)| len + name.len() + value.len() + 2;
        if querys.iter().fold(path.len(), len) > MAX_URL_BYTES {
            return Err(GatewayError::UrlTooLong(MAX_URL_BYTES));
        }
        let body = written.body.unwrap_or_default();
        let body = if is_set(&written.is_base64) {
            let text: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            let bytes = BASE64.decode(&text);
            bytes.map_err(|_| GatewayError::BadEnvelope("the body is not base64".into()))?.into()
        } else {
            Bytes::from(body.into_owned())
        };
        Ok(Self { method, path: path.to_owned(), querys, headers, body })
    }

    /// A header's first value, as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        text_of(&self.headers, name)
    }

    /// The sequence that the response echoes.
    pub(super) fn seq(&self) -> Option<HeaderValue> {
        self.headers.get(SEQ).cloned()
    }
}

impl Response<'_> {
    /// Writes it.
    pub(super) fn print(&self) -> String {
        serde_json::to_string(self).expect("texts and a number have their JSON")
    }
}

impl Serialize for Response<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Header<'a>(&'a [(Cow<'a, str>, Cow<'a, str>)]);
        impl Serialize for Header<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
            }
        }
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("status", &self.status.as_u16())?;
        map.serialize_entry("header", &Header(&self.header))?;
        map.serialize_entry("body", &self.body)?;
        map.end()
    }
}

/// A header's first value, where it is text.
pub(super) fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    std::str::from_utf8(headers.get(name)?.as_bytes()).ok()
}

/// All values of a header in one text: more than one are a list (RFC 9110 §5.3).
pub(super) fn list_of(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    values.join(", ")
}

/// The headers as HTTP has them; names become lower case.
fn headers(written: Map<String, Value>) -> Result<HeaderMap, GatewayError> {
    let mut headers = HeaderMap::with_capacity(written.len());
    for (name, value) in written {
        let bad = || GatewayError::BadHeader(shortened(&name));
        let key = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| bad())?;
        for text in texts(value).ok_or_else(bad)? {
            let value = HeaderValue::from_bytes(text.trim().as_bytes()).map_err(|_| bad())?;
            headers.try_append(key.clone(), value).map_err(|_| bad())?;
        }
    }
    Ok(headers)
}

/// The values of a header, which is a list of texts or one of them.
fn texts(value: Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(values) => values.into_iter().map(text).collect(),
        value => Some(vec![text(value)?]),
    }
}

/// The first of a list of texts, or the text itself.
fn first(value: Value) -> Option<String> {
    match value {
        Value::Array(values) => values.into_iter().next().and_then(text),
        value => text(value),
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(text) => Some(text),
        Value::Array(_) | Value::Null | Value::Object(_) => None,
    }
}

fn is_set(flag: &Value) -> bool {
    match flag {
        Value::Bool(is_set) => *is_set,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => text == "1" || text.eq_ignore_ascii_case("true"),
        Value::Array(_) | Value::Null | Value::Object(_) => false,
    }
}

fn seq(headers: &Map<String, Value>) -> Option<HeaderValue> {
    let value = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(SEQ))?.1;
    HeaderValue::from_bytes(first(value.clone())?.as_bytes()).ok()
}

/// Enough of a text to recognise it by.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Request {
        Request::parse(text).unwrap_or_else(|rejected| panic!("{text}: {}", rejected.error))
    }

    #[test]
    fn the_envelope_of_the_documents_is_read() {
        let request = parsed(
            r#"{"method":"POST","host":"gw.example.com","path":"/register","querys":{"a":"1"},
            "headers":{"x-ca-websocket_api_type":["REGISTER"],"x-ca-seq":["0"],"ca_version":["1.1.2"]},
            "isBase64":0,"body":"username=xiaoming&password=123456789"}"#,
        );
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/register"));
        assert_eq!(request.querys, [("a".to_owned(), "1".to_owned())]);
        assert_eq!(request.header("x-ca-websocket_api_type"), Some("REGISTER"));
        assert_eq!(request.header("ca_version"), Some("1.1.2"));
        assert_eq!(request.seq().unwrap(), "0");
        assert_eq!(request.body, "username=xiaoming&password=123456789");
    }

    #[test]
    fn headers_may_be_texts_and_of_any_case() {
        let request = parsed(
            r#"{"headers":{"CA_VERSION":"1","X-Ca-Seq":7,"accept":["a","b"],"empty":[],"none":null},
            "extra":{"x":[1]},"path":"/a","method":"get"}"#,
        );
        assert_eq!(request.header("ca_version"), Some("1"));
        assert_eq!(request.seq().unwrap(), "7");
        assert_eq!(request.headers.get_all("accept").iter().count(), 2);
        assert!(!request.headers.contains_key("empty") && !request.headers.contains_key("none"));
        assert_eq!(request.method, Method::GET);
    }

    #[test]
    fn a_body_is_base64_in_every_way_to_say_so_and_only_then() {
        for (flag, body) in [
            (r#""isBase64":1,"#, "hi"),
            (r#""isBase64":"1","#, "hi"),
            (r#""isBase64":true,"#, "hi"),
            (r#""isBase64":"true","#, "hi"),
            (r#""isBase64":0,"#, "aGk="),
            (r#""isBase64":"0","#, "aGk="),
            (r#""isBase64":false,"#, "aGk="),
            (r#""isBase64":null,"#, "aGk="),
            ("", "aGk="),
        ] {
            let request = parsed(&format!(r#"{{"path":"/",{flag}"body":"aGk="}}"#));
            assert_eq!(request.body, body, "{flag}");
        }
    }

    #[test]
    fn what_is_absent_is_empty() {
        for text in [
            r#"{"path":"/x"}"#,
            r#"{"path":"/x","querys":null,"headers":null,"body":null}"#,
            "{\n  \"body\" : \"\",\r\n\t\"path\" : \"/x\"\n}\n",
        ] {
            let request = parsed(text);
            assert_eq!(request.path, "/x");
            assert!(request.querys.is_empty() && request.headers.is_empty());
            assert!(request.body.is_empty());
        }
    }

    #[test]
    fn a_query_in_the_path_is_one() {
        let request = parsed(r#"{"path":"/x?a=1%202&b","querys":{"c":"d"}}"#);
        assert_eq!(request.path, "/x");
        let expected = [("a", "1 2"), ("b", ""), ("c", "d")];
        let querys: Vec<_> = request.querys.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(querys, expected);
    }

    #[test]
    fn what_cannot_be_understood_is_told_with_its_sequence() {
        for (text, code, seq) in [
            ("{", "I400BD", None),
            (r#"{"path":1}"#, "I400BD", None),
            (
                r#"{"path":"/","headers":{"x-ca-seq":"3"},"isBase64":1,"body":"?"}"#,
                "I400BD",
                Some("3"),
            ),
            (r#"{"path":"x","headers":{"x-ca-seq":["4"]}}"#, "I400PA", Some("4")),
            (r#"{"path":"/","headers":{"x-ca-seq":["5"],"a b":"c"}}"#, "I400HD", Some("5")),
            (r#"{"path":"/","headers":{"x-ca-seq":["6"],"a":"b\r\nc: d"}}"#, "I400HD", Some("6")),
            (r#"{"path":"/","headers":{"X-CA-SEQ":"7","a":{}}}"#, "I400HD", Some("7")),
            (r#"{"method":"G T","path":"/"}"#, "I405UM", None),
        ] {
            let rejected = Request::parse(text).unwrap_err();
            assert_eq!(rejected.error.code(), code, "{text}");
            assert_eq!(rejected.seq.as_ref().map(|seq| seq.to_str().unwrap()), seq, "{text}");
        }
        let long = format!(r#"{{"path":"/{}"}}"#, "x".repeat(MAX_URL_BYTES));
        assert_eq!(Request::parse(&long).unwrap_err().error.code(), "I413UL");
    }

    #[test]
    fn a_response_has_scalar_headers_and_the_singular_key() {
        let response = Response {
            status: StatusCode::OK,
            header: vec![
                ("x-ca-seq".into(), "0".into()),
                ("content-type".into(), "text/plain".into()),
            ],
            body: "a \"quote\"".into(),
        };
        assert_eq!(
            response.print(),
            r#"{"status":200,"header":{"x-ca-seq":"0","content-type":"text/plain"},"body":"a \"quote\""}"#
        );
    }
}
