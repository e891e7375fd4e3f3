//! Parameters and results: JSON as it was said, and the values of Rust.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use super::error::RpcError;

/// A value as JSON.
pub(crate) fn encode(value: &impl Serialize) -> Result<Box<RawValue>, RpcError> {
    to_raw_value(value).map_err(|_| RpcError::new(RpcError::INTERNAL, "the result is no JSON"))
}

/// Parameters that were given, as a value of a type: those that are missing are null, nothing in an
/// array, or nothing in an object, whichever the type takes.
pub(crate) fn decode<T: DeserializeOwned>(params: Option<&RawValue>) -> Result<T, RpcError> {
    let decoded = match params {
        Some(params) => serde_json::from_str(params.get()),
        None => serde_json::from_str("null")
            .or_else(|_| serde_json::from_str("[]"))
            .or_else(|_| serde_json::from_str("{}")),
    };
    decoded.map_err(|error| RpcError::invalid_params(format!("invalid params: {error}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn missing_parameters_are_whatever_the_type_takes_for_nothing() {
        decode::<()>(None).unwrap();
        assert_eq!(decode::<Vec<u8>>(None).unwrap(), [0u8; 0]);
        assert_eq!(decode::<BTreeMap<String, u8>>(None).unwrap().len(), 0);
        assert_eq!(decode::<(u8,)>(None).unwrap_err().code, RpcError::INVALID_PARAMS);
        assert_eq!(decode::<(u8, bool)>(Some(&raw("[1,true]"))).unwrap(), (1, true));
        assert_eq!(decode::<(u8,)>(Some(&raw("[-1]"))).unwrap_err().code, -32602);
    }
}
