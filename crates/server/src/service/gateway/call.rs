//! A device's call: what its backend is asked, and what the device is answered.
//!
//! The backend is told by headers who asks. What a device says of itself there is replaced:
//!
//! | header             | is                                                  |
//! |--------------------|-----------------------------------------------------|
//! | `x-ca-deviceid`    | the device that the line is bound to                |
//! | `x-ca-request-id`  | the call; the device is told it, too                |
//! | `idempotency-key`  | the same, for whoever is asked twice                |
//! | `x-forwarded-for`  | the address that the line comes from                |

use std::borrow::Cow;
use std::net::IpAddr;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::api::{Meant, Target};
use super::envelope::{DEVICE, Request, Response, SEQ, list_of};
use super::error::GatewayError;
use super::{function, parameters};
use crate::backend::{Call, Reply, for_backend, for_caller};
use crate::config::BackendSpeaks;

const REQUEST_ID: &str = "x-ca-request-id";

/// What of a device's headers is not for the backend: what is between the device and the gateway,
/// and what the gateway says itself.
const OWN: [&str; 10] = [
    "accept-encoding",
    "forwarded",
    "idempotency-key",
    "x-ca-signature",
    "x-ca-signature-headers",
    "x-ca-signature-method",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller<'a> {
    pub(super) device: &'a str,
    pub(super) address: Option<IpAddr>,
    /// The call's own id.
    pub(super) id: &'a str,
}

/// What the backend is asked.
pub(super) fn call(target: &Target, meant: &Meant, request: Request, caller: &Caller<'_>) -> Call {
    let mut path_and_query = target.path.fill(&meant.parameters);
    let headers = headers(request.headers, caller);
    if target.speaks == BackendSpeaks::Function {
        let request = Request { headers, ..request };
        let mut call = Call::new(http::Method::POST, path_and_query);
        call.body = function::event(&request, &meant.parameters).into();
        call.headers = function::headers(&request.headers);
        return done(call, target, caller);
    }
    if !request.querys.is_empty() {
        path_and_query.push('?');
        path_and_query.push_str(&parameters::encode(&request.querys));
    }
    let mut call = Call::new(target.method.clone(), path_and_query);
    (call.headers, call.body) = (headers, request.body);
    done(call, target, caller)
}

fn done(mut call: Call, target: &Target, caller: &Caller<'_>) -> Call {
    call.timeout = target.timeout;
    call.idempotency_key = Some(caller.id.to_owned());
    call
}

fn headers(mut headers: HeaderMap, caller: &Caller<'_>) -> HeaderMap {
    for_backend(&mut headers);
    for name in OWN {
        headers.remove(name);
    }
    let mut say = |name: &'static str, value: &str| {
        headers.remove(name);
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    say(DEVICE, caller.device);
    say(REQUEST_ID, caller.id);
    if let Some(address) = caller.address {
        say("x-forwarded-for", &address.to_string());
    }
    headers
}

/// What the backend's answer is to the device.
pub(super) fn answer(
    target: &Target,
    reply: Reply,
    seq: Option<&HeaderValue>,
    id: &str,
) -> Result<Response<'static>, GatewayError> {
    let mut reply = match target.speaks {
        BackendSpeaks::Function => function::reply(&reply)?,
        BackendSpeaks::Http => reply,
    };
    for_caller(&mut reply.headers);
    let mut header = header(seq, id);
    for name in reply.headers.keys() {
        // The error codes are the gateway's own: a backend's errors have none.
        let is_own = [SEQ, REQUEST_ID, DEVICE, "x-ca-error-code", "x-ca-error-message"]
            .contains(&name.as_str());
        if !is_own {
            header.push((name.to_string().into(), list_of(&reply.headers, name).into()));
        }
    }
    let body = text(&reply)?;
    Ok(Response { status: reply.status, header, body: body.into() })
}

/// What the gateway itself answers.
pub(super) fn refusal(
    error: &GatewayError,
    seq: Option<&HeaderValue>,
    id: &str,
) -> Response<'static> {
    let mut header = header(seq, id);
    header.push(("x-ca-error-code".into(), error.code().into()));
    header.push(("x-ca-error-message".into(), error.to_string().into()));
    header.push(("content-type".into(), "text/plain; charset=utf-8".into()));
    Response { status: error.status(), header, body: error.to_string().into() }
}

/// What every answer begins with.
pub(super) fn header(
    seq: Option<&HeaderValue>,
    id: &str,
) -> Vec<(Cow<'static, str>, Cow<'static, str>)> {
    let seq = seq.map(|seq| String::from_utf8_lossy(seq.as_bytes()).into_owned());
    let seq = seq.map(|seq| (Cow::Borrowed(SEQ), Cow::Owned(seq)));
    seq.into_iter().chain([(REQUEST_ID.into(), id.to_owned().into())]).collect()
}

/// The body as text: envelopes have no other.
fn text(reply: &Reply) -> Result<String, GatewayError> {
    let kind = super::envelope::text_of(&reply.headers, "content-type").unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    let charset = kind.split_once("charset=").map(|(_, rest)| rest.trim_matches(['"', ' ']));
    match charset {
        Some("iso-8859-1" | "latin1") => Ok(reply.body.iter().copied().map(char::from).collect()),
        _ => String::from_utf8(reply.body.to_vec())
            .map_err(|_| GatewayError::BackendAnswer("its body is not UTF-8".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_speaks_for_another_device() {
        let written = r#"{"path":"/","headers":{"x-ca-deviceid":["evil"],"X-Forwarded-For":["1.1.1.1"],
            "host":"gw","idempotency-key":"mine","connection":"close","x-ca-signature":"s","user-agent":"U"}}"#;
        let request = Request::parse(written).unwrap();
        let address = Some([192, 0, 2, 7].into());
        let caller = Caller { device: "own@1", address, id: "7.1" };
        let headers = headers(request.headers, &caller);
        let mut all: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        all.sort_unstable();
        let expected = [
            ("user-agent", "U"),
            ("x-ca-deviceid", "own@1"),
            ("x-ca-request-id", "7.1"),
            ("x-forwarded-for", "192.0.2.7"),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn an_error_has_its_code_and_the_sequence() {
        let seq = HeaderValue::from_static("7");
        let answer = refusal(&GatewayError::NotFound, Some(&seq), "1.2").print();
        assert!(answer.starts_with(r#"{"status":404,"header":{"x-ca-seq":"7","#), "{answer}");
        assert!(answer.contains(r#""x-ca-error-code":"I404NF""#), "{answer}");
    }
}
