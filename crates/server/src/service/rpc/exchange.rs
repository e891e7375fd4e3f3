//! What is said at once, alone or in a batch, and the one answer to it: the same whatever carries it.
//!
//! The calls of a batch are answered one after the other. When their answers together are too long,
//! or the time is over, those that are left are told so: -32003, -32002.

use serde_json::value::RawValue;
use tokio::time::Instant;

use super::call::Caller;
use super::dispatch::{Dispatch, Outcome, Until};
use super::error::RpcError;
use super::id::Id;
use super::request::{Item, Unread};
use super::spoken::{Spoken, Told};
use super::written;

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
    /// Answers one thing; `None` where nobody waits for it.
    pub(crate) async fn one(&self, item: Item, caller: &Caller, until: Until) -> Option<Told> {
        let ask = match item {
            // It was heard when it was read.
            Item::Answer(_) => return None,
            Item::Wrong(id, fault) => {
                return Some(Told { id, result: Err(fault.error()), begins: None });
            }
            Item::Ask(ask) => ask,
        };
        let id = ask.id.clone();
        let Outcome { result, begins } = self.run(ask, caller, until).await;
        match id {
            Some(id) => Some(Told { id, result, begins }),
            None => {
                caller.forget(begins);
                None
            }
        }
    }

    /// Answers a batch, one thing after the other, each as `one` does.
    pub(crate) async fn batch(
        &self,
        items: Vec<Item>,
        caller: &Caller,
        one: impl AsyncFn(Item, Until) -> Option<Told>,
    ) -> Spoken {
        let mut answers = Answers::new(self.limits.max_answer_bytes);
        let mut begins = Vec::new();
        let deadline = self.deadline();
        for item in items {
            let until = if answers.is_full {
                Err(RpcError::too_large())
            } else if Instant::now() >= deadline {
                Err(RpcError::timed_out())
            } else {
                Ok(deadline)
            };
            let Some(Told { id, result, begins: begun }) = one(item, until).await else { continue };
            if answers.add(&id, &result) {
                begins.extend(begun);
            } else {
                caller.forget(begun);
            }
        }
        Spoken { text: answers.finish(), begins }
    }
}

/// The answers of a batch.
struct Answers {
    text: String,
    max_bytes: usize,
    /// Whether an answer had no room: those that follow have none either.
    is_full: bool,
}

impl Answers {
    const fn new(max_bytes: usize) -> Self {
        Self { text: String::new(), max_bytes, is_full: false }
    }

    /// Adds an answer, or where there is no room for it that there is none; whether it was added.
    fn add(&mut self, id: &Id, result: &Result<Box<RawValue>, RpcError>) -> bool {
        let mut answer = written::answer(id, result);
        let fits = self.text.len() + answer.len() <= self.max_bytes;
        if !fits {
            self.is_full = true;
            answer = written::error(id, &RpcError::too_large());
        }
        self.text.push(if self.text.is_empty() { '[' } else { ',' });
        self.text.push_str(&answer);
        fits
    }

    /// All of them; `None` where there are none.
    fn finish(mut self) -> Option<String> {
        if self.text.is_empty() {
            return None;
        }
        self.text.push(']');
        Some(self.text)
    }
}
