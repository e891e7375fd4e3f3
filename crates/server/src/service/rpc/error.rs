//! What a call is answered that cannot be answered as it was meant.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The error of a call, as JSON-RPC 2.0 has it.
///
/// A method of yours answers with [`RpcError::new`] and a code of its own; the numbers from -32768
/// to -32000 belong to the protocol.
///
/// Spec: JSON-RPC 2.0 §5.1.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message} ({code})")]
#[non_exhaustive]
pub struct RpcError {
    /// What went wrong, as a number.
    pub code: i64,
    /// What went wrong, in a few words.
    pub message: String,
    /// What else is known of it, as JSON. Default nothing.
    pub data: Option<Box<RawValue>>,
}

impl RpcError {
    /// An application's error that has no code of its own.
    pub const DEFAULT: i64 = -32000;
    /// A call that was not answered in time.
    pub const TIMED_OUT: i64 = -32002;
    /// An answer above its limit.
    pub const TOO_LARGE: i64 = -32003;
    /// More calls than a rate allows, or more subscriptions than a line may have.
    pub const LIMIT_EXCEEDED: i64 = -32005;
    /// JSON that is no call.
    pub const INVALID_REQUEST: i64 = -32600;
    /// A method or a subscription that there is not.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// Parameters that the method does not take.
    pub const INVALID_PARAMS: i64 = -32602;
    /// A failure of the server, or of what stands behind it.
    pub const INTERNAL: i64 = -32603;
    /// A method that needs a login, in the words of `rpc-websockets`.
    pub const METHOD_FORBIDDEN: i64 = -32605;
    /// Text that is not JSON.
    pub const PARSE: i64 = -32700;

    /// An error with this code and message.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same with more about it. What cannot be written as JSON is left out.
    #[must_use]
    pub fn with_data(mut self, data: &impl serde::Serialize) -> Self {
        self.data = serde_json::value::to_raw_value(data).ok();
        self
    }

    /// How long what is said of it is, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.message.len() + self.data.as_deref().map_or(0, |data| data.get().len())
    }

    /// The error that somebody answered with; what was left out is filled in.
    pub(crate) fn read(error: &RawValue) -> Self {
        #[derive(Deserialize)]
        struct Members {
            #[serde(default = "default_code")]
            code: i64,
            #[serde(default)]
            message: String,
            #[serde(default)]
            data: Option<Box<RawValue>>,
        }
        const fn default_code() -> i64 {
            RpcError::DEFAULT
        }
        match serde_json::from_str(error.get()) {
            Ok(Members { code, message, data }) => Self { code, message, data },
            Err(_) => {
                let data = Some(error.to_owned());
                Self { data, ..Self::new(Self::DEFAULT, "an error of another form") }
            }
        }
    }

    /// Text that is not JSON; only the place is told, nothing of the text.
    pub(crate) fn parse(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        Self::new(Self::PARSE, format!("parse error at line {line}, column {column}"))
    }

    /// Bytes that are not UTF-8.
    pub(crate) fn not_utf8() -> Self {
        Self::new(Self::PARSE, "parse error: not UTF-8")
    }

    /// JSON that is no call.
    pub(crate) fn invalid_request(why: impl Into<String>) -> Self {
        Self::new(Self::INVALID_REQUEST, why)
    }

    /// A method that there is not, or not for this caller.
    pub(crate) fn method_not_found(name: &str) -> Self {
        // A name may be long, and its sender knows it.
        let shown: String = name.chars().take(128).collect();
        let message = format!("the method {shown} does not exist/is not available");
        Self::new(Self::METHOD_NOT_FOUND, message)
    }

    /// Parameters that the method does not take.
    pub fn invalid_params(why: impl Into<String>) -> Self {
        Self::new(Self::INVALID_PARAMS, why)
    }

    /// A failure that the caller can do nothing about, and need not know more of.
    pub fn internal() -> Self {
        Self::new(Self::INTERNAL, "internal error")
    }

    /// A call that was not answered in time.
    pub(crate) fn timed_out() -> Self {
        Self::new(Self::TIMED_OUT, "request timed out")
    }

    /// An answer above its limit.
    pub(crate) fn too_large() -> Self {
        Self::new(Self::TOO_LARGE, "response too large")
    }

    /// More than the caller may.
    pub(crate) fn limit_exceeded(what: &str) -> Self {
        Self::new(Self::LIMIT_EXCEEDED, format!("limit exceeded: {what}"))
    }
}
