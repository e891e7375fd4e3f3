//! JSON-RPC by POST.
//!
//! | request                                          | answer                                 |
//! |--------------------------------------------------|----------------------------------------|
//! | POST with a call or a batch                      | 200 and JSON, also where it is an error|
//! | POST with notifications alone                    | 204                                    |
//! | POST with another content type                   | 415                                    |
//! | POST with too long a body, or one that is slow   | 413, 408                               |
//! | GET or HEAD without a query: is somebody there?  | 200, empty                             |
//! | OPTIONS                                          | 204, with `Allow`                      |
//! | anything else                                    | 405                                    |
//!
//! There are no subscriptions: a request has one answer.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::call::Caller;
use super::dispatch::{Dispatch, Shared};
use super::request::{Said, parse};
use crate::exchange::{Body, Exchange};
use crate::service::Refusal;

const ALLOWED: &str = "GET, HEAD, OPTIONS, POST";

const CONTENT_TYPES: [&str; 3] =
    ["application/json", "application/json-rpc", "application/jsonrequest"];

/// Answers a request.
pub(crate) async fn answer(dispatch: Shared, exchange: Exchange) -> Response<Body> {
    let answered = match exchange.method {
        Method::POST => post(&dispatch, exchange).await,
        Method::GET | Method::HEAD if exchange.request.query().is_none() => {
            Ok(empty(StatusCode::OK))
        }
        Method::OPTIONS => Ok(allowing(empty(StatusCode::NO_CONTENT))),
        _ => {
            let refusal =
                Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "JSON-RPC is spoken by POST");
            Ok(allowing(refused(refusal)))
        }
    };
    answered.unwrap_or_else(refused)
}

async fn post(dispatch: &Dispatch, mut exchange: Exchange) -> Result<Response<Body>, Refusal> {
    if !is_json(exchange.request.headers()) {
        let reason = format!("a call is sent as {}", CONTENT_TYPES[0]);
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    let limits = &dispatch.limits;
    let body = exchange.whole(limits.max_body_bytes, limits.call_within.get()).await?;
    let caller = Caller::of(&exchange.request);
    let spoken = match parse(&body, limits.max_batch) {
        Ok(Said::Batch(items)) => {
            let one = async |item, until| dispatch.one(item, &caller, until).await;
            dispatch.batch(items, &caller, one).await
        }
        Ok(Said::One(item)) => dispatch.one(item, &caller, Ok(dispatch.deadline())).await.into(),
        Err(unread) => unread.answer().into(),
    };
    let Some(text) = spoken.text else { return Ok(empty(StatusCode::NO_CONTENT)) };
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Whether the one content type is JSON, with whatever parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return false };
    let name = only.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    CONTENT_TYPES.iter().any(|allowed| name.eq_ignore_ascii_case(allowed))
}

fn refused(refusal: Refusal) -> Response<Body> {
    let mut response = refusal.into_response().map(Body::from);
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn allowing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(ALLOWED));
    response
}
