//! What a line has subscribed to.

use std::sync::Arc;

use tieline_hub::{Channel, Pattern};

use super::fault::Fault;
use super::namespaces::{Act, Namespace, Namespaces};
use crate::auth::Identity;

/// What a line has subscribed to, by what it called it.
pub(super) enum Subscription {
    /// It is under way.
    Asked,
    Channel(Channel, Arc<Namespace>),
    Pattern(Pattern),
}

impl Subscription {
    /// Whether this caller may have it.
    pub(super) fn check(
        &self,
        namespaces: &Namespaces,
        caller: Option<&Identity>,
    ) -> Result<(), Fault> {
        match self {
            Self::Asked => Ok(()),
            Self::Channel(channel, _) => {
                namespaces.for_channel(channel, Act::Subscribe, caller).map(drop)
            }
            Self::Pattern(pattern) => namespaces.for_pattern(pattern, caller).map(drop),
        }
    }

    /// Where it makes its line present.
    pub(super) fn presence(&self) -> Option<(&Channel, &Arc<Namespace>)> {
        match self {
            Self::Channel(channel, namespace) if namespace.has_presence => {
                Some((channel, namespace))
            }
            _ => None,
        }
    }
}
