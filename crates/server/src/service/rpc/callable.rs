//! The methods of a route, called by another service of this server: for whoever its own lines let in.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;

use super::call::Caller;
use super::dispatch::Shared;
use super::error::RpcError;
use super::request::Ask;
use crate::auth::{Access, Identity};

/// What a route answers, without a line of its own: no subscriptions, and nobody to be called in turn.
#[derive(Clone, Debug)]
pub(crate) struct Callable {
    dispatch: Shared,
    access: Option<Arc<Access>>,
}

/// The methods of all routes, by their paths. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Callables(Arc<Mutex<HashMap<String, Callable>>>);

/// Why somebody may not call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlet {
    /// The route lets in nobody without a token.
    Anonymous,
    /// The token lacks a right that the route wants.
    Rights,
}

impl Callable {
    pub(super) const fn new(dispatch: Shared, access: Option<Arc<Access>>) -> Self {
        Self { dispatch, access }
    }

    /// Whether the route lets in somebody whose token was judged as it judges them.
    ///
    /// # Errors
    ///
    /// [`Unlet`] says why it does not.
    pub(crate) fn let_in(&self, identity: Option<&Identity>) -> Result<(), Unlet> {
        match (&self.access, identity) {
            (None, _) => Ok(()),
            (Some(access), None) if access.anonymous => Ok(()),
            (Some(_), None) => Err(Unlet::Anonymous),
            (Some(access), Some(identity)) if access.is_enough(identity) => Ok(()),
            (Some(_), Some(_)) => Err(Unlet::Rights),
        }
    }

    /// Calls a method, as a call by POST does.
    ///
    /// # Errors
    ///
    /// The method's own, and those of the route: what it does not have or allow, its rates, its time.
    pub(crate) async fn call(
        &self,
        method: String,
        params: Option<Box<RawValue>>,
        address: Option<IpAddr>,
    ) -> Result<Box<RawValue>, RpcError> {
        let caller = Caller { address, ..Caller::default() };
        let ask = Ask { id: None, method, params };
        self.dispatch.run(ask, &caller, Ok(self.dispatch.deadline())).await.result
    }
}

impl Callables {
    /// One more route.
    pub(crate) fn add(&self, path: &str, callable: Callable) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), callable);
    }

    /// The methods of the route with this path.
    pub(crate) fn find(&self, path: &str) -> Option<Callable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }
}

impl fmt::Debug for Callables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callables").finish_non_exhaustive()
    }
}
