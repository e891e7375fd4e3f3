//! What is asked of the gateway, and what it answers.

use std::collections::BTreeMap;

use data_encoding::BASE64;

/// A call of one of the gateway's APIs.
///
/// # Example
///
/// ```
/// use tieline::gateway::Call;
///
/// let call = Call::post("/login").query("v", "2").form([("user", "xiaoming")]);
/// assert_eq!(call.path, "/login");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// GET, POST and so on.
    pub method: String,
    /// From `/` on, without a query.
    pub path: String,
    /// The query, each name once.
    pub query: BTreeMap<String, String>,
    /// Headers by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// What is sent with it.
    pub body: Body,
}

/// What is sent with a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes, which travel as base64.
    Bytes(Vec<u8>),
    /// A form, each name once.
    Form(BTreeMap<String, String>),
    /// Text.
    Text(String),
}

/// Which call an answer is for, as its caller knows it.
pub(super) type CallId = u64;

/// What a call is to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Common,
    Register,
    Unregister,
}

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// As many calls wait as may ([`Options::max_calls`](super::Options::max_calls)).
    #[error("too many calls wait: wait for some of them")]
    Busy,
    /// The client has ended.
    #[error("the client has ended")]
    Ended,
    /// The line was lost after the call was sent: it may have been carried out, or not.
    #[error("the line was lost before the answer: the call may have been carried out, or not")]
    Lost,
    /// No answer in time ([`Options::call_within`](super::Options::call_within)).
    #[error("no answer in time")]
    TimedOut,
}

/// What a call was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status, as of HTTP.
    pub status: u16,
    /// Headers by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

impl Call {
    /// A call with this method.
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self { method: method.into(), path: path.into(), ..Self::default() }
    }

    /// A GET.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    /// A POST.
    pub fn post(path: impl Into<String>) -> Self {
        Self::new("POST", path)
    }

    /// Adds to the query.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.insert(name.into(), value.into());
        self
    }

    /// Sets a header.
    pub fn header(mut self, name: impl AsRef<str>, value: impl Into<String>) -> Self {
        self.headers.insert(name.as_ref().to_ascii_lowercase(), value.into());
        self
    }

    /// Sends a form.
    pub fn form<K: Into<String>, V: Into<String>>(
        mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.body = Body::Form(pairs.collect());
        self
    }

    /// Sends text of this type, such as `application/json`.
    pub fn text(mut self, content_type: &str, text: impl Into<String>) -> Self {
        self.body = Body::Text(text.into());
        self.header("content-type", content_type)
    }

    /// Sends bytes of this type.
    pub fn bytes(mut self, content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Bytes(bytes.into());
        self.header("content-type", content_type)
    }

    /// Adds the headers that every call has; what its maker has set is not changed, but for its
    /// sequence and its type.
    pub(super) fn complete(&mut self, host: &str, kind: Kind, seq: &str) {
        let mut put = |name: &str, value: &str| {
            self.headers.entry(name.into()).or_insert_with(|| value.into());
        };
        put("host", host);
        put("accept", "application/json; charset=utf-8");
        if matches!(self.body, Body::Form(_)) {
            put("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        }
        self.headers.insert("x-ca-seq".into(), seq.into());
        let api_type = match kind {
            Kind::Common => return,
            Kind::Register => "REGISTER",
            Kind::Unregister => "UNREGISTER",
        };
        self.headers.insert("x-ca-websocket_api_type".into(), api_type.into());
    }
}

impl Body {
    /// The bytes as they are signed: none for a form, whose fields are signed one by one.
    pub(super) fn signed_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Empty | Self::Form(_) => None,
            Self::Bytes(bytes) => Some(bytes),
            Self::Text(text) => Some(text.as_bytes()),
        }
    }

    /// As it stands in an envelope, and whether that is base64.
    pub(super) fn encode(&self) -> (String, bool) {
        match self {
            Self::Empty => (String::new(), false),
            Self::Bytes(bytes) => (BASE64.encode(bytes), true),
            Self::Form(pairs) => (encode_form(pairs), false),
            Self::Text(text) => (text.clone(), false),
        }
    }
}

impl Response {
    /// Whether the status is 2xx.
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// Why the gateway itself did not hand the call on, such as `I404NF`; `None` for what a backend
    /// answered.
    pub fn error_code(&self) -> Option<&str> {
        self.headers.get("x-ca-error-code").map(String::as_str)
    }
}

fn encode_form(pairs: &BTreeMap<String, String>) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.extend_pairs(pairs);
    out.finish()
}
