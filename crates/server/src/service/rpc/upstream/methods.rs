//! What is known of the methods of a node: which may be said twice, which must not be shared, and
//! which are not offered.

use serde_json::value::RawValue;

use crate::service::rpc::error::RpcError;

/// Methods of which a node keeps a state for whoever asked. Clients share lines, and a node that
/// comes back knows none of them.
const FILTERS: &[&str] = &[
    "eth_getFilterChanges",
    "eth_getFilterLogs",
    "eth_newBlockFilter",
    "eth_newFilter",
    "eth_newPendingTransactionFilter",
    "eth_uninstallFilter",
];

/// Namespaces in which everything only reads.
const READING: &[&str] = &["net_", "rpc_", "trace_", "txpool_", "web3_"];

/// Beginnings of the names of what only reads, in namespaces where others do more.
const READING_PREFIXES: &[&str] = &["debug_get", "debug_trace", "eth_get"];

/// What else only reads.
const READING_METHODS: &[&str] = &[
    "eth_accounts",
    "eth_baseFee",
    "eth_blobBaseFee",
    "eth_blockNumber",
    "eth_call",
    "eth_callMany",
    "eth_chainId",
    "eth_coinbase",
    "eth_config",
    "eth_createAccessList",
    "eth_estimateGas",
    "eth_feeHistory",
    "eth_gasPrice",
    "eth_hashrate",
    "eth_maxPriorityFeePerGas",
    "eth_mining",
    "eth_protocolVersion",
    "eth_simulateV1",
    "eth_syncing",
];

/// Subscriptions that bring everybody the same from the moment of the subscription on.
const SHARED: &[&str] =
    &["logs", "newHeads", "newPendingTransactions", "syncing", "transactionReceipts"];

/// Whether a call may be said twice where its answer was lost.
pub(super) fn is_repeatable(method: &str) -> bool {
    let begins = |prefix: &&str| method.starts_with(prefix);
    READING.iter().any(begins)
        || READING_PREFIXES.iter().any(begins)
        || READING_METHODS.contains(&method)
}

/// Whether all who subscribe to this share one subscription at the node.
pub(super) fn is_shared(namespace: &str, params: &RawValue) -> bool {
    namespace == "eth" && name(params).is_some_and(|name| SHARED.contains(&name.as_str()))
}

/// The first parameter of a subscription, which is its name.
pub(super) fn name(params: &RawValue) -> Option<String> {
    let values: Vec<&RawValue> = serde_json::from_str(params.get()).ok()?;
    serde_json::from_str(values.first()?.get()).ok()
}

/// Refuses what cannot be had over lines that are shared.
///
/// # Errors
///
/// −32601 with what to use instead. The words are those by which ethers knows a method that is not
/// there, and asks in another way.
pub(super) fn offered(method: &str) -> Result<(), RpcError> {
    if !FILTERS.contains(&method) {
        return Ok(());
    }
    let message = format!(
        "the method {method} does not exist/is not available: a filter is kept by one node for \
         one client, and clients share the lines to it; use eth_subscribe or eth_getLogs"
    );
    Err(RpcError::new(RpcError::METHOD_NOT_FOUND, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reads_is_repeated() {
        for method in
            ["eth_blockNumber", "eth_getLogs", "eth_call", "net_version", "debug_traceCall"]
        {
            assert!(is_repeatable(method), "{method}");
        }
        for method in [
            "eth_sendRawTransaction",
            "eth_sendTransaction",
            "eth_sign",
            "eth_submitWork",
            "evm_mine",
            "anvil_mine",
            "personal_unlockAccount",
            "debug_setHead",
            "eth_callback",
            "",
        ] {
            assert!(!is_repeatable(method), "{method}");
        }
    }

    #[test]
    fn a_filter_is_refused_with_what_to_use_instead() {
        let error = offered("eth_newFilter").unwrap_err();
        assert_eq!(error.code, -32601);
        assert!(error.message.contains("use eth_subscribe or eth_getLogs"), "{error}");
        assert!(offered("eth_getLogs").is_ok());
    }

    #[test]
    fn only_what_is_the_same_for_everybody_is_shared() {
        let is = |namespace, params: &str| {
            is_shared(namespace, &RawValue::from_string(params.to_owned()).unwrap())
        };
        assert!(is("eth", r#"["newHeads"]"#));
        assert!(is("eth", r#"["logs",{"address":[]}]"#));
        assert!(!is("debug", r#"["traceChain","0x1","0x2"]"#));
        assert!(!is("eth", "[]") && !is("eth", "[1]") && !is("eth", "{}"));
    }
}
