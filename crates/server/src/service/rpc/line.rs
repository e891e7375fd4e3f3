//! One peer's line: its calls in flight, its subscriptions, and the calls that it has to answer.
//!
//! ```text
//!           ┌─ answered at once ──────────────────────┐
//! a call ───┤                                         ├─▶ the answer ─▶ what it subscribed begins
//!           └─ a task, which holds a place on the line ┘
//! ```
//!
//! When all places are held nothing more is read. A call of ours that the peer has not answered gives
//! a place back for so long: its answer must be read.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Waker};

use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, spawn_local};

use super::call_error::CallError;
use super::error::RpcError;
use super::renewing::Renewing;
use super::request::Answer;
use super::spoken::Spoken;
use super::subscriptions::{SubscriptionId, Subscriptions};
use super::written;
use crate::config::RpcLimits;
use crate::peer::Peer;
use crate::request::Request;

/// What is kept for a peer.
pub(crate) struct Line {
    peer: Peer,
    limits: Arc<RpcLimits>,
    in_flight: Cell<usize>,
    is_paused: Cell<bool>,
    /// The calls that are not answered yet; dropped with the line.
    tasks: RefCell<HashMap<u64, AbortHandle>>,
    /// The calls of ours that the peer has not answered.
    asked: RefCell<HashMap<u64, oneshot::Sender<ClientAnswer>>>,
    /// The last number given to a task or a call of ours.
    last: Cell<u64>,
    pub(crate) subscriptions: Subscriptions,
    /// What a newer token is judged by, where the identity of the peer is known.
    pub(crate) renewing: Option<Renewing>,
    /// Whether the peer has logged in, where that makes a difference.
    pub(crate) has_logged_in: Cell<bool>,
    /// Whether the peer has asked to be told of gaps in its subscriptions.
    pub(crate) hears_gaps: Rc<Cell<bool>>,
}

type ClientAnswer = Result<Box<RawValue>, RpcError>;

/// A call of ours that is not answered; given up when it is dropped.
pub(crate) struct Awaited {
    line: Weak<Line>,
    id: u64,
    answer: oneshot::Receiver<ClientAnswer>,
}

/// A place among the calls in flight, given back when it is dropped.
struct Place(Rc<Line>, u64);

impl Line {
    pub(crate) fn new(peer: &Peer, request: &Request, limits: &Arc<RpcLimits>) -> Rc<Self> {
        Rc::new(Self {
            peer: peer.clone(),
            limits: Arc::clone(limits),
            in_flight: Cell::default(),
            is_paused: Cell::default(),
            tasks: RefCell::default(),
            asked: RefCell::default(),
            last: Cell::default(),
            subscriptions: Subscriptions::default(),
            renewing: Renewing::of(request),
            has_logged_in: Cell::default(),
            hears_gaps: Rc::default(),
        })
    }

    pub(crate) const fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(crate) fn limits(&self) -> &RpcLimits {
        &self.limits
    }

    /// Works on something that the peer asked for. What is done at once is done when this returns;
    /// the rest is a task, which ends with the line.
    pub(crate) fn work(self: &Rc<Self>, work: impl Future<Output = ()> + 'static) {
        let number = self.next();
        let place = Place(Rc::clone(self), number);
        self.in_flight.set(self.in_flight.get() + 1);
        self.pause_or_resume();
        let mut work: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async move {
            let _place = place;
            work.await;
        });
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            let task = spawn_local(work).abort_handle();
            self.tasks.borrow_mut().insert(number, task);
        }
    }

    /// The answer was sent: what it subscribed begins.
    pub(crate) fn begin(&self, ids: impl IntoIterator<Item = SubscriptionId>) {
        self.subscriptions.begin(ids, &self.peer, &self.hears_gaps);
    }

    /// Answers the peer; what it subscribed to begins behind the answer.
    pub(crate) fn say(&self, spoken: Spoken) {
        if let Some(text) = spoken.text {
            self.peer.reply(text);
        }
        self.begin(spoken.begins);
    }

    /// Calls the peer.
    pub(crate) fn call_client(
        self: &Rc<Self>,
        method: &str,
        params: &RawValue,
    ) -> Result<Awaited, CallError> {
        if self.peer.is_closing() {
            return Err(CallError::Gone);
        }
        if self.asked.borrow().len() >= self.limits.max_client_calls {
            return Err(CallError::TooMany);
        }
        let (id, (sender, answer)) = (self.next(), oneshot::channel());
        self.asked.borrow_mut().insert(id, sender);
        self.pause_or_resume();
        self.peer.send(written::call(id, method, params));
        Ok(Awaited { line: Rc::downgrade(self), id, answer })
    }

    /// Takes the answer to a call of ours; whether there was one of this id.
    pub(crate) fn hear(&self, answer: Answer) -> bool {
        let asked = answer.id.number().and_then(|id| self.asked.borrow_mut().remove(&id));
        let Some(asked) = asked else { return false };
        self.pause_or_resume();
        // Whoever asked may have given up.
        let _ = asked.send(answer.result.map_err(|error| RpcError::read(&error)));
        true
    }

    /// The last call: nothing is worked on or waited for any more.
    pub(crate) fn close(&self) {
        let tasks = std::mem::take(&mut *self.tasks.borrow_mut());
        tasks.into_values().for_each(|task| task.abort());
        self.asked.take();
        self.subscriptions.clear();
    }

    fn next(&self) -> u64 {
        self.last.set(self.last.get() + 1);
        self.last.get()
    }

    fn pause_or_resume(&self) {
        let working = self.in_flight.get().saturating_sub(self.asked.borrow().len());
        let is_full = working >= self.limits.max_in_flight;
        match (is_full, self.is_paused.replace(is_full)) {
            (true, false) => self.peer.pause(),
            (false, true) => self.peer.resume(),
            _ => {}
        }
    }
}

impl Awaited {
    /// What the peer answers; `None` once it is gone.
    pub(crate) async fn answer(mut self) -> Option<ClientAnswer> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(line) = self.line.upgrade() {
            let was_there = line.asked.borrow_mut().remove(&self.id).is_some();
            if was_there {
                line.pause_or_resume();
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Self(line, number) = self;
        // Borrowed by nobody: a task that is aborted with its line was taken out before.
        line.tasks.borrow_mut().remove(number);
        line.in_flight.set(line.in_flight.get() - 1);
        line.pause_or_resume();
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("peer", &self.peer.id()).finish_non_exhaustive()
    }
}
