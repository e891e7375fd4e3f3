//! What may be written of who may come to a route.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::Span;
use crate::auth::Algorithm;

/// Who may come to the service of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Access {
    /// Everybody.
    None {},
    /// Whoever has the ticket that the server makes when it starts: good once, for one browser.
    Ticket(TicketAccess),
    /// Whoever has one of the tokens in a file.
    Token(TokenAccess),
    /// Whoever has a token that somebody signed whose key is known (JWT).
    Jwt(Box<JwtAccess>),
}

/// Whoever has the ticket that the server makes when it starts, and prints. It is the same for all
/// routes; a page exchanges it once for a cookie, which no script can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TicketAccess {
    /// How long the cookie is good, from "1s" to "8760h"; open lines then end. Default "12h".
    pub expires: Span,
}

/// Whoever has one of the tokens in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TokenAccess {
    /// The file. Each of its lines is TOKEN, or NAME TOKEN, or NAME TOKEN RIGHT…; # begins a
    /// comment. It is read again on SIGHUP.
    pub file: PathBuf,

    /// Rights that a token must have, all of them. Default none.
    #[serde(default)]
    pub rights: Vec<String>,

    /// Lets in who has no token, too, as nobody: a service may let such do less. Default false.
    #[serde(default)]
    pub anonymous: bool,

    /// The cookie that may hold the token. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,

    /// The parameter of the query that may hold the token, which proxies and browsers then write
    /// into their logs and histories. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub danger_query: Option<String>,
}

/// Whoever has a token that somebody signed whose key is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct JwtAccess {
    /// How tokens may be signed: "HS256", "RS256", "ES256", "EdDSA". No other is accepted, whatever
    /// a token says.
    pub algorithms: Vec<Algorithm>,

    /// The secret of HS256, at least 32 bytes; a newline at its end does not count. It is read
    /// again on SIGHUP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,

    /// Public keys in PEM, for the other algorithms. They are read again on SIGHUP.
    #[serde(default)]
    pub key_files: Vec<PathBuf>,

    /// An address that publishes the keys (JWKS), instead of files: `https://…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<String>,

    /// How often the address is asked for its keys; less than "10s" counts as that. It is asked as
    /// well when a token names a key that is not known, at most every ten seconds. Default "600s".
    #[serde(default = "ten_minutes")]
    pub jwks_refresh: Span,

    /// Lets keys come over plain HTTP from another machine. Default false.
    #[serde(default)]
    pub danger_jwks_over_http: bool,

    /// Whom a token must be for (`aud`): one of these. Default none: then a token that is for
    /// somebody in particular is refused.
    #[serde(default)]
    pub audience: Vec<String>,

    /// Who must have made it (`iss`): one of these. Default none: whoever has a key.
    #[serde(default)]
    pub issuer: Vec<String>,

    /// How far the clocks may be apart. Default "30s".
    #[serde(default = "half_a_minute")]
    pub leeway: Span,

    /// What the claims are called.
    #[serde(default)]
    pub claims: ClaimNames,

    /// Rights that a token must have, all of them. Default none.
    #[serde(default)]
    pub rights: Vec<String>,

    /// Lets in who has no token, too, as nobody: a service may let such do less. Default false.
    #[serde(default)]
    pub anonymous: bool,

    /// The cookie that may hold the token. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,

    /// The parameter of the query that may hold the token, which proxies and browsers then write
    /// into their logs and histories. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub danger_query: Option<String>,

    /// Accepts tokens that never expire. Default false.
    #[serde(default)]
    pub danger_accept_no_expiry: bool,
}

/// What the claims of a token are called; `/realm_access/roles` is one inside another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ClaimNames {
    /// Whose it is. Default "sub".
    pub user: String,

    /// When it ends; `exp` holds beside another. Default "exp".
    pub expires: String,

    /// What it may do: words with spaces between, or a list. Default "scope".
    pub rights: String,
}

impl Access {
    /// Whether it lets in who shows nothing.
    pub(crate) const fn is_open(&self) -> bool {
        match self {
            Self::None {} => true,
            Self::Ticket(_) => false,
            Self::Token(token) => token.anonymous,
            Self::Jwt(jwt) => jwt.anonymous,
        }
    }

    /// Whether somebody whose token was good here is as well known there: the same tokens are, or nobody
    /// is asked here. Rights, and where a token may be, do not matter.
    pub(crate) fn is_judged_like(&self, there: &Self) -> bool {
        match (self, there) {
            (Self::None {}, _) | (Self::Ticket(_), Self::Ticket(_)) => true,
            (Self::Token(here), Self::Token(there)) => here.file == there.file,
            (Self::Jwt(here), Self::Jwt(there)) => {
                let bare = |jwt: &JwtAccess| JwtAccess {
                    rights: Vec::new(),
                    anonymous: false,
                    cookie: None,
                    danger_query: None,
                    ..jwt.clone()
                };
                bare(here) == bare(there)
            }
            _ => false,
        }
    }
}

impl Default for Access {
    fn default() -> Self {
        Self::None {}
    }
}

impl Default for TicketAccess {
    fn default() -> Self {
        Self { expires: Span::from_secs(12 * 60 * 60) }
    }
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self { user: "sub".into(), expires: "exp".into(), rights: "scope".into() }
    }
}

const fn ten_minutes() -> Span {
    Span::from_secs(600)
}

const fn half_a_minute() -> Span {
    Span::from_secs(30)
}
