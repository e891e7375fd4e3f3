//! What is asked of all workers about the lines that their engines carry.
//!
//! ```text
//! operator ─▶ Order::Survey to every worker ─▶ the engine shows all its links ─▶ Question::see
//!     └──────────────── the answers, one of each worker ◀── Question::answer ◀──┘
//! ```

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tieline::serve::{LinkId, Tap, Traffic};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::inbox::{Inbox, Order};
use crate::peer_id::PeerId;
use crate::workers::Workers;

/// How long all workers together may take to answer.
const WITHIN: Duration = Duration::from_secs(2);

/// What one worker is asked.
#[derive(Debug)]
pub(crate) struct Question {
    wanted: Wanted,
    found: Vec<OpenLine>,
    told: mpsc::UnboundedSender<Answer>,
}

/// Which lines are asked for.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    /// So many with ids behind this one.
    After(Option<PeerId>, usize),
    One(PeerId),
}

/// What a worker answers.
#[derive(Debug)]
enum Answer {
    Links(Vec<OpenLine>),
    /// It has the one that was asked for, and no engine carries it.
    Task,
}

/// A line that an engine carries.
#[derive(Clone, Debug)]
pub(crate) struct OpenLine {
    pub(crate) id: PeerId,
    pub(crate) link: LinkId,
    /// Its worker's.
    pub(crate) inbox: Inbox,
    pub(crate) listener: Arc<str>,
    pub(crate) route: Arc<str>,
    /// The other end of its connection; `None` over a Unix socket.
    pub(crate) from: Option<SocketAddr>,
    /// How long it has been open.
    pub(crate) age_ms: u64,
    pub(crate) traffic: Traffic,
    /// What waits for its peer, in bytes.
    pub(crate) waiting_bytes: usize,
}

/// One line that was asked for.
#[derive(Debug)]
pub(crate) enum Found {
    Link(Box<OpenLine>),
    /// A task carries it.
    Task,
    Nowhere,
}

/// A worker does not answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Silent;

/// The first lines with ids behind this one, so many at most, in the order of their ids.
pub(crate) async fn list(
    workers: &Workers,
    after: Option<PeerId>,
    most: usize,
) -> Result<Vec<OpenLine>, Silent> {
    let answers = ask(workers, Wanted::After(after, most)).await?;
    let links = answers.into_iter().flat_map(|answer| match answer {
        Answer::Links(links) => links,
        Answer::Task => Vec::new(),
    });
    let mut links: Vec<_> = links.collect();
    keep_first(&mut links, most);
    Ok(links)
}

/// One line.
pub(crate) async fn find(workers: &Workers, id: PeerId) -> Result<Found, Silent> {
    for answer in ask(workers, Wanted::One(id)).await? {
        match answer {
            Answer::Task => return Ok(Found::Task),
            Answer::Links(links) => {
                if let Some(link) = links.into_iter().next() {
                    return Ok(Found::Link(Box::new(link)));
                }
            }
        }
    }
    Ok(Found::Nowhere)
}

async fn ask(workers: &Workers, wanted: Wanted) -> Result<Vec<Answer>, Silent> {
    let (told, mut heard) = mpsc::unbounded_channel();
    for inbox in workers.all() {
        let question = Question { wanted, found: Vec::new(), told: told.clone() };
        inbox.give(Order::Survey(Box::new(question)));
    }
    // The last question that goes, answered or not, ends it.
    drop(told);
    let all = async {
        let mut answers = Vec::new();
        while let Some(answer) = heard.recv().await {
            answers.push(answer);
        }
        answers
    };
    timeout(WITHIN, all).await.map_err(|_| Silent)
}

impl Question {
    /// Whether it is about one of these peers.
    pub(crate) fn is_about_one_of<T>(&self, peers: &HashMap<PeerId, T>) -> bool {
        matches!(&self.wanted, Wanted::One(id) if peers.contains_key(id))
    }

    /// The peer it is about is carried by a task.
    pub(crate) fn answer_task(self) {
        // Whoever asked may have gone.
        let _ = self.told.send(Answer::Task);
    }

    /// Sees one of the links of the worker.
    pub(crate) fn see(&mut self, peer: PeerId, line: impl FnOnce() -> OpenLine) {
        match self.wanted {
            Wanted::One(id) if id == peer => self.found.push(line()),
            Wanted::After(after, most) if after.is_none_or(|after| peer > after) => {
                self.found.push(line());
                if self.found.len() >= 2 * most.max(64) {
                    keep_first(&mut self.found, most);
                }
            }
            Wanted::One(_) | Wanted::After(..) => {}
        }
    }

    /// All links were seen.
    pub(crate) fn answer(self) {
        // As above.
        let _ = self.told.send(Answer::Links(self.found));
    }
}

impl OpenLine {
    /// Has whoever holds the other end of the tap see what goes over it.
    pub(crate) fn tap(&self, tap: Tap) {
        self.inbox.give(Order::Tap(self.link, Box::new(tap)));
    }
}

fn keep_first(lines: &mut Vec<OpenLine>, most: usize) {
    lines.sort_unstable_by_key(|line| line.id);
    lines.truncate(most);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::Bench;

    #[tokio::test]
    async fn what_no_engine_carries_is_told_apart_from_what_is_not_there() {
        let (mut bench, workers) = (Bench::new(), Workers::default());
        workers.join(bench.inbox());
        let peer = bench.peer();
        for (id, is_there) in [(peer.id(), true), (PeerId::of(u64::MAX), false)] {
            let (found, ()) = tokio::join!(find(&workers, id), async { bench.deliver() });
            let expected = if is_there { "Task" } else { "Nowhere" };
            assert_eq!(format!("{:?}", found.unwrap()), expected);
        }
        let (found, ()) = tokio::join!(list(&workers, None, 10), async { bench.deliver() });
        assert!(found.unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_does_not_answer_is_not_waited_for_for_ever() {
        let (bench, workers) = (Bench::new(), Workers::default());
        workers.join(bench.inbox());
        list(&workers, None, 10).await.unwrap_err();
    }
}
