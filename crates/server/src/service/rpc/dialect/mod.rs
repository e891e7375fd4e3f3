//! How clients speak that are older than the rest, or have more to say.

mod bidirectional;
mod rpc_websockets;

pub(crate) use bidirectional::refuse_named;
pub(crate) use rpc_websockets::Seat;
