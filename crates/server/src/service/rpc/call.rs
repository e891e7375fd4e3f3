//! A call as the method sees it that answers it.

use std::net::IpAddr;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::client::Client;
use super::error::RpcError;
use super::line::Line;
use super::params::decode;
use super::subscriptions::SubscriptionId;
use crate::request::Request;

/// A call, with who calls.
#[derive(Debug)]
pub struct Call {
    method: String,
    params: Option<Box<RawValue>>,
    caller: Caller,
}

/// Who calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    /// The line; `None` for a request of HTTP, which ends with its answer.
    pub(crate) line: Option<Rc<Line>>,
    /// Where from; `None` over a Unix socket.
    pub(crate) address: Option<IpAddr>,
    /// What of the path lies below the route's, with a slash in front.
    pub(crate) namespace: Rc<str>,
}

impl Caller {
    /// Who asks by a request of HTTP.
    pub(crate) fn of(request: &Request) -> Self {
        let address = request.address().map(|address| address.ip());
        Self { address, ..Self::default() }
    }

    /// Who speaks on the line that a request opened.
    pub(crate) fn on(line: &Rc<Line>, request: &Request) -> Self {
        Self { line: Some(Rc::clone(line)), ..Self::of(request) }
    }

    /// Whether there was a login on the line.
    pub(crate) fn has_logged_in(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.has_logged_in.get())
    }

    /// Ends what the caller is not told of.
    pub(crate) fn forget(&self, begins: Option<SubscriptionId>) {
        if let (Some(id), Some(line)) = (begins, &self.line) {
            line.subscriptions.remove(id.as_str());
        }
    }
}

impl Call {
    pub(crate) const fn new(method: String, params: Option<Box<RawValue>>, caller: Caller) -> Self {
        Self { method, params, caller }
    }

    /// The method's name.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The parameters: a tuple for those in an array, a struct for those in an object. Those that
    /// are missing or null are what the type takes for nothing: `()`, an empty list, a struct of
    /// options.
    ///
    /// # Errors
    ///
    /// An [`RpcError`] with -32602 for parameters that are none of this type.
    pub fn params<T: DeserializeOwned>(&self) -> Result<T, RpcError> {
        decode(self.params.as_deref())
    }

    /// The parameters as they were written, an array or an object; `None` where there are none.
    pub fn raw_params(&self) -> Option<&RawValue> {
        self.params.as_deref()
    }

    /// The one who calls, to be called in turn; `None` for a request of HTTP, which cannot be.
    pub fn client(&self) -> Option<Client> {
        self.caller.line.as_ref().map(Client::of)
    }

    /// The IP address of the one who calls; `None` over a Unix socket.
    pub const fn address(&self) -> Option<IpAddr> {
        self.caller.address
    }

    /// In the dialect `rpc-websockets`, what of the path lies below the route's: `/` or `/chat`.
    /// Empty in every other.
    pub fn namespace(&self) -> &str {
        &self.caller.namespace
    }
}
