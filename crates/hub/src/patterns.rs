//! Those who hear of all channels of a pattern.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::channel::{Channel, Pattern};
use crate::outlet::Outlet;
use crate::outlets::Outlets;

/// All patterns that somebody has subscribed to.
#[derive(Debug)]
pub(crate) struct Patterns<O>(RwLock<Namespaces<O>>);

/// The patterns of each namespace.
type Namespaces<O> = HashMap<String, HashMap<Pattern, Outlets<O>>>;

impl<O: Outlet> Patterns<O> {
    /// One more for a pattern; `join` is called before anything more is told.
    pub(crate) fn join(&self, pattern: &Pattern, outlet: &O, join: impl FnOnce()) {
        let mut namespaces = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let patterns = namespaces.entry(pattern.namespace().to_owned()).or_default();
        patterns.entry(pattern.clone()).or_default().join(outlet);
        join();
    }

    /// Calls while nothing is told.
    pub(crate) fn in_turn(&self, call: impl FnOnce()) {
        let _namespaces = self.0.write().unwrap_or_else(PoisonError::into_inner);
        call();
    }

    /// One less for a pattern.
    pub(crate) fn leave(&self, pattern: &Pattern, outlet: &O) {
        let mut namespaces = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(patterns) = namespaces.get_mut(pattern.namespace()) else { return };
        let Some(outlets) = patterns.get_mut(pattern) else { return };
        outlets.leave(outlet);
        if outlets.is_empty() {
            patterns.remove(pattern);
        }
        if patterns.is_empty() {
            namespaces.remove(pattern.namespace());
        }
    }

    /// Calls for each outlet with a pattern that names the channel.
    pub(crate) fn tell(&self, channel: &Channel, tell: impl Fn(&Pattern, &O)) {
        let namespaces = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(patterns) = namespaces.get(channel.namespace()) else { return };
        for (pattern, outlets) in patterns.iter().filter(|(pattern, _)| pattern.matches(channel)) {
            outlets.iter().for_each(|outlet| tell(pattern, outlet));
        }
    }
}

impl<O> Default for Patterns<O> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}
