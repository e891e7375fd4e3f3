//! A call to the node, said until it is answered or may not be said again.

use std::error::Error;
use std::sync::atomic::Ordering;

use serde_json::value::RawValue;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::http::{Failure, Http};
use super::line::Unanswered;
use super::lines::Lines;
use super::message::{Answer, request};
use super::methods;
use super::transport::Lost;
use super::{Shared, Way};
use crate::backoff::Backoff;
use crate::causes::Causes;
use crate::service::rpc::counts::Outcome;
use crate::service::rpc::error::RpcError;

/// How often a call is said again whose line was lost because an answer was too big: it may have
/// been its own.
const MAX_TOO_BIG: usize = 2;

/// One call, however often it is said.
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) params: Option<&'a RawValue>,
    pub(super) shared: &'a Shared,
}

/// A call that the node did not answer: how it is counted, and what the caller is told.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) outcome: Outcome,
    pub(super) error: RpcError,
}

impl Call<'_> {
    /// Makes it, within its time.
    pub(super) async fn make(&self) -> Result<Answer, Failed> {
        let within = self.shared.options.timeout;
        let answer = match &self.shared.way {
            Way::Http(http) => timeout(within, self.over_http(http)).await,
            Way::Lines(lines) => timeout(within, self.over(lines)).await,
        };
        answer.unwrap_or_else(|_| {
            let why = format!("request timed out: the node did not answer within {within:?}");
            let error = RpcError::new(RpcError::TIMED_OUT, why);
            Err(Failed { outcome: Outcome::TimedOut, error })
        })
    }

    async fn over(&self, lines: &Lines) -> Result<Answer, Failed> {
        let mut too_big = 0;
        loop {
            let line = match lines.least_loaded() {
                Some(line) => line,
                None if self.is_repeatable() => lines.wait().await,
                None => return Err(self.not_sent(&Lost::Away)),
            };
            let (id, text) = self.text();
            match line.call(id, text).await {
                Ok(answer) => return Ok(answer),
                Err(Unanswered::Unsent) if !self.is_repeatable() => {
                    return Err(self.not_sent(&Lost::Away));
                }
                Err(Unanswered::Lost(why)) if !self.is_repeatable() => {
                    return Err(self.unknown(&why));
                }
                Err(Unanswered::Lost(Lost::TooBig(limit))) => {
                    too_big += 1;
                    if too_big == MAX_TOO_BIG {
                        return Err(too_large(limit));
                    }
                }
                Err(Unanswered::Unsent | Unanswered::Lost(_)) => {}
            }
        }
    }

    async fn over_http(&self, http: &Http) -> Result<Answer, Failed> {
        let mut backoff = Backoff::new(self.shared.options.waits());
        loop {
            let (id, text) = self.text();
            let answered = http.call(id, text).await;
            self.is_reached(answered.as_ref().err().filter(|failure| failure.is_away()));
            match answered {
                Ok(answer) => return Ok(answer),
                Err(Failure::TooBig(limit)) => return Err(too_large(limit)),
                Err(failure) if failure.may_heal() && self.is_repeatable() => {
                    sleep(backoff.next()).await;
                }
                Err(failure @ Failure::Unreachable(_)) if !self.is_repeatable() => {
                    return Err(self.not_sent(&failure));
                }
                Err(failure) => return Err(self.unknown(&failure)),
            }
        }
    }

    fn text(&self) -> (u64, String) {
        let id = self.shared.ids.fetch_add(1, Ordering::Relaxed);
        (id, request(id, self.method, self.params))
    }

    fn is_repeatable(&self) -> bool {
        let more = &self.shared.options.repeatable;
        methods::is_repeatable(self.method) || more.iter().any(|method| method == self.method)
    }

    /// Takes note of whether the node, which is asked over HTTP, was reached, or why not.
    fn is_reached(&self, failure: Option<&Failure>) {
        let was_up = self.shared.counts.up.set(failure.is_none().into()) == 1;
        let node = &self.shared.options.address;
        match (was_up, failure) {
            (true, Some(failure)) => warn!(%node, error = %Causes(failure), "the node is away"),
            (false, None) => info!(%node, "the node is back"),
            _ => {}
        }
    }

    fn not_sent(&self, why: &dyn Error) -> Failed {
        let message = format!("{why}: {} was not sent", self.method);
        Failed { outcome: Outcome::Unsent, error: RpcError::new(RpcError::DEFAULT, message) }
    }

    fn unknown(&self, why: &dyn Error) -> Failed {
        let message = match self.is_repeatable() {
            true => why.to_string(),
            false => format!("{why}: {} may or may not have been carried out", self.method),
        };
        Failed { outcome: Outcome::Lost, error: RpcError::new(RpcError::DEFAULT, message) }
    }
}

fn too_large(limit: usize) -> Failed {
    let message = format!("response too large: more than {limit} bytes");
    Failed { outcome: Outcome::TooLarge, error: RpcError::new(RpcError::TOO_LARGE, message) }
}
