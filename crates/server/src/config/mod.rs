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
mod gateway;
mod gateway_problem;
mod overrides;
mod plan;
mod proxy;
mod route;
mod source;
mod span;
mod store;

pub use backend::{Backend, Breaker, Protocol};
pub use error::{ConfigError, Problem};
pub use events::Events;
pub use file::{File, HandshakeLimits, Listener, Log, LogFormat, LogLevel, Tls};
pub use gateway::{Api, ApiKind, BackendSpeaks, DeviceInbox, Gateway, GatewayApp, GatewayLimits};
pub use gateway_problem::GatewayProblem;
pub use overrides::Overrides;
pub use plan::{
    Backend as PlannedBackend, Events as PlannedEvents, Gateway as PlannedGateway,
    Listener as PlannedListener, Page as PlannedPage, Plan, Route as PlannedRoute,
    Store as PlannedStore,
};
pub use proxy::{Health, Proxy, UpstreamTls};
pub use route::{Compression, Limits, Page, Route, Service};
pub use source::{At, Key, Source};
pub use span::{Span, SpanError};
pub use store::Store;
pub use tieline::serve::Place;
