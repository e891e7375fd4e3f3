//! Which of a route's sources answers a call, and within which bounds.
//!
//! | in this order                                    | otherwise              |
//! |--------------------------------------------------|------------------------|
//! | `tieline_gaps`, where there is a node            | (the next)             |
//! | `tieline_renew`, on a line with an identity      | (the next)             |
//! | a login, for a method that is protected          | -32605                 |
//! | the method is allowed and not denied             | -32601                 |
//! | no rate is exceeded                              | -32005                 |
//! | `<ns>_subscribe`, `<ns>_unsubscribe`             | (the next)             |
//! | an answer is kept                                | (the next)             |
//! | a method in Rust, the backend, the upstream node | -32601                 |
//! | it answers in time, and not too much             | -32002, -32003         |

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::FutureExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use tracing::error;

use super::backend::Behind;
use super::cache::Cache;
use super::call::{Call, Caller};
use super::error::RpcError;
use super::feed::Begin;
use super::following::follow;
use super::line::Line;
use super::methods::Methods;
use super::names::Names;
use super::rates::Rates;
use super::renewing::{RENEW, told};
use super::request::Ask;
use super::subscriptions::SubscriptionId;
use super::upstream::Upstream;
use crate::config::RpcLimits;

/// The method by which a client asks to be told of gaps in its subscriptions at a node.
const GAPS: &str = "tieline_gaps";

/// The method by which a client of `rpc-websockets` logs in; no login is needed for it.
pub(crate) const LOGIN: &str = "rpc.login";

/// What answers the calls of one route, shared by its workers.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(crate) methods: Methods,
    pub(crate) allow: Names,
    /// Of what a node answers, what may be called.
    pub(crate) allow_node: Names,
    pub(crate) deny: Names,
    /// What may be called after a login, which is a line's.
    pub(crate) protected: Names,
    pub(crate) rates: Rates,
    pub(crate) cache: Cache,
    pub(crate) backend: Option<Behind>,
    pub(crate) upstream: Option<Upstream>,
    pub(crate) limits: Arc<RpcLimits>,
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) result: Result<Box<RawValue>, RpcError>,
    /// What begins once the answer was sent.
    pub(crate) begins: Option<SubscriptionId>,
}

/// Until when a call may be worked on, or why it is not even begun.
pub(crate) type Until = Result<Instant, RpcError>;

impl From<Result<Box<RawValue>, RpcError>> for Outcome {
    fn from(result: Result<Box<RawValue>, RpcError>) -> Self {
        Self { result, begins: None }
    }
}

impl Dispatch {
    /// When what begins now must be done.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.limits.call_within.get()
    }

    /// Answers a call or a notification.
    pub(crate) async fn run(&self, ask: Ask, caller: &Caller, until: Until) -> Outcome {
        let deadline = match until {
            Ok(deadline) => deadline,
            Err(error) => return Err(error).into(),
        };
        let answering = AssertUnwindSafe(self.answer(ask, caller)).catch_unwind();
        let outcome = match timeout_at(deadline, answering).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => {
                error!("a method panicked: it answers -32603");
                Err(RpcError::internal()).into()
            }
            Err(_) => Err(RpcError::timed_out()).into(),
        };
        let len = match &outcome.result {
            Ok(result) => result.get().len(),
            Err(error) => error.len(),
        };
        if len > self.limits.max_answer_bytes {
            caller.forget(outcome.begins);
            return Err(RpcError::too_large()).into();
        }
        outcome
    }

    async fn answer(&self, ask: Ask, caller: &Caller) -> Outcome {
        let Ask { method, params, .. } = ask;
        if method == GAPS && self.upstream.is_some() {
            return hear_gaps(caller).into();
        }
        if method == RENEW
            && let Some(line) = &caller.line
            && let Some(renewing) = &line.renewing
        {
            let renewed = self.count(&method, caller);
            let renewed = renewed.and_then(|()| renewing.renew(line.peer(), params.as_deref()));
            return renewed.map(|identity| told(&identity)).into();
        }
        if let Err(error) = self.check(&method, caller) {
            return Err(error).into();
        }
        if !self.methods.has(&method) {
            if let Some(namespace) = namespace(&method, "_subscribe") {
                return self.subscribe(namespace, &method, params, caller).await;
            }
            if namespace(&method, "_unsubscribe").is_some() {
                return unsubscribe(params.as_deref(), caller).into();
            }
        }
        let Some(within) = self.cache.keeps(&method) else {
            return self.ask(method, params, caller).await.into();
        };
        let key = Cache::key(&method, params.as_deref());
        if let Some(kept) = self.cache.find(&key) {
            return Ok(kept).into();
        }
        let answered = self.ask(method, params, caller).await;
        if let Ok(result) = &answered {
            self.cache.keep(key, result, within);
        }
        answered.into()
    }

    /// Whether a method may be called at all.
    pub(crate) fn allows(&self, method: &str) -> bool {
        self.allow.has(method) && !self.deny.has(method)
    }

    /// Whether this caller may call a method now; then it is counted as called.
    pub(crate) fn check(&self, method: &str, caller: &Caller) -> Result<(), RpcError> {
        if method != LOGIN && self.protected.has(method) && !caller.has_logged_in() {
            return Err(RpcError::new(RpcError::METHOD_FORBIDDEN, "Method forbidden"));
        }
        if !self.allows(method) {
            return Err(RpcError::method_not_found(method));
        }
        self.count(method, caller)
    }

    fn count(&self, method: &str, caller: &Caller) -> Result<(), RpcError> {
        if self.rates.allow(method, caller.address) {
            Ok(())
        } else {
            Err(RpcError::limit_exceeded("too many calls, try again later"))
        }
    }

    /// Whether a method in Rust or the backend has this name.
    pub(crate) fn has(&self, method: &str) -> bool {
        self.methods.has(method) || self.backend.as_ref().is_some_and(|it| it.has(method))
    }

    /// Asks the first source that has the method.
    async fn ask(
        &self,
        method: String,
        params: Option<Box<RawValue>>,
        caller: &Caller,
    ) -> Result<Box<RawValue>, RpcError> {
        let call = match self.methods.call(Call::new(method, params, caller.clone())) {
            Ok(answering) => return answering.await,
            Err(call) => call,
        };
        let (method, params) = (call.method(), call.raw_params());
        if let Some(backend) = self.backend.as_ref().filter(|backend| backend.has(method)) {
            return backend.call(method, params).await;
        }
        match self.node_for(method) {
            Some(node) => node.call(method, params).await,
            None => Err(RpcError::method_not_found(method)),
        }
    }

    /// The node, where it may be asked this.
    fn node_for(&self, method: &str) -> Option<&Upstream> {
        self.upstream.as_ref().filter(|_| self.allow_node.has(method))
    }

    async fn subscribe(
        &self,
        namespace: &str,
        method: &str,
        params: Option<Box<RawValue>>,
        caller: &Caller,
    ) -> Outcome {
        let line = match line_of(caller) {
            Ok(line) => Rc::clone(line),
            Err(error) => return Err(error).into(),
        };
        let is_full = || line.subscriptions.len() >= line.limits().max_subscriptions;
        if is_full() {
            return Err(RpcError::limit_exceeded("too many subscriptions")).into();
        }
        match self.find_source(namespace, method, params, caller).await {
            Err(error) => Err(error).into(),
            // Others may have come while it was asked for.
            Ok(_) if is_full() => Err(RpcError::limit_exceeded("too many subscriptions")).into(),
            Ok(begin) => {
                let id = line.subscriptions.add(namespace, begin);
                let result = serde_json::value::to_raw_value(id.as_str());
                let result = result.map_err(|_| RpcError::internal());
                Outcome { result, begins: Some(id) }
            }
        }
    }

    /// What pushes to a subscriber who asks for this.
    async fn find_source(
        &self,
        namespace: &str,
        method: &str,
        params: Option<Box<RawValue>>,
        caller: &Caller,
    ) -> Result<Begin, RpcError> {
        let name = params.as_deref().and_then(first_string).ok_or_else(|| {
            RpcError::invalid_params("expected the name of a subscription as the first parameter")
        })?;
        if let Some(source) = self.methods.source(namespace, &name) {
            return source.start(Call::new(method.to_owned(), params, caller.clone()));
        }
        match (self.node_for(method), params) {
            (Some(node), Some(params)) => {
                Ok(follow(node.subscribe(namespace, &params).await?, node.on_gap()))
            }
            _ => Err(no_subscription(namespace, &name)),
        }
    }
}

/// From here on the caller is told of gaps.
fn hear_gaps(caller: &Caller) -> Result<Box<RawValue>, RpcError> {
    line_of(caller)?.hears_gaps.set(true);
    Ok(RawValue::TRUE.to_owned())
}

fn unsubscribe(params: Option<&RawValue>, caller: &Caller) -> Result<Box<RawValue>, RpcError> {
    let line = line_of(caller)?;
    let id = params.and_then(first_string).ok_or_else(|| {
        RpcError::invalid_params("expected the id of a subscription as the first parameter")
    })?;
    if line.subscriptions.remove(&id) {
        Ok(RawValue::TRUE.to_owned())
    } else {
        Err(RpcError::new(RpcError::DEFAULT, "subscription not found"))
    }
}

/// Where pushes go; a request of HTTP ends with its answer and has none.
fn line_of(caller: &Caller) -> Result<&Rc<Line>, RpcError> {
    let none = || RpcError::new(RpcError::METHOD_NOT_FOUND, "notifications not supported");
    caller.line.as_ref().ok_or_else(none)
}

fn no_subscription(namespace: &str, name: &str) -> RpcError {
    let shown: String = name.chars().take(128).collect();
    let message = format!("no {shown:?} subscription in {namespace} namespace");
    RpcError::new(RpcError::METHOD_NOT_FOUND, message)
}

/// What stands before the suffix, where that is not nothing.
fn namespace<'m>(method: &'m str, suffix: &str) -> Option<&'m str> {
    method.strip_suffix(suffix).filter(|namespace| !namespace.is_empty())
}

/// The first parameter, where it is a string.
fn first_string(params: &RawValue) -> Option<String> {
    let all: Vec<&RawValue> = serde_json::from_str(params.get()).ok()?;
    String::deserialize(&mut serde_json::Deserializer::from_str(all.first()?.get())).ok()
}

/// What the workers of a route share.
pub(crate) type Shared = Arc<Dispatch>;
