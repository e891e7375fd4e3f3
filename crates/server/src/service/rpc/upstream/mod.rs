//! A node behind the server: many clients on few lines.
//!
//! ```text
//! call ──────▶ numbered anew ─▶ the line with the fewest calls ─▶ node
//!              raw answer    ◀─ by its number, in any order    ◀─
//! subscribe ─▶ once at the node for all who want the same ─▶ pushes, shared, once to each worker
//! ```
//!
//! | the node is away, and …                      | then                                          |
//! |----------------------------------------------|-----------------------------------------------|
//! | a call only reads                            | it waits for the node, within its time        |
//! | any other call comes                         | -32000 at once: it was not sent               |
//! | a call that only reads was under way         | it is said again to the node that comes back  |
//! | any other call was under way                 | -32000: nobody knows what became of it        |
//! | somebody subscribes                          | it is placed when the node is back, in time   |
//! | subscriptions were there                     | they go on, and what was missed is read or told |

mod backoff;
mod http;
mod keeper;
mod line;
mod message;
mod methods;
#[cfg(test)]
mod node;
mod options;
mod push;
mod same;
mod subscription;
#[cfg(test)]
mod tests;
mod transport;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::future::join_all;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use self::backoff::Backoff;
use self::http::{Failure, Http};
use self::keeper::{Bounds, Keeper};
use self::line::{Kept, Line, Unanswered};
use self::message::{Answer, request};
pub(crate) use self::options::{Address, OnGap, Options};
pub(crate) use self::push::Push;
pub(crate) use self::subscription::Subscription;
use self::subscription::{Everywhere, subscribe};
use self::transport::Lost;
use super::error::RpcError;
use crate::causes::Causes;

/// A node, as all clients of a route share it. Clones are the same node.
#[derive(Clone, Debug)]
pub(crate) struct Upstream(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: Options,
    /// Numbers for everything that the node is asked.
    ids: Arc<AtomicU64>,
    calls: Semaphore,
    way: Way,
}

/// How the node is spoken to.
#[derive(Debug)]
enum Way {
    Http(Http),
    Lines(Lines),
}

#[derive(Debug)]
struct Lines {
    /// Those that are open.
    open: watch::Sender<Vec<(usize, Line)>>,
    kept: Arc<Kept>,
    everywhere: Everywhere,
}

/// How often a call is said again whose line was lost because an answer was too big: it may have
/// been its own.
const MAX_TOO_BIG: usize = 2;

impl Upstream {
    /// A node; nothing is opened before [`run`](Self::run).
    pub(crate) fn new(options: Options) -> Self {
        let ids = Arc::new(AtomicU64::new(1));
        let way = match &options.address {
            Address::Http(url) => Way::Http(Http::new(url, &options)),
            Address::Ipc(_) | Address::WebSocket(_) => {
                let bounds = Bounds {
                    fill_blocks: options.fill_blocks,
                    max_feeds: options.max_subscriptions,
                    answer_within: options.timeout,
                };
                let keeper = Keeper::new(bounds, Arc::clone(&ids));
                let (open, kept) = (watch::Sender::default(), Arc::new(Kept::new(keeper)));
                Way::Lines(Lines { open, kept, everywhere: Everywhere::default() })
            }
        };
        let calls = Semaphore::new(options.max_calls);
        Self(Arc::new(Shared { options, ids, calls, way }))
    }

    /// Keeps the lines open, for ever. One worker does it for all.
    pub(crate) async fn run(&self) {
        if let Way::Lines(lines) = &self.0.way {
            let keep = |number| lines.keep(number, &self.0.options);
            join_all((0..self.0.options.lines).map(keep)).await;
        }
    }

    /// What becomes of a client that misses something and has not asked to be told.
    pub(crate) fn on_gap(&self) -> OnGap {
        self.0.options.on_gap
    }

    /// Makes a call. The answer is the node's, to the letter.
    ///
    /// # Errors
    ///
    /// The node's own error; −32601 for what cannot be had over lines that are shared; −32002 where
    /// it is not answered in time; −32003 where the answer is too big; −32005 where as many calls
    /// as may be are under way; −32000 where the node is away.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future throws the answer away; the call may have been made.
    pub(crate) async fn call(&self, method: &str, params: Option<&RawValue>) -> Answer {
        methods::offered(method)?;
        let shared = &*self.0;
        let Ok(_call) = shared.calls.try_acquire() else {
            let most = shared.options.max_calls;
            return Err(RpcError::limit_exceeded(&format!("{most} calls to the node at a time")));
        };
        let within = shared.options.timeout;
        let call = Call { method, params, shared };
        let answer = match &shared.way {
            Way::Http(http) => timeout(within, call.over_http(http)).await,
            Way::Lines(lines) => timeout(within, call.over(lines)).await,
        };
        answer.unwrap_or_else(|_| {
            let why = format!("request timed out: the node did not answer within {within:?}");
            Err(RpcError::new(RpcError::TIMED_OUT, why))
        })
    }

    /// Subscribes, on the worker that this runs on; `namespace` is what stands before `_subscribe`.
    ///
    /// # Errors
    ///
    /// The node's own error; −32601 where it is reached over HTTP; −32002 where it is not placed in
    /// time; −32005 where there are as many different ones as may be.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes the subscription back.
    pub(crate) async fn subscribe(
        &self,
        namespace: &str,
        params: &RawValue,
    ) -> Result<Subscription, RpcError> {
        let Way::Lines(lines) = &self.0.way else {
            let why = "notifications not supported: the node is reached over HTTP";
            return Err(RpcError::new(RpcError::METHOD_NOT_FOUND, why));
        };
        let within = self.0.options.timeout;
        let placing = subscribe(&lines.everywhere, &lines.kept, namespace, params);
        timeout(within, placing).await.unwrap_or_else(|_| {
            let why = format!("request timed out: the node did not subscribe within {within:?}");
            Err(RpcError::new(RpcError::TIMED_OUT, why))
        })
    }
}

/// One call, however often it is said.
struct Call<'a> {
    method: &'a str,
    params: Option<&'a RawValue>,
    shared: &'a Shared,
}

impl Call<'_> {
    async fn over(&self, lines: &Lines) -> Answer {
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

    async fn over_http(&self, http: &Http) -> Answer {
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

impl Lines {
    fn least_loaded(&self) -> Option<Line> {
        let open = self.open.borrow();
        open.iter().map(|(_, line)| line).min_by_key(|line| line.load()).cloned()
    }

    /// Waits until a line is open.
    async fn wait(&self) -> Line {
        let mut open = self.open.subscribe();
        loop {
            if let Some(line) = self.least_loaded() {
                return line;
            }
            // The sender is ours, and lives as long as this is borrowed.
            let _ = open.changed().await;
        }
    }

    /// Keeps one line open, for ever. The first carries the subscriptions.
    async fn keep(&self, number: usize, options: &Options) {
        let kept = (number == 0).then_some(&*self.kept);
        let node = &options.address;
        let mut backoff = Backoff::new(options.longest_wait);
        loop {
            let lost = match timeout(options.timeout, transport::open(options)).await {
                Err(_) => None,
                Ok(Err(lost)) => Some(lost),
                Ok(Ok(halves)) => {
                    let since = Instant::now();
                    info!(%node, line = number, "the line to the node is open");
                    let (line, calls) = Line::new(options.max_calls);
                    if let Some(kept) = kept {
                        kept.with(|keeper| keeper.line_up(Instant::now()));
                    }
                    self.open.send_modify(|open| open.push((number, line.clone())));
                    let mut open = Open { lines: self, number, line: &line, lost: Lost::Closed };
                    open.lost = line::run(&line, calls, kept, halves).await;
                    backoff.was_open(since.elapsed());
                    Some(open.lost.clone())
                }
            };
            let wait = backoff.next();
            let retry_in_ms = wait.as_millis() as u64;
            match lost {
                Some(lost) => {
                    warn!(%node, line = number, error = %Causes(&lost), retry_in_ms, "no line to the node");
                }
                None => {
                    warn!(%node, line = number, retry_in_ms, "the line to the node does not open in time")
                }
            }
            sleep(wait).await;
        }
    }
}

/// A line that is open; however it ends, nobody is left to wait on it.
struct Open<'a> {
    lines: &'a Lines,
    number: usize,
    line: &'a Line,
    lost: Lost,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.lines.open.send_modify(|open| open.retain(|(other, _)| *other != self.number));
        if self.number == 0 {
            let is_too_big = matches!(self.lost, Lost::TooBig(_));
            self.lines.kept.with(|keeper| keeper.line_down(is_too_big, Instant::now()));
        }
        self.line.lost(&self.lost);
    }
}
