//! npm `jsonrpc-bidirectional`: calls in both directions on one line.
//!
//! It is JSON-RPC 2.0 with less: parameters stand in an array, and there are no batches. A client
//! that hears anything else than a call or an answer closes its line, so that nothing is pushed to
//! it: there are no subscriptions.

use crate::service::rpc::error::RpcError;
use crate::service::rpc::request::Ask;

/// Refuses a call that this dialect does not have.
pub(crate) fn refuse_named(ask: &Ask) -> Result<(), RpcError> {
    if ask.params.as_deref().is_some_and(|params| params.get().starts_with('{')) {
        return Err(RpcError::invalid_params("params must be an array"));
    }
    if ask.method.ends_with("_subscribe") {
        return Err(RpcError::method_not_found(&ask.method));
    }
    Ok(())
}
