//! The lines to a node: kept open, and opened anew where they are lost.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use futures_util::future::join_all;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::keeper::{Bounds, Keeper};
use super::line::{self, Kept, Line};
use super::options::Options;
use super::subscription::{Everywhere, Subscription, subscribe};
use super::transport::{self, Lost};
use crate::backoff::Backoff;
use crate::causes::Causes;
use crate::service::rpc::counts::NodeCounts;
use crate::service::rpc::error::RpcError;

/// All lines to a node, and the subscriptions on the first.
#[derive(Debug)]
pub(super) struct Lines {
    /// Those that are open.
    open: watch::Sender<Vec<(usize, Line)>>,
    kept: Arc<Kept>,
    everywhere: Everywhere,
    counts: NodeCounts,
}

impl Lines {
    /// None is opened before [`run`](Self::run). The numbers of what is asked come from `ids`.
    pub(super) fn new(options: &Options, ids: Arc<AtomicU64>, counts: NodeCounts) -> Self {
        let bounds = Bounds {
            fill_blocks: options.fill_blocks,
            max_feeds: options.max_subscriptions,
            answer_within: options.timeout,
        };
        let kept = Arc::new(Kept::new(Keeper::new(bounds, ids), counts.subscriptions.clone()));
        let everywhere = Everywhere::new(counts.subscribers.clone());
        Self { open: watch::Sender::default(), kept, everywhere, counts }
    }

    /// Keeps them open, for ever.
    pub(super) async fn run(&self, options: &Options) {
        join_all((0..options.lines).map(|number| self.keep(number, options))).await;
    }

    /// Subscribes on the worker that this runs on, to what has this name.
    pub(super) async fn subscribe(
        &self,
        name: Arc<str>,
        namespace: &str,
        params: &RawValue,
    ) -> Result<Subscription, RpcError> {
        subscribe(&self.everywhere, &self.kept, name, namespace, params).await
    }

    /// The one with the fewest calls, if one is open.
    pub(super) fn least_loaded(&self) -> Option<Line> {
        let open = self.open.borrow();
        open.iter().map(|(_, line)| line).min_by_key(|line| line.load()).cloned()
    }

    /// Waits until a line is open.
    pub(super) async fn wait(&self) -> Line {
        let mut open = self.open.subscribe();
        loop {
            if let Some(line) = self.least_loaded() {
                return line;
            }
            // The sender is ours, and lives as long as this is borrowed.
            let _ = open.changed().await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<(usize, Line)>)) {
        self.open.send_modify(|open| {
            change(open);
            self.counts.lines_open.set(open.len() as i64);
            self.counts.up.set((!open.is_empty()).into());
        });
    }

    /// Keeps one line open, for ever. The first carries the subscriptions.
    async fn keep(&self, number: usize, options: &Options) {
        let kept = (number == 0).then_some(&*self.kept);
        let node = &options.address;
        let mut backoff = Backoff::new(options.waits());
        let mut was_open = false;
        loop {
            let lost = match timeout(options.timeout, transport::open(options)).await {
                Err(_) => None,
                Ok(Err(lost)) => Some(lost),
                Ok(Ok(halves)) => {
                    let since = Instant::now();
                    if std::mem::replace(&mut was_open, true) {
                        self.counts.reconnects.inc();
                    }
                    info!(%node, line = number, "the line to the node is open");
                    let (line, calls) = Line::new(options.max_calls);
                    if let Some(kept) = kept {
                        kept.with(|keeper| keeper.line_up(Instant::now()));
                    }
                    self.change(|open| open.push((number, line.clone())));
                    let mut open = Open { lines: self, number, line: &line, lost: Lost::Closed };
                    open.lost = line::run(&line, calls, kept, halves).await;
                    backoff.went_well(since.elapsed());
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
        self.lines.change(|open| open.retain(|(other, _)| *other != self.number));
        if self.number == 0 {
            let is_too_big = matches!(self.lost, Lost::TooBig(_));
            self.lines.kept.with(|keeper| keeper.line_down(is_too_big, Instant::now()));
        }
        self.line.lost(&self.lost);
    }
}
