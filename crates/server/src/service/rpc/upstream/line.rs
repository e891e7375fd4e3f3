//! One line to a node while it is open, and the calls that wait for answers on it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::coop::consume_budget;
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

use super::keeper::Keeper;
use super::message::{Answer, Said, read};
use super::transport::{Hearing, Lost, Speaking};

/// How often it is looked at whether an answer is overdue.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Calls that leave in one write.
const TOGETHER: usize = 64;

/// A line as its callers have it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    waiting: Arc<Waiting>,
    outgoing: mpsc::Sender<String>,
}

/// The calls that wait for an answer, by their numbers; `None` once the line is lost.
#[derive(Debug)]
struct Waiting(Mutex<Option<HashMap<u64, Reply>>>);

type Reply = oneshot::Sender<Result<Answer, Lost>>;

/// A call does not wait any more, however that came.
struct Leaves<'a>(&'a Waiting, u64);

/// The subscriptions, which are kept on the first line.
#[derive(Debug)]
pub(super) struct Kept {
    keeper: Mutex<Keeper>,
    /// The keeper has something to send.
    has_outgoing: Notify,
    /// How many the node has.
    placed: Gauge,
}

/// Why a call on a line has no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// It was not sent: the line was lost before.
    Unsent,
    /// It was sent, and nobody knows what became of it.
    Lost(Lost),
}

impl Line {
    /// A line that is about to [run](run), and what its callers say on it.
    pub(super) fn new(max_calls: usize) -> (Self, mpsc::Receiver<String>) {
        let (outgoing, calls) = mpsc::channel(max_calls);
        (Self { waiting: Arc::new(Waiting(Mutex::new(Some(HashMap::new())))), outgoing }, calls)
    }

    /// How many calls wait for answers.
    pub(super) fn load(&self) -> usize {
        self.waiting.lock().as_ref().map_or(usize::MAX, HashMap::len)
    }

    /// Makes a call; its text has this number.
    pub(super) async fn call(&self, id: u64, text: String) -> Result<Answer, Unanswered> {
        let (reply, answer) = oneshot::channel();
        let Some(_leaves) = self.waiting.enter(id, reply) else { return Err(Unanswered::Unsent) };
        if self.outgoing.send(text).await.is_err() {
            return Err(Unanswered::Unsent);
        }
        match answer.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(lost)) => Err(Unanswered::Lost(lost)),
            Err(_) => Err(Unanswered::Lost(Lost::Closed)),
        }
    }

    /// The line is lost: all who wait hear why.
    pub(super) fn lost(&self, why: &Lost) {
        let waiting = self.waiting.lock().take();
        for reply in waiting.into_iter().flat_map(HashMap::into_values) {
            // Who does not wait any more need not know.
            let _ = reply.send(Err(why.clone()));
        }
    }

    /// The node answered.
    ///
    /// # Errors
    ///
    /// The answer itself, where no call waits for it.
    fn answered(&self, id: u64, answer: Answer) -> Result<(), Answer> {
        let reply = self.waiting.lock().as_mut().and_then(|waiting| waiting.remove(&id));
        let Some(reply) = reply else { return Err(answer) };
        // As above.
        let _ = reply.send(Ok(answer));
        Ok(())
    }
}

impl Waiting {
    fn enter(&self, id: u64, reply: Reply) -> Option<Leaves<'_>> {
        self.lock().as_mut()?.insert(id, reply);
        Some(Leaves(self, id))
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<u64, Reply>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.0.lock().as_mut() {
            waiting.remove(&self.1);
        }
    }
}

impl Kept {
    pub(super) fn new(keeper: Keeper, placed: Gauge) -> Self {
        Self { keeper: Mutex::new(keeper), has_outgoing: Notify::new(), placed }
    }

    /// Does something with the subscriptions; what that wants to say to the node is sent.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Keeper) -> R) -> R {
        let mut keeper = self.lock();
        let done = act(&mut keeper);
        self.placed.set(keeper.placed() as i64);
        if keeper.has_outgoing() {
            self.has_outgoing.notify_one();
        }
        done
    }

    fn lock(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn outgoing(&self) -> Vec<String> {
        loop {
            let texts = self.lock().take_outgoing();
            if !texts.is_empty() {
                return texts;
            }
            self.has_outgoing.notified().await;
        }
    }
}

/// Speaks and hears until the line is lost, and says why it was. `kept` are the subscriptions, on
/// the line that carries them.
pub(super) async fn run(
    line: &Line,
    calls: mpsc::Receiver<String>,
    kept: Option<&Kept>,
    (speaking, hearing): (Speaking, Hearing),
) -> Lost {
    let ended = tokio::select! {
        ended = speak(speaking, calls, kept) => ended,
        ended = hear(hearing, line, kept) => ended,
        ended = look(kept) => ended,
    };
    let Err(lost) = ended;
    lost
}

async fn speak(
    mut speaking: Speaking,
    mut calls: mpsc::Receiver<String>,
    kept: Option<&Kept>,
) -> Result<Infallible, Lost> {
    let mut texts = Vec::new();
    loop {
        tokio::select! {
            ours = outgoing(kept) => texts = ours,
            count = calls.recv_many(&mut texts, TOGETHER) => if count == 0 {
                return Err(Lost::Closed);
            },
        }
        for text in texts.drain(..) {
            speaking.say(text).await?;
        }
        speaking.flush().await?;
    }
}

async fn outgoing(kept: Option<&Kept>) -> Vec<String> {
    match kept {
        Some(kept) => kept.outgoing().await,
        None => pending().await,
    }
}

async fn hear(mut hearing: Hearing, line: &Line, kept: Option<&Kept>) -> Result<Infallible, Lost> {
    loop {
        let message = hearing.next().await?;
        read(&message, |said| take(said, line, kept))?;
        // Many messages may have come in one read: others have their turn between them.
        consume_budget().await;
    }
}

/// Gives what the node said to whom it concerns.
fn take(said: Said, line: &Line, kept: Option<&Kept>) {
    match (said, kept) {
        (Said::Answer(Some(id), answer), kept) => {
            let answered = line.answered(id, answer).or_else(|answer| match kept {
                Some(kept) => kept.with(|keeper| keeper.answer(id, answer, Instant::now())),
                None => Err(answer),
            });
            if answered.is_err() {
                debug!(id, "the node answers what nobody waits for");
            }
        }
        (Said::Push { subscription, result }, Some(kept)) => {
            kept.with(|keeper| keeper.push(subscription, result, Instant::now()));
        }
        (Said::Answer(None, _) | Said::Push { .. } | Said::Unasked, _) => {
            debug!("the node says what nobody asked for");
        }
    }
}

/// Gives up what is overdue.
async fn look(kept: Option<&Kept>) -> Result<Infallible, Lost> {
    let Some(kept) = kept else { return pending().await };
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        kept.with(|keeper| keeper.overdue(Instant::now()))?;
    }
}
