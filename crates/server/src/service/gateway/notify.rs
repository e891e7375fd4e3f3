//! A backend's message to a device, over HTTP or a line of the backend's own.
//!
//! | status | means                                                                  |
//! |--------|------------------------------------------------------------------------|
//! | 200    | sent on the device's line                                              |
//! | 202    | stored: the device is away, and is sent it when it returns             |
//! | 404    | there is no such device: it never registered, or has unregistered      |
//! | 507    | the device is away, and its inbox cannot take it                       |

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use tokio::task::spawn_local;

use super::call;
use super::envelope::{DEVICE, Request, Response as Envelope};
use super::error::GatewayError;
use super::line::{Line, Phase};
use super::{Shared, parameters};
use crate::config::ApiKind;
use crate::devices::Notified;
use crate::exchange::{Body, Exchange};

/// How long a body may take.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Answers a request that a backend makes.
pub(super) async fn answer(shared: &Shared, exchange: Exchange) -> Response<Body> {
    match notify(shared, exchange).await {
        Ok((status, word)) => {
            let mut response = Response::new(Body::from(said(word)));
            *response.status_mut() = status;
            let json = HeaderValue::from_static("application/json; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
        Err(Failed::Body(refusal)) => refusal.into_response().map(Body::from),
        Err(Failed::Gateway(error)) => refused(&error),
    }
}

/// Why a request is not answered as it wants.
enum Failed {
    Body(crate::service::Refusal),
    Gateway(GatewayError),
}

impl<E: Into<GatewayError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Gateway(error.into())
    }
}

async fn notify(
    shared: &Shared,
    mut exchange: Exchange,
) -> Result<(StatusCode, &'static str), Failed> {
    let max_bytes = shared.plan.limits.max_notify_bytes;
    let body = exchange.whole(max_bytes, BODY_WITHIN).await.map_err(Failed::Body)?;
    let request = Request {
        method: exchange.method.clone(),
        path: exchange.request.path().to_owned(),
        querys: parameters::decode(exchange.request.query().unwrap_or_default().as_bytes()),
        headers: exchange.request.headers().clone(),
        body,
    };
    let meant = shared.apis.find(&request)?;
    if meant.api.kind != ApiKind::Notify {
        // The others are for devices, on their lines.
        return Err(GatewayError::NotFound.into());
    }
    if meant.api.is_signed {
        let key = shared.signatures.check(&request, SystemTime::now())?;
        meant.api.allows(key)?;
    }
    Ok(send(shared, &request).await?)
}

/// Takes a notification that may be made from a backend's own line; it is answered by its sequence.
pub(super) fn over_line(line: &Rc<Line>, request: Request, id: String) {
    if line.state.borrow().phase == Phase::New {
        line.enter(Phase::Backend);
    }
    line.state.borrow_mut().notifying += 1;
    line.pause_or_resume();
    let line = Rc::clone(line);
    spawn_local(async move {
        let seq = request.seq();
        let response = match send(&line.shared, &request).await {
            Ok((status, word)) => {
                let mut header = call::header(seq.as_ref(), &id);
                header.push(("content-type".into(), "application/json; charset=utf-8".into()));
                Envelope { status, header, body: said(word).into() }
            }
            Err(error) => call::refusal(&error, seq.as_ref(), &id),
        };
        line.peer.send(response.print());
        line.state.borrow_mut().notifying -= 1;
        line.pause_or_resume();
    });
}

/// Sends the body of a request to the device that it names.
async fn send(
    shared: &Shared,
    request: &Request,
) -> Result<(StatusCode, &'static str), GatewayError> {
    let device = request.header(DEVICE).ok_or(GatewayError::MissingHeader(DEVICE))?;
    let text = std::str::from_utf8(&request.body).map_err(|_| GatewayError::NotText)?;
    if text.len() > shared.plan.limits.max_notify_bytes {
        return Err(GatewayError::NotifyTooLarge(shared.plan.limits.max_notify_bytes));
    }
    match shared.devices.notify(device, text, request.header("idempotency-key")).await {
        Notified::Delivered => Ok((StatusCode::OK, "delivered")),
        Notified::Stored => Ok((StatusCode::ACCEPTED, "stored")),
        Notified::Full => Err(GatewayError::InboxFull),
        Notified::Unknown => Err(GatewayError::NoDevice),
    }
}

fn said(word: &str) -> String {
    format!("{{\"result\":\"{word}\"}}")
}

/// An error, as HTTP has it.
fn refused(error: &GatewayError) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from(format!("{error}\n"))));
    *response.status_mut() = error.status();
    let mut say = |name: &'static str, value: &str| {
        // What a caller wrote is in the message, and may be no header.
        let plain: String = value.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
        let value = HeaderValue::from_str(&plain).expect("visible characters of ASCII");
        let headers: &mut HeaderMap = response.headers_mut();
        headers.insert(HeaderName::from_static(name), value);
    };
    say("x-ca-error-code", error.code());
    say("x-ca-error-message", &error.to_string());
    say("content-type", "text/plain; charset=utf-8");
    response
}
