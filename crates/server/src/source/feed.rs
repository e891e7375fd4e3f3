//! What a reader says to those who look.

use std::sync::Arc;
use std::time::Duration;

use tieline::Message;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::filter::Filter;
use super::format::{Format, Written};
use super::line::Line;
use super::state::State;
use crate::members::{Full, Members, Turn};

/// Most lines, and about as many bytes, that are said at a time.
const CHUNK_LINES: usize = 1_000;
const CHUNK_BYTES: usize = 64 << 10;

/// How long a worker that does not keep up is waited for, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(5);

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
                say_now(turn, message.as_ref());
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
            let chunk = left.split_at(chunk_len(left));
            left = chunk.1;
            self.say_chunk(name, chunk.0).await;
            // A flood leaves the worker to others now and then.
            yield_now().await;
        }
    }

    /// Something was missed.
    pub(crate) fn gap(&self, name: &str, reason: &str) {
        self.turn(|turn| say_now(turn, self.format.gap(name, reason).as_ref()));
    }

    /// Nothing comes, and why: told once, and to newcomers, until lines come or it [is
    /// over](Self::well).
    pub(crate) fn trouble(&self, name: &str, reason: &str) {
        self.turn(|turn| {
            if turn.state().set_trouble(name, Some(reason)) {
                say_now(turn, self.format.gap(name, reason).as_ref());
            }
        });
    }

    /// There is no reason any more why nothing comes.
    pub(crate) fn well(&self, name: &str) {
        self.turn(|turn| turn.state().set_trouble(name, None));
    }

    async fn say_chunk(&self, name: &str, lines: &[Line]) {
        let filters = self.members.turn(|turn| {
            let groups = turn.state().groups().iter();
            groups.map(|group| Arc::clone(&group.filter)).collect::<Vec<_>>()
        });
        let written = self.format.lines(name, &lines.iter().collect::<Vec<_>>());
        let mut chunk = Chunk { name, lines, written, said: (0, 0), filtered: Vec::new() };
        for filter in filters {
            chunk.filter(self.format, filter);
            yield_now().await;
        }
        let since = Instant::now();
        loop {
            match self.turn(|turn| chunk.say(turn, self.format)) {
                Some(Err(Full)) if since.elapsed() < PATIENCE => sleep(LOOK_EVERY).await,
                Some(Err(Full)) => {
                    return self.gap(name, "the server is overloaded: lines were left out");
                }
                _ => return,
            }
        }
    }

    /// A turn, while those look for whom the reader was started.
    fn turn<R>(&self, take: impl FnOnce(&mut Turn<'_, State>) -> R) -> Option<R> {
        self.members.turn(|turn| turn.state().is_current(self.era).then(|| take(turn)))
    }
}

impl Chunk<'_> {
    fn filter(&mut self, format: Format, filter: Arc<Filter>) {
        let lines: Vec<_> = self.lines.iter().filter(|line| filter.lets(&line.text)).collect();
        let written = format.lines(self.name, &lines);
        self.filtered.push((filter, written.into_iter().map(|one| one.message).collect()));
    }

    /// Says what is left of it. Those with a filter hear it all at once, in the end.
    fn say(&mut self, turn: &mut Turn<'_, State>, format: Format) -> Result<(), Full> {
        let viewers = |turn: &mut Turn<'_, State>| {
            let groups = turn.state().groups().iter();
            groups.flat_map(|group| &group.viewers).any(|viewer| viewer.is_full())
        };
        if viewers(turn) {
            return Err(Full);
        }
        while let Some(next) = self.written.get(self.said.0) {
            turn.tell_all(next.message.clone())?;
            for line in &self.lines[self.said.1..][..next.lines] {
                turn.state().push(self.name, line.clone());
            }
            self.said = (self.said.0 + 1, self.said.1 + next.lines);
        }
        // Whoever set a filter since then has missed nothing either.
        let known = |filter: &Arc<Filter>, all: &[(Arc<Filter>, Vec<Message>)]| {
            all.iter().position(|(other, _)| Arc::ptr_eq(other, filter))
        };
        let filters: Vec<_> =
            turn.state().groups().iter().map(|group| Arc::clone(&group.filter)).collect();
        for filter in filters {
            if known(&filter, &self.filtered).is_none() {
                self.filter(format, filter);
            }
        }
        for group in turn.state().groups() {
            let at = known(&group.filter, &self.filtered).expect("those missing were added");
            for viewer in &group.viewers {
                self.filtered[at].1.iter().for_each(|message| viewer.send(message));
            }
        }
        Ok(())
    }
}

/// Says something to everybody. Who is on a worker that does not keep up does not hear it.
fn say_now(turn: &mut Turn<'_, State>, message: Option<&Message>) {
    let Some(message) = message else { return };
    let _ = turn.tell_all(message.clone());
    for viewer in turn.state().groups().iter().flat_map(|group| &group.viewers) {
        viewer.send(message);
    }
}

/// How many of the lines are said next: at least one.
fn chunk_len(lines: &[Line]) -> usize {
    let mut bytes = 0;
    let fit = lines.iter().take(CHUNK_LINES).take_while(|line| {
        bytes += line.cost();
        bytes <= CHUNK_BYTES
    });
    fit.count().max(1)
}
