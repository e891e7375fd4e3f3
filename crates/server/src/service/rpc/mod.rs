//! JSON-RPC 2.0.

mod error;
pub(crate) mod upstream;

pub use error::RpcError;
