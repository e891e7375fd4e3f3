//! The configuration, in stages that are types.
//!
//! ```text
//! Source ─parse─▶ File ─+ Overrides─▶ Plan ─▶ App::bind
//!  text           keys     flags,      checked
//!                          environment
//! ```

mod check;
mod error;
mod file;
mod overrides;
mod plan;
mod route;
mod rpc;
mod source;
mod span;
mod upstream;

pub use error::{ConfigError, Problem};
pub use file::{File, HandshakeLimits, Listener, Log, LogFormat, LogLevel, Tls};
pub use overrides::Overrides;
pub use plan::{Listener as PlannedListener, Page as PlannedPage, Plan, Route as PlannedRoute};
pub use route::{Compression, Limits, Page, Route, Service};
pub use rpc::{RateOf, Rpc, RpcBackend, RpcCache, RpcDialect, RpcLimits, RpcRate, RpcWebsockets};
pub use source::{At, Key, Source};
pub use span::{Span, SpanError};
pub use tieline::serve::Place;
pub use upstream::Upstream;
