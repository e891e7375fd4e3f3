//! The events of the dialect `rpc-websockets`: told to all who listen, on whichever worker they are.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::written;
use crate::members::{Full, Members};
use crate::peer::Peer;

/// What can be listened to. Clones are the same, and any thread may emit.
#[derive(Clone, Debug, Default)]
pub struct Events(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// The names, and whether one has to log in first.
    declared: BTreeMap<Box<str>, bool>,
    /// Who listens, by namespace and name; only where somebody does.
    listeners: HashMap<Key, Arc<Members<()>>>,
}

/// A namespace and the name of an event.
type Key = (Box<str>, Box<str>);

/// Why an event was not told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// What is told is not JSON.
    #[error("the parameters are no JSON")]
    Content(#[from] serde_json::Error),
    /// A worker has too much waiting for its peers: nobody was told.
    #[error(transparent)]
    Full(#[from] Full),
}

impl Events {
    /// Lets clients listen to an event, in every namespace.
    pub fn declare(&self, name: &str) -> &Self {
        self.inner().declared.insert(name.into(), false);
        self
    }

    /// Lets clients that have logged in listen to an event, in every namespace.
    pub fn declare_protected(&self, name: &str) -> &Self {
        self.inner().declared.insert(name.into(), true);
        self
    }

    /// Tells those of a namespace who listen, `/` being that of the route's own path. Parameters
    /// that are an array or an object are told as they are, anything else alone in an array.
    ///
    /// # Errors
    ///
    /// [`EventError`]; then nobody was told.
    pub fn emit(
        &self,
        namespace: &str,
        name: &str,
        params: &impl Serialize,
    ) -> Result<(), EventError> {
        let params = to_raw_value(params)?;
        let text = encode(name, &params);
        let key = (Box::from(namespace), Box::from(name));
        let listeners = self.inner().listeners.get(&key).map(Arc::clone);
        match listeners {
            Some(listeners) => Ok(listeners.turn(|turn| turn.tell_all(text))?),
            None => Ok(()),
        }
    }

    /// Whether there is an event of this name, and whether one has to log in for it.
    pub(crate) fn find(&self, name: &str) -> Option<bool> {
        self.inner().declared.get(name).copied()
    }

    /// Has a peer listen. Once for each peer.
    pub(crate) fn join(&self, namespace: &str, name: &str, peer: &Peer) {
        let mut inner = self.inner();
        let key = (Box::from(namespace), Box::from(name));
        let new = || Arc::new(Members::new(()));
        inner.listeners.entry(key).or_insert_with(new).turn(|turn| turn.join(peer));
    }

    /// Has a peer that listened listen no more.
    pub(crate) fn leave(&self, namespace: &str, name: &str, peer: &Peer) {
        let mut inner = self.inner();
        let key = (Box::from(namespace), Box::from(name));
        let Some(members) = inner.listeners.get(&key) else { return };
        let is_empty = members.turn(|turn| {
            turn.leave(peer);
            turn.count() == 0
        });
        if is_empty {
            inner.listeners.remove(&key);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Every change is one insertion or removal: there is nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `{"notification":"feed","params":[1,"a"]}`
fn encode(name: &str, params: &RawValue) -> String {
    let name = written::string(name);
    let (open, close) = match params.get().as_bytes().first() {
        Some(b'[' | b'{') => ("", ""),
        _ => ("[", "]"),
    };
    let params = params.get();
    [r#"{"notification":"#, &name, r#","params":"#, open, params, close, "}"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::Bench;

    #[test]
    fn an_event_is_no_json_rpc() {
        let raw = |json| serde_json::from_str::<Box<RawValue>>(json).unwrap();
        for (params, told) in [("[1,\"a\"]", "[1,\"a\"]"), ("{\"a\":1}", "{\"a\":1}"), ("1", "[1]")]
        {
            let text = format!(r#"{{"notification":"feed","params":{told}}}"#);
            assert_eq!(encode("feed", &raw(params)), text);
        }
    }

    #[test]
    fn who_listens_in_a_namespace_hears_what_is_emitted_there() {
        let (events, mut bench) = (Events::default(), Bench::new());
        let (a, b) = (bench.peer(), bench.peer());
        events.declare("feed").declare_protected("secret");
        assert_eq!((events.find("feed"), events.find("secret")), (Some(false), Some(true)));
        assert_eq!(events.find("other"), None);
        events.join("/", "feed", &a);
        events.join("/chat", "feed", &b);
        events.emit("/", "feed", &(1, "a")).unwrap();
        assert_eq!(bench.heard(&a), [r#"{"notification":"feed","params":[1,"a"]}"#]);
        assert!(bench.heard(&b).is_empty());
        events.leave("/", "feed", &a);
        events.emit("/", "feed", &[2]).unwrap();
        assert!(bench.heard(&a).is_empty());
        assert_eq!(events.inner().listeners.len(), 1);
    }
}
