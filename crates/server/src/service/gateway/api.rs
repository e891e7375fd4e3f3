//! The APIs of a gateway: what may be called, and what happens then.

use std::sync::Arc;
use std::time::Duration;

use http::Method;

use super::envelope::Request;
use super::error::GatewayError;
use super::pattern::Pattern;
use crate::backend::{Backend, Backends};
use crate::config::{self, ApiKind, BackendSpeaks};

/// One API.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) kind: ApiKind,
    method: Method,
    path: Pattern,
    /// Where calls go; a notification goes to its device.
    pub(super) target: Option<Target>,
    pub(super) is_signed: bool,
    apps: Vec<String>,
    pub(super) is_ordered: bool,
}

/// What is called at a backend.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) backend: Arc<Backend>,
    pub(super) method: Method,
    pub(super) path: Pattern,
    pub(super) speaks: BackendSpeaks,
    pub(super) timeout: Option<Duration>,
}

/// The APIs of one gateway, the most particular first.
#[derive(Debug)]
pub(super) struct Apis(Vec<Arc<Api>>);

/// The API that a request is for, and the parameters of its path.
#[derive(Debug)]
pub(super) struct Meant {
    pub(super) api: Arc<Api>,
    pub(super) parameters: Vec<(String, String)>,
}

impl Apis {
    /// Those of a configuration that was checked.
    pub(super) fn new(plan: &config::Gateway, backends: &Backends) -> Self {
        let mut apis: Vec<_> =
            plan.api.iter().map(|api| Arc::new(Api::new(api, backends))).collect();
        apis.sort_by_key(|api| std::cmp::Reverse(api.path.weight()));
        Self(apis)
    }

    /// The API that a request is for.
    pub(super) fn find(&self, request: &Request) -> Result<Meant, GatewayError> {
        let mut own = self.0.iter().filter(|api| api.method == request.method);
        let meant = own.find_map(|api| {
            let parameters = api.path.find(&request.path)?;
            Some(Meant { api: Arc::clone(api), parameters })
        });
        let meant = meant.ok_or(GatewayError::NotFound)?;
        // Without the header it is the API's own: the documents call its absence COMMON, and clients
        // leave it out.
        match request.header("x-ca-websocket_api_type") {
            Some(said) if !said.eq_ignore_ascii_case(meant.api.kind_name()) => {
                Err(GatewayError::Type(meant.api.kind_name()))
            }
            _ => Ok(meant),
        }
    }

    /// Whether some backend may notify with this method over HTTP.
    pub(super) fn is_notified_by(&self, method: &Method) -> bool {
        self.0.iter().any(|api| api.kind == ApiKind::Notify && api.method == *method)
    }

    /// Whether devices register at all.
    pub(super) fn has_register(&self) -> bool {
        self.0.iter().any(|api| api.kind == ApiKind::Register)
    }
}

impl Api {
    fn new(written: &config::Api, backends: &Backends) -> Self {
        const CHECKED: &str = "the configuration was checked";
        let method = |text: &str| Method::from_bytes(text.as_bytes()).expect(CHECKED);
        let pattern = |text: &str| Pattern::parse(text).expect(CHECKED);
        let target = written.backend.as_deref().map(|name| Target {
            backend: backends.find(name).expect(CHECKED),
            method: method(written.backend_method.as_deref().unwrap_or(&written.method)),
            path: pattern(written.backend_path.as_deref().unwrap_or(&written.path)),
            speaks: written.speaks,
            timeout: written.timeout.map(config::Span::get),
        });
        Self {
            kind: written.kind,
            method: method(&written.method),
            path: pattern(&written.path),
            target,
            is_signed: written.signed,
            apps: written.apps.clone(),
            // A device registers in its turn, whatever it says beside that.
            is_ordered: written.ordered || written.kind != ApiKind::Common,
        }
    }

    /// Whether the application of this key may call it.
    pub(super) fn allows(&self, key: &str) -> Result<(), GatewayError> {
        if self.apps.is_empty() || self.apps.iter().any(|own| own == key) {
            return Ok(());
        }
        Err(GatewayError::AppNotAllowed(key.to_owned()))
    }

    const fn kind_name(&self) -> &'static str {
        match self.kind {
            ApiKind::Common => "COMMON",
            ApiKind::Notify => "NOTIFY",
            ApiKind::Register => "REGISTER",
            ApiKind::Unregister => "UNREGISTER",
        }
    }
}
