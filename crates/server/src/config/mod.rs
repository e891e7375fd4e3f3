//! The configuration, in stages that are types.
//!
//! ```text
//! Source ─parse─▶ File ─+ Overrides─▶ Plan ─▶ App::bind
//!  text           keys     flags,      checked
//!                          environment
//! ```

mod access;
mod backend;
mod check;
mod error;
mod events;
mod file;
mod gateway;
mod gateway_problem;
mod operator;
mod overrides;
mod plan;
mod proxy;
mod rate;
mod route;
mod rpc;
mod source;
mod span;
mod store;
mod tls;
mod upstream;

pub use access::{Access, ClaimNames, JwtAccess, TicketAccess, TokenAccess};
pub use backend::{Backend, Breaker, Protocol};
pub use error::{ConfigError, Problem};
pub use events::Events;
pub use file::{File, HandshakeLimits, Listener, Log, LogFormat, LogLevel};
pub use gateway::{Api, ApiKind, BackendSpeaks, DeviceInbox, Gateway, GatewayApp, GatewayLimits};
pub use gateway_problem::GatewayProblem;
pub use operator::Operator;
pub use overrides::Overrides;
pub use plan::{
    Backend as PlannedBackend, Events as PlannedEvents, Gateway as PlannedGateway,
    Listener as PlannedListener, Operator as PlannedOperator, Page as PlannedPage, Plan,
    Route as PlannedRoute, Store as PlannedStore,
};
pub use proxy::{Health, Proxy, UpstreamTls};
pub use rate::{Rate, RateError};
pub(crate) use route::HEALTH_PATH;
pub use route::{Compression, Excess, Limits, Page, Route, Service};
pub use rpc::{RateOf, Rpc, RpcBackend, RpcCache, RpcDialect, RpcLimits, RpcRate, RpcWebsockets};
pub use source::{At, Key, Source};
pub use span::{Span, SpanError};
pub use store::Store;
pub use tieline::serve::Place;
pub use tls::Tls;
pub use upstream::{OnGap, Upstream};
