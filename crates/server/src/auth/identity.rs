//! Who somebody is, as far as the server was told and believed it.

use std::time::SystemTime;

/// Who somebody is: from a token that was found good.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The name; neither empty nor longer than 256 bytes, without control characters.
    pub user: String,
    /// When it ends, leeway included: an open line is then closed with 4401, unless it was renewed.
    /// `None` for one that does not end.
    pub expires: Option<SystemTime>,
    /// What it may do, in the words of whoever made the token.
    pub rights: Vec<String>,
    /// What its token is called, where it says so (`jti`).
    pub id: Option<String>,
    /// When its token was made, where it says so (`iat`).
    pub issued: Option<SystemTime>,
}

/// Longest name, in bytes.
const MAX_USER_BYTES: usize = 256;

impl Identity {
    /// Somebody of this name, who may do nothing, and does not end.
    pub(crate) fn of(user: impl Into<String>) -> Self {
        Self { user: user.into(), expires: None, rights: Vec::new(), id: None, issued: None }
    }

    /// A name that can be shown and logged.
    pub(crate) fn is_name(text: &str) -> bool {
        !text.is_empty() && text.len() <= MAX_USER_BYTES && !text.chars().any(char::is_control)
    }
}
