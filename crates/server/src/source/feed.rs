//! What a reader says to those who look.

use std::sync::Arc;
use std::time::Duration;

use tieline::Message;
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::{Instant, sleep};
use tracing::info;

use super::filter::Filter;
use super::format::{Format, Written, chunk_len};
use super::line::Line;
use super::state::State;
use crate::members::{Full, Members, Turn};

/// How long a worker that does not keep up is waited for, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How often lines wait for filters that were set meanwhile: nobody can keep the others waiting by
/// setting one after the other.
const FILTER_ROUNDS: usize = 3;

/// The side of a source that its reader has.
#[derive(Debug)]
pub(crate) struct Feed {
    members: Arc<Members<State>>,
    format: Format,
    era: u64,
    /// Which of the source's readers it is.
    reader: usize,
}

/// Lines that are being said.
struct Chunk<'a> {
    name: &'a str,
    lines: &'a [Line],
    /// For those without a filter.
    written: Vec<Written>,
    /// Messages, and lines, that were said.
    said: (usize, usize),
    /// What each filter lets through.
    filtered: Vec<(Arc<Filter>, Vec<Message>)>,
    /// How often more may be waited for.
    rounds: usize,
}

/// Why lines are not said yet.
enum Wait {
    /// What these filters let through is not known.
    Filters(Vec<Arc<Filter>>),
    /// A worker does not keep up.
    Full,
}

impl Feed {
    pub(super) fn new(
        members: &Arc<Members<State>>,
        format: Format,
        era: u64,
        reader: usize,
    ) -> Self {
        Self { members: Arc::clone(members), format, era, reader }
    }

    /// The names under which the reader has something to say, all of them.
    pub(crate) fn set_names(&self, names: &[Arc<str>]) {
        self.turn(|turn| {
            if turn.state().set_names(self.reader, names) {
                let message = self.format.sources(&turn.state().names());
                say_now(turn, message);
            }
        });
    }

    /// Says lines, in order. It waits for workers that do not keep up, but not for long.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves out the lines that were not said.
    pub(crate) async fn say(&self, name: &str, lines: &[Line]) {
        let mut left = lines;
        while !left.is_empty() {
            let chunk = left.split_at(chunk_len(left.iter()));
            left = chunk.1;
            self.say_chunk(name, chunk.0).await;
            // A flood leaves the worker to others now and then.
            yield_now().await;
        }
    }

    /// Something was missed.
    pub(crate) fn gap(&self, name: &str, reason: &str) {
        info!(source = name, reason, "lines may be missing");
        self.turn(|turn| say_now(turn, self.format.gap(name, reason)));
    }

    /// Nothing comes, and why: told once, and to newcomers, until lines come or it [is
    /// over](Self::well).
    pub(crate) fn trouble(&self, name: &str, reason: &str) {
        self.turn(|turn| {
            if turn.state().set_trouble(name, Some(reason)) {
                info!(source = name, reason, "nothing comes");
                say_now(turn, self.format.gap(name, reason));
            }
        });
    }

    /// There is no reason any more why nothing comes.
    pub(crate) fn well(&self, name: &str) {
        self.turn(|turn| turn.state().set_trouble(name, None));
    }

    async fn say_chunk(&self, name: &str, lines: &[Line]) {
        let written = self.format.lines(name, &lines.iter().collect::<Vec<_>>());
        let (said, filtered, rounds) = ((0, 0), Vec::new(), FILTER_ROUNDS);
        let mut chunk = Chunk { name, lines, written, said, filtered, rounds };
        let mut since = Instant::now();
        loop {
            match self.turn(|turn| chunk.say(turn, self.format)) {
                None | Some(Ok(())) => return,
                Some(Err(Wait::Filters(filters))) => {
                    chunk.filter(self.format, filters).await;
                    since = Instant::now();
                }
                Some(Err(Wait::Full)) if since.elapsed() < PATIENCE => sleep(LOOK_EVERY).await,
                Some(Err(Wait::Full)) => {
                    return self.gap(name, "the server is overloaded: lines were left out");
                }
            }
        }
    }

    /// A turn, while those look for whom the reader was started.
    fn turn<R>(&self, take: impl FnOnce(&mut Turn<'_, State>) -> R) -> Option<R> {
        self.members.turn(|turn| turn.state().is_current(self.era).then(|| take(turn)))
    }
}

impl Chunk<'_> {
    /// Finds out what these filters let through, on a thread that they cannot keep from others.
    async fn filter(&mut self, format: Format, filters: Vec<Arc<Filter>>) {
        self.rounds -= 1;
        let (name, lines, asked) = (self.name.to_owned(), self.lines.to_vec(), filters.clone());
        let filter = move |filter: Arc<Filter>| {
            let through: Vec<_> = lines.iter().filter(|line| filter.lets(&line.text)).collect();
            let written = format.lines(&name, &through);
            (filter, written.into_iter().map(|one| one.message).collect::<Vec<_>>())
        };
        let filtered = spawn_blocking(move || filters.into_iter().map(filter).collect()).await;
        // There is no answer when the server ends, and then nobody waits for it either.
        let none = || asked.into_iter().map(|filter| (filter, Vec::new())).collect::<Vec<_>>();
        self.filtered.extend(filtered.unwrap_or_else(|_| none()));
    }

    /// Says what is left of it. Those with a filter hear it all at once, in the end.
    fn say(&mut self, turn: &mut Turn<'_, State>, format: Format) -> Result<(), Wait> {
        // Whoever set a filter since the last look has missed nothing either.
        let is_known = |filter: &Arc<Filter>| self.filtered.iter().any(|it| is(filter, it));
        let groups = turn.state().groups().iter().map(|group| &group.filter);
        let unknown: Vec<_> = groups.filter(|filter| !is_known(filter)).cloned().collect();
        if !unknown.is_empty() && self.rounds > 0 {
            return Err(Wait::Filters(unknown));
        }
        pay(turn)?;
        if is_full(turn) {
            return Err(Wait::Full);
        }
        while let Some(next) = self.written.get(self.said.0) {
            turn.tell_all(next.message.clone())?;
            for line in &self.lines[self.said.1..][..next.lines] {
                turn.state().push(self.name, line.clone());
            }
            self.said = (self.said.0 + 1, self.said.1 + next.lines);
        }
        let gap = format.gap(self.name, "filters change too often: lines were left out");
        for group in turn.state().groups() {
            let known = self.filtered.iter().find(|it| is(&group.filter, it));
            let messages = known.map_or(gap.as_slice(), |(_, messages)| messages);
            for viewer in &group.viewers {
                messages.iter().for_each(|message| viewer.send(message));
            }
        }
        Ok(())
    }
}

impl From<Full> for Wait {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

/// Whether this is what the filter lets through.
fn is(filter: &Arc<Filter>, (other, _): &(Arc<Filter>, Vec<Message>)) -> bool {
    Arc::ptr_eq(filter, other)
}

/// Says something to everybody, now or as soon as all workers keep up.
fn say_now(turn: &mut Turn<'_, State>, message: Option<Message>) {
    if let Some(message) = message {
        turn.state().owe(message);
        // What is owed is said in front of what comes next.
        let _ = pay(turn);
    }
}

/// Says what is owed, as far as all workers keep up.
fn pay(turn: &mut Turn<'_, State>) -> Result<(), Full> {
    while let Some(message) = turn.state().owed().cloned() {
        if is_full(turn) {
            return Err(Full);
        }
        turn.tell_all(message.clone())?;
        for viewer in turn.state().groups().iter().flat_map(|group| &group.viewers) {
            viewer.send(&message);
        }
        turn.state().pay();
    }
    Ok(())
}

/// Whether the worker of someone with a filter does not keep up.
fn is_full(turn: &mut Turn<'_, State>) -> bool {
    let mut viewers = turn.state().groups().iter().flat_map(|group| &group.viewers);
    viewers.any(|viewer| viewer.is_full())
}
