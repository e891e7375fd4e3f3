//! What the services of a server share, made before the first of them.

use crate::metrics::Metrics;

/// What a service may need beyond its own configuration.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    #[expect(dead_code, reason = "services and the operator's side come next")]
    pub(crate) metrics: Metrics,
}
