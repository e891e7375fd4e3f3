//! The members of a message of JSON-RPC, whoever says it: each as it was written.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

/// What an object has of them, null among them. Members of other names are let be; one that is
/// written twice is an error.
#[derive(Deserialize)]
pub(crate) struct Members<'a> {
    #[serde(default, borrow, deserialize_with = "written")]
    pub(crate) jsonrpc: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "written")]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "written")]
    pub(crate) method: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "written")]
    pub(crate) params: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "written")]
    pub(crate) result: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "written")]
    pub(crate) error: Option<&'a RawValue>,
}

/// A member that is there: serde alone would take one of null for none.
fn written<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

/// The string that is written like this.
pub(crate) fn string(raw: &RawValue) -> serde_json::Result<Cow<'_, str>> {
    /// Borrows where nothing is escaped.
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(raw.get()).map(|text| text.0)
}
