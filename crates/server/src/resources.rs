//! What the services of a server share, made before the first of them.

use std::sync::Arc;

use crate::auth::Standing;
use crate::backend::Backends;
use crate::config::{PlannedBackend, PlannedStore};
use crate::counts::Counts;
use crate::devices::Devices;
use crate::events::Outboxes;
use crate::metrics::Metrics;
use crate::process::Processes;
use crate::service::{ChannelCounts, Clients, Hub, Namespaces, rpc};
use crate::tunnel::Families;
use crate::workers::Workers;
use tieline_hub::{Broker, Durable, Memory};
use tieline_store::{Store, StoreError};

/// What a service may need beyond its own configuration.
#[derive(Debug)]
pub(crate) struct Resources {
    pub(crate) counts: Counts,
    pub(crate) metrics: Metrics,
    /// The HTTP servers behind this one.
    pub(crate) backends: Backends,
    /// What is counted of channels.
    pub(crate) channels: ChannelCounts,
    /// The devices of all gateways.
    pub(crate) devices: Devices,
    /// What is published, and who hears it.
    pub(crate) hub: Hub,
    /// What holds for its channels.
    pub(crate) namespaces: Arc<Namespaces>,
    /// What backends are still to be told.
    pub(crate) outboxes: Outboxes,
    /// The programs that the server runs.
    pub(crate) processes: Processes,
    /// Whose lines are open, and whose tokens hold no more.
    pub(crate) standing: Standing,
    /// What outlives the process.
    store: Option<Store>,
    /// The clients of channels, by their ids.
    pub(crate) clients: Clients,
    /// What routes of JSON-RPC answer, for other services.
    pub(crate) methods: rpc::Callables,
    /// What is counted of upstreams.
    pub(crate) proxied: Families,
    /// What is counted of JSON-RPC.
    pub(crate) rpc: rpc::Counts,
    /// How one worker reaches another.
    pub(crate) workers: Workers,
}

impl Default for Resources {
    /// No backends, and nothing that outlives the process.
    fn default() -> Self {
        Self::new(Vec::new(), Arc::default(), None)
            .expect("without a store there is nothing that can fail")
    }
}

impl Resources {
    /// Opens the store, and reads what the last process has left in it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where that cannot be.
    pub(crate) fn new(
        backends: Vec<PlannedBackend>,
        namespaces: Arc<Namespaces>,
        store: Option<&PlannedStore>,
    ) -> Result<Self, StoreError> {
        let metrics = Metrics::default();
        let store = store.map(|plan| Store::open(&plan.path, plan.min_free_bytes)).transpose()?;
        if let Some(store) = &store {
            metrics.register(|registry| store.register(registry));
        }
        let backends = Backends::new(backends, &metrics);
        let durable = store.clone().map(Durable::open).transpose()?;
        let disk = durable.map(|durable| Arc::new(durable) as Arc<dyn Broker>);
        let hub = Hub::new(Arc::new(Memory::new()), disk);
        let outboxes = Outboxes::open(store.as_ref(), &metrics)?;
        let devices = Devices::open(store.clone(), &metrics)?;
        let processes = Processes::new(&metrics);
        let proxied = metrics.register(Families::registered);
        let rpc = metrics.register(rpc::Counts::registered);
        let channels = ChannelCounts::registered(&metrics);
        let counts = Counts::default();
        Ok(Self {
            counts,
            metrics,
            backends,
            channels,
            devices,
            hub,
            namespaces,
            standing: Standing::default(),
            store,
            clients: Clients::default(),
            methods: rpc::Callables::default(),
            outboxes,
            processes,
            proxied,
            rpc,
            workers: Workers::default(),
        })
    }

    /// The same for routes whose accesses share this; it goes on with what the last process has left.
    pub(crate) fn with(self, standing: Standing) -> Result<Self, StoreError> {
        if let Some(store) = &self.store {
            standing.open(store)?;
        }
        Ok(Self { standing, ..self })
    }
}
