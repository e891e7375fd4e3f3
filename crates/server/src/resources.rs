//! What the services of a server share, made before the first of them.

use std::sync::OnceLock;

use crate::backend::Backends;
use crate::config::{PlannedBackend, PlannedStore};
use crate::counts::Counts;
use crate::devices::Devices;
use crate::events::Outboxes;
use crate::metrics::Metrics;
use crate::service::rpc;
use crate::store::{Store, StoreError, StoreOptions};
use crate::tunnel::Families;

/// What a service may need beyond its own configuration.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    pub(crate) counts: Counts,
    pub(crate) metrics: Metrics,
    /// The HTTP servers behind this one.
    pub(crate) backends: Backends,
    /// What outlives the process, where the configuration has a place for it.
    #[allow(dead_code, reason = "the services that use it come with it")]
    pub(crate) store: Option<Store>,
    /// The devices of all gateways.
    pub(crate) devices: Devices,
    /// What backends are still to be told.
    pub(crate) outboxes: Outboxes,
    proxied: OnceLock<Families>,
    rpc: OnceLock<rpc::Counts>,
}

impl Resources {
    /// Opens the store, and reads what the last process has left in it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where that cannot be.
    pub(crate) fn new(
        backends: Vec<PlannedBackend>,
        store: Option<&PlannedStore>,
    ) -> Result<Self, StoreError> {
        let metrics = Metrics::default();
        let store = store.map(|plan| {
            let options = StoreOptions { min_free_bytes: plan.min_free_bytes };
            Store::open_with(&plan.path, &options)
        });
        let store = store.transpose()?;
        if let Some(store) = &store {
            store.register(&metrics);
        }
        let backends = Backends::new(backends, &metrics);
        let outboxes = Outboxes::open(store.as_ref(), &metrics)?;
        let devices = Devices::open(store.clone(), &metrics)?;
        let (proxied, rpc) = (OnceLock::new(), OnceLock::new());
        let counts = Counts::default();
        Ok(Self { counts, metrics, backends, store, devices, outboxes, proxied, rpc })
    }

    /// What is counted of upstreams; `/metrics` shows it once there is one.
    pub(crate) fn proxied(&self) -> &Families {
        self.proxied.get_or_init(|| self.metrics.register(Families::registered))
    }

    /// What is counted of JSON-RPC; `/metrics` shows it once there is a node, or answers are kept.
    pub(crate) fn rpc(&self) -> &rpc::Counts {
        self.rpc.get_or_init(|| self.metrics.register(rpc::Counts::registered))
    }
}
