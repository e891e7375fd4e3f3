//! npm `jsonrpc-bidirectional`: calls in both directions on one line.
//!
//! It is JSON-RPC 2.0 with less: parameters stand in an array, and there are no batches. A client
//! that hears anything else than a call or an answer closes its line, so that nothing is pushed to
//! it: there are no subscriptions.

use crate::service::rpc::error::RpcError;
use crate::service::rpc::request::Ask;

/// What a call is answered that this dialect does not have.
pub(crate) fn refuse_named(ask: &Ask) -> Option<RpcError> {
    if ask.params.as_deref().is_some_and(|params| params.get().starts_with('{')) {
        return Some(RpcError::invalid_params("params must be an array"));
    }
    ask.method.ends_with("_subscribe").then(|| RpcError::method_not_found(&ask.method))
}
