//! npm `rpc-websockets`: JSON-RPC 2.0 with events, logins and namespaces, and with its own mind about
//! errors.
//!
//! | call                       | answer                                                            |
//! |----------------------------|-------------------------------------------------------------------|
//! | `rpc.on [names]`           | for each `ok`, `provided event invalid` or                        |
//! |                            | `socket has already been subscribed to event`; -32606 for all     |
//! |                            | where one of them needs a login                                   |
//! | `rpc.off [names]`          | for each `ok`, `provided event invalid` or `not subscribed`       |
//! | `rpc.login params`         | what the method of this name answers; without one, where the      |
//! |                            | route asks for tokens, `true` for a newer one (`{"token":"…"}`).  |
//! |                            | `true` is a login                                                 |
//! | `__listMethods`            | the names of the methods in Rust                                  |
//! | any other                  | as everywhere; -32605 where it needs a login                      |
//!
//! The path below the route's is the namespace: its listeners and its logins are its own. An event is
//! `{"notification":"feed","params":[1,"a"]}`. The ids 0, `""` and null are answered no result, as
//! if they were none. A request in a binary message is answered in one. Errors have the dialect's own
//! words, and in `data` what is known beyond them. A `socket_id` in the query means nothing.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};
use tieline::serve::Message;
use tieline::{Closed, MessageKind};

use crate::peer::Peer;
use crate::request::Request;
use crate::service::Conversation;
use crate::service::rpc::call::Caller;
use crate::service::rpc::dispatch::{LOGIN, Outcome, Shared, Until};
use crate::service::rpc::error::RpcError;
use crate::service::rpc::id::Id;
use crate::service::rpc::line::Line;
use crate::service::rpc::params::{decode, encode};
use crate::service::rpc::request::{Ask, Fault, Item, Said, Unread, answers_first, parse};
use crate::service::rpc::spoken::{Spoken, Told};
use crate::service::rpc::written;

/// One peer, in its namespace.
pub(crate) struct Seat(Rc<Inner>);

struct Inner {
    dispatch: Shared,
    line: Rc<Line>,
    caller: Caller,
    /// The events that it listens to.
    events: RefCell<BTreeSet<String>>,
}

const PARAMS_NOT_FOUND: i64 = -32604;
const EVENT_FORBIDDEN: i64 = -32606;

/// Most events that one call names.
const MAX_EVENTS: usize = 1_000;

/// What of a path lies below the route's.
fn namespace<'p>(path: &'p str, route: &str) -> &'p str {
    match path.strip_prefix(route.trim_end_matches('/')) {
        None | Some("") => "/",
        Some(namespace) => namespace,
    }
}

impl Seat {
    /// A peer of a route with this path.
    pub(crate) fn new(dispatch: &Shared, route: &str, peer: &Peer, request: &Request) -> Self {
        let line = Line::new(peer, request, &dispatch.limits);
        let namespace = namespace(request.path(), route).into();
        let caller = Caller { namespace, ..Caller::on(&line, request) };
        Self(Rc::new(Inner {
            dispatch: Arc::clone(dispatch),
            line,
            caller,
            events: RefCell::default(),
        }))
    }
}

impl Conversation for Seat {
    fn message(&mut self, _peer: &Peer, message: Message<'_>) {
        let seat = Rc::clone(&self.0);
        let kind = message.kind();
        match parse(message.bytes(), seat.dispatch.limits.max_batch) {
            Ok(Said::One(Item::Answer(answer))) => {
                seat.line.hear(answer);
            }
            Ok(Said::One(item)) => {
                let line = Rc::clone(&seat.line);
                line.work(async move {
                    let told = seat.one(item, Ok(seat.dispatch.deadline())).await;
                    seat.say(kind, told.into());
                });
            }
            Ok(Said::Batch(items)) => {
                let line = Rc::clone(&seat.line);
                let (answers, rest) = answers_first(items);
                for answer in answers {
                    line.hear(answer);
                }
                line.work(async move {
                    let one = async |item, until| seat.one(item, until).await;
                    let spoken = seat.dispatch.batch(rest, &seat.caller, one).await;
                    seat.say(kind, spoken);
                });
            }
            Err(unread) => {
                let (id, error) = unread_error(unread);
                seat.say(kind, written::error(&id, &error).into());
            }
        }
    }

    fn close(&mut self, peer: &Peer, _how: &Closed) {
        let seat = &self.0;
        for name in seat.events.take() {
            seat.dispatch.methods.events().leave(&seat.caller.namespace, &name, peer);
        }
        seat.line.close();
    }
}

impl Inner {
    /// Answers in a message of the kind in which it was asked.
    fn say(&self, kind: MessageKind, spoken: Spoken) {
        let Spoken { text, begins } = spoken;
        match (kind, text) {
            (_, None) => {}
            (MessageKind::Text, Some(text)) => self.line.peer().reply(text),
            (MessageKind::Binary, Some(text)) => self.line.peer().reply(text.into_bytes()),
        }
        self.line.begin(begins);
    }

    async fn one(&self, item: Item, until: Until) -> Option<Told> {
        let ask = match item {
            // It was heard when it was read.
            Item::Answer(_) => return None,
            Item::Wrong(id, fault) => {
                let result = Err(fault_error(fault));
                return Some(Told { id: or_null(Some(id)), result, begins: None });
            }
            Item::Ask(ask) => ask,
        };
        let (id, is_login) = (ask.id.clone(), ask.method == LOGIN);
        let own = if until.is_ok() { self.own(&ask) } else { None };
        if let Some(result) = own {
            let is_asked = id.is_some();
            let result = result.map_err(in_its_words);
            return is_asked.then(|| Told { id: or_null(id), result, begins: None });
        }
        let Outcome { result, begins } = self.dispatch.run(ask, &self.caller, until).await;
        if is_login && result.as_ref().is_ok_and(|result| result.get() == "true") {
            self.line.has_logged_in.set(true);
        }
        match id.filter(|id| !is_none(id)) {
            Some(id) => Some(Told { id, result: result.map_err(in_its_words), begins }),
            None => {
                self.caller.forget(begins);
                None
            }
        }
    }

    /// What the dialect itself answers.
    fn own(&self, ask: &Ask) -> Option<Result<Box<RawValue>, RpcError>> {
        let params = ask.params.as_deref();
        match ask.method.as_str() {
            "rpc.on" | "rpc.off" => Some(names(params).and_then(|names| {
                let told = if ask.method == "rpc.on" { self.on(names)? } else { self.off(names) };
                encode(&Pairs(told))
            })),
            LOGIN => match params {
                None => Some(Err(RpcError::new(PARAMS_NOT_FOUND, ""))),
                Some(params) => self.login(params),
            },
            "__listMethods" => {
                let allows = |name: &&str| self.dispatch.allows(name);
                let methods = self.dispatch.methods.names().filter(allows);
                let names: Vec<_> = std::iter::once("__listMethods").chain(methods).collect();
                Some(encode(&names))
            }
            _ => None,
        }
    }

    /// A login by a newer token, where the route asks for one and has no login of its own.
    fn login(&self, params: &RawValue) -> Option<Result<Box<RawValue>, RpcError>> {
        let renewing = self.line.renewing.as_ref().filter(|_| !self.dispatch.has(LOGIN))?;
        let renewed = self.dispatch.check(LOGIN, &self.caller).and_then(|()| {
            renewing.renew(self.line.peer(), Some(params))?;
            Ok(RawValue::TRUE.to_owned())
        });
        if renewed.is_ok() {
            self.line.has_logged_in.set(true);
        }
        Some(renewed)
    }

    fn on(&self, names: Vec<String>) -> Result<Vec<(String, &'static str)>, RpcError> {
        let events = self.dispatch.methods.events();
        let needs_login = |name: &String| events.find(name) == Some(true);
        // One that is not for this peer, and none is listened to.
        if !self.caller.has_logged_in() && names.iter().any(needs_login) {
            return Err(RpcError::new(EVENT_FORBIDDEN, ""));
        }
        let told = names.into_iter().map(|name| {
            let word = if events.find(&name).is_none() {
                "provided event invalid"
            } else if !self.events.borrow_mut().insert(name.clone()) {
                "socket has already been subscribed to event"
            } else {
                events.join(&self.caller.namespace, &name, self.line.peer());
                "ok"
            };
            (name, word)
        });
        Ok(told.collect())
    }

    fn off(&self, names: Vec<String>) -> Vec<(String, &'static str)> {
        let events = self.dispatch.methods.events();
        let told = names.into_iter().map(|name| {
            let word = if events.find(&name).is_none() {
                "provided event invalid"
            } else if self.events.borrow_mut().remove(&name) {
                events.leave(&self.caller.namespace, &name, self.line.peer());
                "ok"
            } else {
                "not subscribed"
            };
            (name, word)
        });
        told.collect()
    }
}

/// The names of events that are listened to.
fn names(params: Option<&RawValue>) -> Result<Vec<String>, RpcError> {
    let missing = || RpcError::new(RpcError::DEFAULT, "");
    let names: Vec<String> = decode(Some(params.ok_or_else(missing)?))?;
    if names.len() > MAX_EVENTS {
        return Err(RpcError::invalid_params("too many events"));
    }
    Ok(names)
}

/// Names with what became of each, as an object in their order. Of a name that was given twice the
/// last counts, as for any reader of JSON.
struct Pairs(Vec<(String, &'static str)>);

impl serde::Serialize for Pairs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, word)| (name, word)))
    }
}

/// The ids 0, `""` and null, which are as none.
fn is_none(id: &Id) -> bool {
    matches!(id.as_str(), "null" | r#""""#) || id.as_str().parse::<f64>().is_ok_and(|id| id == 0.0)
}

/// The id that an error is answered under: null for what is as none.
fn or_null(id: Option<Id>) -> Id {
    id.filter(|id| !is_none(id)).unwrap_or_else(Id::null)
}

fn fault_error(fault: Fault) -> RpcError {
    let (code, data) = match fault {
        Fault::Version => (RpcError::INVALID_REQUEST, "Invalid JSON RPC version"),
        Fault::NoMethod => (RpcError::INVALID_PARAMS, "Method not specified"),
        Fault::Method => (RpcError::INVALID_REQUEST, "Invalid method name"),
        Fault::Id | Fault::LongMethod(_) | Fault::NoObject | Fault::Params | Fault::Twice => {
            return in_its_words(RpcError::invalid_request(fault.error().message));
        }
    };
    in_its_words(RpcError::new(code, data))
}

fn unread_error(unread: Unread) -> (Id, RpcError) {
    match unread {
        Unread::EmptyBatch => {
            (Id::null(), in_its_words(RpcError::invalid_request("Invalid array")))
        }
        Unread::LargeBatch(id) => {
            (or_null(Some(id)), in_its_words(RpcError::invalid_request("batch too large")))
        }
        Unread::NotJson(error) => (Id::null(), in_its_words(error)),
    }
}

/// The words that this dialect has for a code; what was said of the error goes into `data`. An error
/// of an application keeps its own.
fn in_its_words(error: RpcError) -> RpcError {
    let words = match error.code {
        RpcError::DEFAULT if error.message.is_empty() => "Event not provided",
        RpcError::INVALID_REQUEST => "Invalid Request",
        RpcError::METHOD_NOT_FOUND => "Method not found",
        RpcError::INVALID_PARAMS => "Invalid params",
        RpcError::INTERNAL => "Internal error",
        PARAMS_NOT_FOUND => "Params not found",
        EVENT_FORBIDDEN => "Event forbidden",
        RpcError::PARSE => "Parse error",
        _ => return error,
    };
    let said = Cow::Owned::<str>(error.message);
    let data = error.data.or_else(|| {
        let says_more = !said.is_empty() && error.code != RpcError::METHOD_NOT_FOUND;
        says_more.then(|| to_raw_value(&said).ok()).flatten()
    });
    RpcError { data, ..RpcError::new(error.code, words) }
}
