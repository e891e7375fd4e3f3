//! One request to an upstream, and what becomes of it until the answer's head is there.

use std::error::Error as _;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::time::Instant;

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use hyper::body::{Body, Incoming};
use tokio::select;
use tokio::time::sleep_until;

use super::Tunnel;
use super::dial::{Sender, connect};
use super::fault::Fault;
use super::path::rewrite;
use super::plan::{Plan, Target};
use super::pool;
use super::upload::{Progress, Upload};
use super::upstream::Open;
use crate::request;

/// What is asked, of whichever upstream it will be.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    /// `None` while a connection has it.
    pub(super) body: Option<Upload>,
    /// Whether it must have a connection of its own, which is not used again.
    pub(super) is_upgrade: bool,
}

/// An answer whose body is still to come.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) response: Response<Incoming>,
    pub(super) sender: Sender,
    pub(super) open: Open,
}

/// How a try on one connection ended.
enum Tried {
    Answered(Response<Incoming>, Sender),
    Failed(Fault),
    /// The connection had ended while nobody used it: nothing was done.
    Stale,
}

impl Asking {
    /// Whether it may be done twice, and there is nothing to send twice (RFC 9110 §9.2.2).
    fn is_repeatable(&self, body: &Upload) -> bool {
        self.method.is_idempotent() && body.is_end_stream() && !self.is_upgrade
    }

    fn request(&self, to: &Uri, target: &Target, plan: &Plan, body: Upload) -> Request<Upload> {
        let mut headers = self.headers.clone();
        if let Some(host) = &plan.host {
            headers.insert(HOST, host.clone());
        }
        headers.entry(HOST).or_insert_with(|| {
            HeaderValue::from_str(target.authority.as_str()).expect("an authority is a value")
        });
        // Its length as it was understood here, so that nobody understands another one.
        headers.remove(CONTENT_LENGTH);
        if let Some(len) = body.size_hint().exact().filter(|len| *len > 0) {
            headers.insert(CONTENT_LENGTH, len.into());
        } else if body.is_end_stream() && matches!(self.method, Method::POST | Method::PUT) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = to.clone();
        *request.headers_mut() = headers;
        request
    }
}

impl Tunnel {
    /// Asks upstreams until one has taken the request: another one only while nothing was said.
    pub(super) async fn ask(
        &self,
        mut asking: Asking,
        asked: &request::Request,
    ) -> Result<Answered, Fault> {
        let mut tried = Vec::new();
        let mut last = None;
        loop {
            let open = match self.choice.next(&tried, Instant::now()) {
                Ok(open) => open,
                Err(fault) => return Err(last.unwrap_or(fault)),
            };
            tried.push(open.0.id);
            let target = &open.0.target;
            let to = rewrite(asked.path(), asked.query(), &self.plan.strip_prefix, target)?;
            match self.ask_one(&mut asking, &to, &open).await {
                Ok((response, sender)) => return Ok(Answered { response, sender, open }),
                Err(fault) => {
                    if fault.is_upstreams() {
                        open.0.failed(&fault, Instant::now());
                    }
                    if !fault.is_before_request() {
                        return Err(fault);
                    }
                    last = Some(fault);
                }
            }
        }
    }

    async fn ask_one(
        &self,
        asking: &mut Asking,
        to: &Uri,
        open: &Open,
    ) -> Result<(Response<Incoming>, Sender), Fault> {
        let upstream = &open.0;
        while !asking.is_upgrade {
            let Some(sender) = pool::take(upstream.id) else { break };
            match self.try_on(sender, asking, to, open, true).await {
                Tried::Answered(response, sender) => return Ok((response, sender)),
                Tried::Failed(fault) => return Err(fault),
                Tried::Stale => {}
            }
        }
        let Plan { connect_within, answer_within, .. } = *self.plan;
        let sender = connect(&upstream.target, connect_within, answer_within).await?;
        match self.try_on(sender, asking, to, open, false).await {
            Tried::Answered(response, sender) => Ok((response, sender)),
            Tried::Failed(fault) => Err(fault),
            Tried::Stale => unreachable!("a connection of its own is not stale"),
        }
    }

    async fn try_on(
        &self,
        mut sender: Sender,
        asking: &mut Asking,
        to: &Uri,
        open: &Open,
        is_used: bool,
    ) -> Tried {
        let body = asking.body.take().expect("nobody has it but who tries");
        let is_repeatable = asking.is_repeatable(&body);
        let progress = Rc::clone(&body.progress);
        progress.begin();
        let request = asking.request(to, &open.0.target, &self.plan, body);
        let within = self.plan.answer_within;
        let mut sending = pin!(sender.try_send_request(request));
        let answer = loop {
            let deadline = progress.deadline(within);
            select! {
                biased;
                answer = sending.as_mut() => break answer,
                () = sleep_until(deadline) => {}
            }
            if progress.deadline(within) <= tokio::time::Instant::now() {
                return Tried::Failed(if progress.waits_for_client.get() {
                    Fault::BodyLate(within)
                } else {
                    Fault::Late(within)
                });
            }
        };
        match answer {
            Ok(response) => Tried::Answered(response, sender),
            Err(mut error) => {
                if let Some(request) = error.take_message().filter(|_| is_used) {
                    asking.body = Some(request.into_body());
                    return Tried::Stale;
                }
                let error = error.into_error();
                if is_used && is_repeatable && is_lost(&error) {
                    asking.body = Some(Upload::empty());
                    return Tried::Stale;
                }
                Tried::Failed(self.blame(error, &progress))
            }
        }
    }

    fn blame(&self, error: hyper::Error, progress: &Progress) -> Fault {
        if progress.is_too_large.get() {
            Fault::BodyTooLarge { limit: self.plan.max_body_bytes }
        } else if error.is_user() {
            Fault::BodyBroken
        } else if is_stuck(&error) {
            Fault::Late(self.plan.answer_within)
        } else {
            Fault::Broken(error)
        }
    }
}

/// Whether the upstream took nothing for too long.
fn is_stuck(error: &hyper::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::TimedOut)
}

/// Whether the connection ended before a byte of the answer.
fn is_lost(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_canceled() || error.is_closed()
}
