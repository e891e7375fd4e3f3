//! A peer that speaks JSON-RPC 2.0 on a line of its own, whatever carries it.
//!
//! Calls that come alone are answered as they are done, in any order; a batch by one message. A
//! binary message is read like a text, and answered with a text.

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use tieline::Closed;
use tieline::serve::Message;

use super::call::Caller;
use super::dialect::refuse_named;
use super::dispatch::Shared;
use super::error::RpcError;
use super::id::Id;
use super::line::Line;
use super::request::{Answer, Item, Said, answers_first, parse};
use super::spoken::Spoken;
use super::written;
use crate::peer::Peer;
use crate::request::Request;
use crate::service::Conversation;
use crate::service::misunderstood::Misunderstood;

/// One peer.
pub(crate) struct Talk {
    dispatch: Shared,
    line: Rc<Line>,
    caller: Caller,
    /// Whether `jsonrpc-bidirectional` is spoken.
    is_bidirectional: bool,
    misunderstood: Misunderstood,
}

impl Talk {
    pub(crate) fn new(dispatch: &Shared, peer: &Peer, request: &Request) -> Self {
        let line = Line::new(peer, request, &dispatch.limits);
        let caller = Caller::on(&line, request);
        let misunderstood = Misunderstood::new("rpc");
        let dispatch = Arc::clone(dispatch);
        Self { dispatch, line, caller, is_bidirectional: false, misunderstood }
    }

    /// The same for a peer that speaks `jsonrpc-bidirectional`.
    pub(crate) fn bidirectional(self) -> Self {
        Self { is_bidirectional: true, ..self }
    }

    fn one(&mut self, item: Item) {
        let until = match &item {
            Item::Ask(ask) if self.is_bidirectional => refuse_named(ask),
            _ => Ok(()),
        };
        let until = until.map(|()| self.dispatch.deadline());
        match item {
            Item::Answer(answer) => self.hear(answer),
            item => {
                let (dispatch, caller) = (Arc::clone(&self.dispatch), self.caller.clone());
                self.answer(async move { dispatch.one(item, &caller, until).await.into() });
            }
        }
    }

    fn batch(&mut self, items: Vec<Item>) {
        if self.is_bidirectional {
            let error = RpcError::invalid_request("batches are not supported");
            return self.line.peer().reply(written::error(&Id::null(), &error));
        }
        let (answers, rest) = answers_first(items);
        answers.into_iter().for_each(|answer| self.hear(answer));
        let (dispatch, caller) = (Arc::clone(&self.dispatch), self.caller.clone());
        self.answer(async move {
            let one = async |item, until| dispatch.one(item, &caller, until).await;
            dispatch.batch(rest, &caller, one).await
        });
    }

    fn answer(&self, speak: impl Future<Output = Spoken> + 'static) {
        let line = Rc::clone(&self.line);
        self.line.work(async move { line.say(speak.await) });
    }

    fn hear(&mut self, answer: Answer) {
        if !self.line.hear(answer) {
            self.misunderstood.add(self.line.peer());
        }
    }
}

impl Conversation for Talk {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        match parse(message.bytes(), self.dispatch.limits.max_batch) {
            Ok(Said::One(item)) => self.one(item),
            Ok(Said::Batch(items)) => self.batch(items),
            Err(unread) => peer.reply(unread.answer()),
        }
    }

    fn close(&mut self, peer: &Peer, _how: &Closed) {
        self.misunderstood.sum_up(peer);
        self.line.close();
    }
}
