//! What the requests of emulated lines are answered: messages, or JSON that says what is wrong and what would
//! be right.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::ask::{Answer, Fault, How, LineId, LineSecret};
use crate::exchange::Body;

/// Proxies are to hand on each piece as it comes.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What is wrong.
#[derive(Serialize)]
struct Wrong<'a> {
    code: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<u64>,
}

#[derive(Serialize)]
struct Opened<'a> {
    line: &'a str,
    secret: &'a str,
    /// In seconds.
    heartbeat: u64,
}

#[derive(Serialize)]
struct Taken {
    seen: u64,
}

/// A line is open.
pub(super) fn opened(line: LineId, secret: &LineSecret, heartbeat: u64) -> Response<Body> {
    let (line, secret) = (line.to_string(), secret.reveal());
    json(StatusCode::OK, &Opened { line: &line, secret: &secret, heartbeat })
}

/// What a line answers.
pub(super) fn answered(answer: Answer, how: Option<How>) -> Response<Body> {
    match answer {
        Answer::Closed => json(StatusCode::OK, &serde_json::json!({})),
        Answer::Messages(array) => response(StatusCode::OK, "application/json", array.into()),
        Answer::Stream(reader) => {
            let kind = match how {
                Some(How::Events) => "text/event-stream",
                _ => "application/x-ndjson",
            };
            response(StatusCode::OK, kind, Body::stream(reader))
        }
        Answer::Taken(seen) => json(StatusCode::OK, &Taken { seen }),
    }
}

/// Why a line does not answer.
pub(super) fn fault(fault: &Fault) -> Response<Body> {
    let (status, code, expected) = match fault {
        Fault::Ended => (StatusCode::NOT_FOUND, "line_ended", None),
        Fault::Malformed(_) => (StatusCode::BAD_REQUEST, "bad_request", None),
        Fault::OutOfOrder(expected) => (StatusCode::CONFLICT, "out_of_order", Some(*expected)),
        Fault::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", None),
        Fault::Replaced => (StatusCode::CONFLICT, "replaced", None),
        Fault::Seen(_, expected) => (StatusCode::CONFLICT, "wrong_seen", Some(*expected)),
        Fault::Secret => (StatusCode::FORBIDDEN, "wrong_secret", None),
        Fault::Unknown => (StatusCode::NOT_FOUND, "unknown_line", None),
    };
    let mut response = json(status, &Wrong { code, reason: &fault.to_string(), expected });
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// The same of what the route refuses, whatever carries its lines.
pub(super) fn refused(refused: Response<String>) -> Response<Body> {
    let (parts, reason) = refused.into_parts();
    let code = match parts.status {
        StatusCode::BAD_REQUEST => "bad_request",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::METHOD_NOT_ALLOWED => "wrong_method",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::REQUEST_TIMEOUT => "too_slow",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        StatusCode::TOO_MANY_REQUESTS => "too_many",
        StatusCode::UNAUTHORIZED => "unauthorized",
        _ => "refused",
    };
    let mut response =
        json(parts.status, &Wrong { code, reason: reason.trim_end(), expected: None });
    response.headers_mut().extend(parts.headers);
    response
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_vec(value).expect("texts and numbers have their JSON");
    response(status, "application/json", Bytes::from(text).into())
}

fn response(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
    response
}
