//! A call to the node, said until it is answered or may not be said again.

use std::error::Error;
use std::sync::atomic::Ordering;

use serde_json::value::RawValue;
use tokio::time::sleep;

use super::Shared;
use super::backoff::Backoff;
use super::http::{Failure, Http};
use super::line::Unanswered;
use super::lines::Lines;
use super::message::{Answer, request};
use super::methods;
use super::transport::Lost;
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

impl Call<'_> {
    pub(super) async fn over(&self, lines: &Lines) -> Answer {
        let mut too_big = 0;
        loop {
            let line = match lines.least_loaded() {
                Some(line) => line,
                None if self.is_repeatable() => lines.wait().await,
                None => return Err(self.not_sent(&Lost::Away)),
            };
            let (id, text) = self.text();
            match line.call(id, text).await {
                Ok(answer) => return answer,
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

    pub(super) async fn over_http(&self, http: &Http) -> Answer {
        let mut backoff = Backoff::new(self.shared.options.longest_wait);
        loop {
            let (id, text) = self.text();
            match http.call(id, text).await {
                Ok(answer) => return answer,
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

    fn not_sent(&self, why: &dyn Error) -> RpcError {
        let message = format!("{why}: {} was not sent", self.method);
        RpcError::new(RpcError::DEFAULT, message)
    }

    fn unknown(&self, why: &dyn Error) -> RpcError {
        let message = match self.is_repeatable() {
            true => why.to_string(),
            false => format!("{why}: {} may or may not have been carried out", self.method),
        };
        RpcError::new(RpcError::DEFAULT, message)
    }
}

fn too_large(limit: usize) -> RpcError {
    let message = format!("response too large: more than {limit} bytes");
    RpcError::new(RpcError::TOO_LARGE, message)
}
