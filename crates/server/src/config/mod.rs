//! The configuration, in stages that are types.
//!
//! ```text
//! Source ─parse─▶ File ─+ Overrides─▶ Plan ─▶ App::bind
//!  text           keys     flags,      checked
//!                          environment
//! ```

mod backend;
mod check;
mod error;
mod events;
mod file;
mod overrides;
mod plan;
mod route;
mod rpc;
mod source;
mod span;
mod store;
mod upstream;

pub use backend::{Backend, Breaker, Protocol};
pub use error::{ConfigError, Problem};
pub use events::Events;
pub use file::{File, HandshakeLimits, Listener, Log, LogFormat, LogLevel, Tls};
pub use overrides::Overrides;
pub use plan::{
    Backend as PlannedBackend, Events as PlannedEvents, Listener as PlannedListener,
    Page as PlannedPage, Plan, Route as PlannedRoute, Store as PlannedStore,
};
pub use route::{Compression, Limits, Page, Route, Service};
pub use rpc::{RateOf, Rpc, RpcBackend, RpcCache, RpcDialect, RpcLimits, RpcRate, RpcWebsockets};
pub use source::{At, Key, Source};
pub use span::{Span, SpanError};
pub use store::Store;
pub use tieline::serve::Place;
pub use upstream::{OnGap, Upstream};
