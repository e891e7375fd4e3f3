//! What the services of a server share, made before the first of them.

use crate::backend::Backends;
use crate::config::{PlannedBackend, PlannedStore};
use crate::events::Outboxes;
use crate::metrics::Metrics;
use crate::store::{Store, StoreError, StoreOptions};

/// What a service may need beyond its own configuration.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    #[expect(dead_code, reason = "services and the operator's side come next")]
    pub(crate) metrics: Metrics,
    /// The HTTP servers behind this one.
    #[allow(dead_code, reason = "the services that use it come with it")]
    pub(crate) backends: Backends,
    /// What outlives the process, where the configuration has a place for it.
    #[allow(dead_code, reason = "the services that use it come with it")]
    pub(crate) store: Option<Store>,
    /// What backends are still to be told.
    pub(crate) outboxes: Outboxes,
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
        Ok(Self { metrics, backends, store, outboxes })
    }
}
