//! What is said at once, alone or in a batch, and the one answer to it: the same whatever carries it.
//!
//! The calls of a batch are answered one after the other. When their answers together are too long,
//! or the time is over, those that are left are told so: -32003, -32002.

use serde_json::value::RawValue;
use tokio::time::Instant;

use super::call::Caller;
use super::dispatch::{Dispatch, Outcome};
use super::error::RpcError;
use super::id::Id;
use super::request::{Ask, Item, Unread};
use super::subscriptions::SubscriptionId;
use super::written;

/// What goes out, and what begins once it has.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    /// `None` where nobody waits for an answer.
    pub(crate) text: Option<String>,
    pub(crate) begins: Vec<SubscriptionId>,
}

impl From<String> for Spoken {
    fn from(text: String) -> Self {
        Self { text: Some(text), begins: Vec::new() }
    }
}

impl Unread {
    /// The one answer.
    pub(crate) fn answer(self) -> String {
        let null = Id::null();
        match self {
            Self::EmptyBatch => written::error(&null, &RpcError::invalid_request("empty batch")),
            Self::LargeBatch(id) => {
                let error = RpcError::invalid_request("batch too large");
                ["[", &written::error(&id, &error), "]"].concat()
            }
            Self::NotJson(error) => written::error(&null, &error),
        }
    }
}

impl Dispatch {
    /// Answers a call or a notification that came alone.
    pub(crate) async fn one(&self, ask: Ask, caller: &Caller) -> Spoken {
        let id = ask.id.clone();
        let Outcome { result, begins } = self.run(ask, caller, self.deadline()).await;
        // Nobody knows the id of what a notification subscribed to.
        let Some(id) = id else {
            forget(begins, caller);
            return Spoken::default();
        };
        Spoken { text: Some(written::answer(&id, &result)), begins: begins.into_iter().collect() }
    }

    /// Answers a batch, one after the other.
    pub(crate) async fn batch(&self, items: Vec<Item>, caller: &Caller) -> Spoken {
        let mut answers = Answers::new(self.limits.max_answer_bytes);
        let mut begins = Vec::new();
        let deadline = self.deadline();
        for item in items {
            match item {
                // It was heard when the batch was read.
                Item::Answer(_) => {}
                Item::Wrong(id, fault) => {
                    answers.add(&id, &Err(fault.error()));
                }
                Item::Ask(ask) => {
                    let id = ask.id.clone();
                    let outcome = self.next(ask, caller, deadline, &answers).await;
                    let is_told = id.is_some_and(|id| answers.add(&id, &outcome.result));
                    if is_told {
                        begins.extend(outcome.begins);
                    } else {
                        forget(outcome.begins, caller);
                    }
                }
            }
        }
        Spoken { text: answers.finish(), begins }
    }

    async fn next(
        &self,
        ask: Ask,
        caller: &Caller,
        deadline: Instant,
        answers: &Answers,
    ) -> Outcome {
        if answers.is_full {
            return Err(RpcError::too_large()).into();
        }
        if Instant::now() >= deadline {
            return Err(RpcError::timed_out()).into();
        }
        self.run(ask, caller, deadline).await
    }
}

/// Ends what nobody was told of.
fn forget(begins: Option<SubscriptionId>, caller: &Caller) {
    if let (Some(id), Some(line)) = (begins, &caller.line) {
        line.subscriptions.remove(id.as_str());
    }
}

/// The answers of a batch.
pub(crate) struct Answers {
    text: String,
    max_bytes: usize,
    /// Whether an answer had no room: those that follow have none either.
    pub(crate) is_full: bool,
}

impl Answers {
    pub(crate) const fn new(max_bytes: usize) -> Self {
        Self { text: String::new(), max_bytes, is_full: false }
    }

    /// Adds an answer, or where there is no room for it that there is none; whether it was added.
    pub(crate) fn add(&mut self, id: &Id, result: &Result<Box<RawValue>, RpcError>) -> bool {
        let mut answer = written::answer(id, result);
        let fits = self.text.len() + answer.len() <= self.max_bytes;
        if !fits && result.is_ok() {
            self.is_full = true;
            answer = written::error(id, &RpcError::too_large());
        }
        self.text.push(if self.text.is_empty() { '[' } else { ',' });
        self.text.push_str(&answer);
        fits
    }

    /// All of them; `None` where there are none.
    pub(crate) fn finish(mut self) -> Option<String> {
        if self.text.is_empty() {
            return None;
        }
        self.text.push(']');
        Some(self.text)
    }
}
