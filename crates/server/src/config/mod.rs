//! The configuration, in stages that are types.
//!
//! ```text
//! Source ─parse─▶ File ─+ Overrides─▶ Plan ─▶ App::bind
//!  text           keys     flags,      checked
//!                          environment
//! ```

mod access;
mod backend;
mod channels;
mod check;
mod command;
mod error;
mod events;
mod file;
mod gateway;
mod gateway_problem;
mod namespace;
mod operator;
mod overrides;
mod plan;
mod process;
mod proxy;
mod rate;
mod route;
mod rpc;
mod shell;
mod source;
mod span;
mod store;
mod tail;
mod tail_problem;
mod terminal;
mod tls;
mod upstream;

pub use access::{Access, ClaimNames, JwtAccess, TicketAccess, TokenAccess};
pub use backend::{Backend, Breaker, Protocol};
pub use channels::{Channels, LineDevices};
pub use command::{Command, Errors, Frame};
pub use error::{ConfigError, Problem};
pub use events::Events;
pub use file::{File, HandshakeLimits, Listener, Log, LogFormat, LogLevel};
pub use gateway::{Api, ApiKind, BackendSpeaks, DeviceInbox, Gateway, GatewayApp, GatewayLimits};
pub use gateway_problem::GatewayProblem;
pub use namespace::{Durability, Namespace, Slow, Who};
pub use operator::Operator;
pub use overrides::Overrides;
pub use plan::{
    Backend as PlannedBackend, Events as PlannedEvents, Gateway as PlannedGateway,
    Listener as PlannedListener, Operator as PlannedOperator, Page as PlannedPage, Plan,
    Route as PlannedRoute, Store as PlannedStore,
};
pub use process::{Ending, Environment};
pub use proxy::{Health, Proxy, UpstreamTls};
pub use rate::{Rate, RateError};
pub(crate) use route::HEALTH_PATH;
pub use route::{Compression, Excess, Limits, Page, Route, Service};
pub use rpc::{RateOf, Rpc, RpcBackend, RpcCache, RpcDialect, RpcLimits, RpcRate, RpcWebsockets};
pub use shell::Shell;
pub use source::{At, Key, Source};
pub use span::{Span, SpanError};
pub use store::Store;
pub use tail::{Ssh, Tail, TailFormat, TailSource};
pub use tail_problem::TailProblem;
pub use terminal::{Record, Terminal, Typing};
pub use tieline::serve::Place;
pub use tls::Tls;
pub use upstream::{OnGap, Upstream};
