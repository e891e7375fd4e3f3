//! Where the ticket of the server is exchanged for a pass: `POST`, with the ticket as its body.
//!
//! | request               | answer                                       |
//! |-----------------------|----------------------------------------------|
//! | POST with the ticket  | 204, and the pass in a cookie                |
//! | POST otherwise        | 403; a ticket that was used is not good, too |
//! | GET: is my pass good? | 204, or 403                                  |
//! | anything else         | 405                                          |

use std::future::ready;
use std::time::{Duration, SystemTime};

use http::header::{ALLOW, CACHE_CONTROL, SET_COOKIE};
use http::{HeaderValue, Method, Response, StatusCode};
use tracing::{info, warn};

use super::{Accept, Conversation, Refusal, Service};
use crate::auth::{Denied, Ticketed, cookie_name};
use crate::exchange::{Answer, Body, Exchange};
use crate::peer::Peer;
use crate::request::Request;

/// More than any ticket has, in bytes.
const MAX_BYTES: usize = 1 << 10;

/// How long a ticket may take to arrive.
const WITHIN: Duration = Duration::from_secs(10);

/// Exchanges the ticket of the server.
#[derive(Debug)]
pub(crate) struct TicketOffice(Ticketed);

impl TicketOffice {
    pub(crate) const fn new(ticketed: Ticketed) -> Self {
        Self(ticketed)
    }

    fn lets_in(&self, request: &Request) -> bool {
        self.0.lets_in(request.headers(), request.host())
    }
}

impl Service for TicketOffice {
    fn admit(&self, _request: &Request) -> Result<Accept, Refusal> {
        Err(Refusal::new(StatusCode::NOT_FOUND, "there is no WebSocket service at this path"))
    }

    fn answers(&self, _method: &Method) -> bool {
        true
    }

    fn answer(&self, exchange: Exchange) -> Answer {
        let answer = match exchange.method {
            Method::POST => {
                let ticketed = self.0.clone();
                return Box::pin(async move {
                    exchanged(&ticketed, exchange).await.unwrap_or_else(refused)
                });
            }
            Method::GET | Method::HEAD if self.lets_in(&exchange.request) => nothing(),
            Method::GET | Method::HEAD => refused(Denied::NoPass.refusal()),
            _ => {
                let reason = "a ticket is POSTed";
                let mut refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, reason);
                refusal.headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
                refused(refusal)
            }
        };
        Box::pin(ready(answer))
    }

    fn open(&self, _peer: &Peer, _request: &Request) -> Box<dyn Conversation> {
        unreachable!("it admits nobody")
    }
}

async fn exchanged(ticketed: &Ticketed, mut exchange: Exchange) -> Result<Response<Body>, Refusal> {
    let body = exchange.whole(MAX_BYTES, WITHIN).await?;
    let request = &exchange.request;
    let ticket = str::from_utf8(&body).unwrap_or_default();
    let Some(pass) = ticketed.tickets.exchange(ticket, SystemTime::now()) else {
        warn!(from = %request.name(), "a ticket that is not good, or was used already");
        let reason = "this ticket is not good, or was used already: start the server again";
        return Err(Refusal::new(StatusCode::FORBIDDEN, reason));
    };
    info!(from = %request.name(), "the ticket was exchanged");
    let name = cookie_name(request.host());
    let secure = if request.is_secure() { "; Secure" } else { "" };
    // Without an end of its own: it goes with the browser, and its time is judged here.
    let cookie = format!("{name}={pass}; Path=/; HttpOnly; SameSite=Strict{secure}");
    let cookie = HeaderValue::try_from(cookie).expect("digits and letters: made here");
    let mut response = nothing();
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

/// 204.
fn nothing() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refused(refusal: Refusal) -> Response<Body> {
    let mut response = refusal.into_response().map(Body::from);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
