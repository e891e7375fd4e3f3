//! Methods and subscriptions written in Rust.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::call::Call;
use super::error::RpcError;
use super::events::Events;
use super::feed::{Begin, Feed, Feeding};
use super::params::encode;

/// What answers the calls of a route: methods, subscriptions, and the events of clients that speak
/// the dialect of `rpc-websockets`. Clones are the same.
///
/// A method runs on the worker of its caller, whose other lines wait for it: what takes long is an
/// async method, and what blocks belongs to a thread of its own. One that panics answers -32603.
///
/// # Example
///
/// ```
/// use tieline_server::rpc::{Feed, Methods, RpcError};
///
/// let mut methods = Methods::new();
/// methods.add("math_divide", |call| {
///     let (a, b): (i64, i64) = call.params()?;
///     a.checked_div(b).ok_or_else(|| RpcError::invalid_params("nothing can be divided by 0"))
/// });
/// methods.add_async("clock_wait", async |call| {
///     let (seconds,): (u64,) = call.params()?;
///     tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
///     Ok("done")
/// });
/// methods.add_subscription("clock", "ticks", |call| {
///     let (_, every_ms): (String, u64) = call.params()?;
///     Ok(async move |feed: Feed| {
///         for tick in 1u64.. {
///             tokio::time::sleep(std::time::Duration::from_millis(every_ms)).await;
///             feed.push(&tick);
///         }
///     })
/// });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Methods {
    methods: BTreeMap<Box<str>, Method>,
    subscriptions: BTreeMap<(Box<str>, Box<str>), Source>,
    events: Events,
}

/// What a method answers, once it does; on the worker of its caller.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Box<RawValue>, RpcError>>>>;

#[derive(Clone)]
struct Method(Arc<dyn Fn(Call) -> Answering + Send + Sync>);

/// What can be subscribed to.
#[derive(Clone)]
pub(crate) struct Source(Arc<dyn Fn(Call) -> Result<Begin, RpcError> + Send + Sync>);

impl Methods {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a method that answers at once. A second one of this name takes the place of the first.
    pub fn add<R: Serialize>(
        &mut self,
        name: &str,
        method: impl Fn(Call) -> Result<R, RpcError> + Send + Sync + 'static,
    ) -> &mut Self {
        self.insert(name, move |call| {
            Box::pin(ready(method(call).and_then(|result| encode(&result))))
        })
    }

    /// Adds a method that takes its time. It is dropped when its caller goes, or has waited too long.
    pub fn add_async<R, F>(
        &mut self,
        name: &str,
        method: impl Fn(Call) -> F + Send + Sync + 'static,
    ) -> &mut Self
    where
        R: Serialize,
        F: Future<Output = Result<R, RpcError>> + 'static,
    {
        self.insert(name, move |call| {
            let answering = method(call);
            Box::pin(async move { encode(&answering.await?) })
        })
    }

    /// Adds what can be subscribed to with `<namespace>_subscribe` and this name as the first
    /// parameter.
    ///
    /// `start` looks at the parameters and may refuse. What it returns is called when the subscriber
    /// knows the id, and what that does is dropped when the subscriber leaves.
    pub fn add_subscription<B, F>(
        &mut self,
        namespace: &str,
        name: &str,
        start: impl Fn(Call) -> Result<B, RpcError> + Send + Sync + 'static,
    ) -> &mut Self
    where
        B: FnOnce(Feed) -> F + 'static,
        F: Future<Output = ()> + 'static,
    {
        let source = Source(Arc::new(move |call| {
            let begin = start(call)?;
            Ok(Box::new(move |feed| Box::pin(begin(feed)) as Feeding))
        }));
        self.subscriptions.insert((namespace.into(), name.into()), source);
        self
    }

    /// The events that clients of the dialect `rpc-websockets` can listen to.
    pub const fn events(&self) -> &Events {
        &self.events
    }

    /// The names of all methods, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().map(|name| &**name)
    }

    fn insert(
        &mut self,
        name: &str,
        method: impl Fn(Call) -> Answering + Send + Sync + 'static,
    ) -> &mut Self {
        self.methods.insert(name.into(), Method(Arc::new(method)));
        self
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.methods.contains_key(name)
    }

    /// Calls a method, if there is one of this name.
    pub(crate) fn call(&self, call: Call) -> Result<Answering, Call> {
        match self.methods.get(call.method()) {
            Some(method) => Ok((method.0)(call)),
            None => Err(call),
        }
    }

    /// What of this name there is to subscribe to.
    pub(crate) fn source(&self, namespace: &str, name: &str) -> Option<&Source> {
        self.subscriptions.get(&(Box::from(namespace), Box::from(name)))
    }
}

impl Source {
    /// Starts a subscription, or refuses it.
    pub(crate) fn start(&self, call: Call) -> Result<Begin, RpcError> {
        (self.0)(call)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Method")
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_two_methods_counts() {
        let mut methods = Methods::new();
        methods.add("b", |_| Ok(1)).add("a", |_| Ok(2)).add("b", |_| Ok(3));
        assert_eq!(methods.names().collect::<Vec<_>>(), ["a", "b"]);
    }
}
