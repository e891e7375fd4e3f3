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
use super::exchange::Spoken;
use super::id::Id;
use super::line::Line;
use super::request::{Answer, Item, Said, parse};
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
        let line = Line::new(peer, &dispatch.limits);
        let caller = Caller {
            line: Some(Rc::clone(&line)),
            address: request.address().map(|address| address.ip()),
            ..Caller::default()
        };
        let misunderstood = Misunderstood::new("rpc");
        let dispatch = Arc::clone(dispatch);
        Self { dispatch, line, caller, is_bidirectional: false, misunderstood }
    }

    /// The same for a peer that speaks `jsonrpc-bidirectional`.
    pub(crate) fn bidirectional(self) -> Self {
        Self { is_bidirectional: true, ..self }
    }

    fn one(&mut self, item: Item) {
        match item {
            Item::Answer(answer) => self.hear(answer),
            Item::Wrong(id, fault) => {
                self.line.peer().reply(written::error(&id, &fault.error()));
            }
            Item::Ask(ask) => {
                let refused = if self.is_bidirectional { refuse_named(&ask) } else { None };
                if let (Some(error), id) = (refused, &ask.id) {
                    let answer = id.as_ref().map(|id| written::error(id, &error));
                    return self.line.say(Spoken { text: answer, begins: Vec::new() });
                }
                let (dispatch, caller) = (Arc::clone(&self.dispatch), self.caller.clone());
                self.answer(async move { dispatch.one(ask, &caller).await });
            }
        }
    }

    fn batch(&mut self, items: Vec<Item>) {
        if self.is_bidirectional {
            let error = RpcError::invalid_request("batches are not supported");
            return self.line.peer().reply(written::error(&Id::null(), &error));
        }
        let mut rest = Vec::with_capacity(items.len());
        for item in items {
            match item {
                // A call of the batch may wait for it.
                Item::Answer(answer) => self.hear(answer),
                item => rest.push(item),
            }
        }
        let (dispatch, caller) = (Arc::clone(&self.dispatch), self.caller.clone());
        self.answer(async move { dispatch.batch(rest, &caller).await });
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
