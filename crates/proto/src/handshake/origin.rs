//! Which pages may open a line: the check that keeps a foreign page from using a visitor's rights.

use std::fmt;
use std::str::FromStr;

use super::Legacy;
use crate::http::Authority;

/// A web origin: where a page comes from.
///
/// Written `scheme://host[:port]`, compared whole: scheme and host in lower case, a default port
/// like none. Names in other scripts are given as punycode, as browsers send them.
///
/// Spec: RFC 6454 §4, §6.
///
/// # Example
///
/// ```
/// use tieline_proto::handshake::Origin;
///
/// let origin: Origin = "HTTPS://Example.com:443".parse()?;
/// assert_eq!(origin.to_string(), "https://example.com");
/// # Ok::<(), tieline_proto::handshake::OriginError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    Page { scheme: String, host: String, port: Option<u16> },
}

/// A text that is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OriginError;

/// What carries the request, where it is known: a server behind a proxy does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "HTTP has these two schemes")]
pub enum Scheme {
    /// Plain TCP, or a Unix socket.
    Http,
    /// TLS.
    Https,
}

/// What a request says about where it comes from and where it arrived.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build one for requests that are no upgrade")]
pub struct Claim<'a> {
    /// `Origin`, or what stands for it in the request's dialect. Two such lines are refused earlier.
    pub origin: Option<&'a str>,
    /// `Host`.
    pub host: Option<&'a str>,
    /// What carried the request; `None` compares without the scheme.
    pub scheme: Option<Scheme>,
    /// Whether the old drafts are let in where it arrived.
    pub legacy: Legacy,
}

/// The pages that may open a line. Default: those of the same origin.
///
/// A request without `Origin` does not come from a browser's page and is always let in: nobody's
/// cookies are at stake that the sender does not hold anyway.
///
/// Spec: RFC 6455 §10.2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origins {
    /// Any page at all, the setting `danger_accept_any_origin`.
    DangerAny,
    /// Exactly these; the same origin only where it is listed.
    List(Vec<Origin>),
    /// Scheme (where known), host and port are those of the request itself.
    #[default]
    SameOrigin,
    /// The same origin, and exactly these.
    SameOriginOr(Vec<Origin>),
}

impl Origin {
    /// What pages opened from disk and sandboxed frames send. Any page can make itself one.
    pub const NULL: Self = Self(Kind::Null);

    fn is_same(&self, host: &Authority, scheme: Option<Scheme>) -> bool {
        let Kind::Page { scheme: theirs, host: name, port } = &self.0 else { return false };
        let known = match theirs.as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return false,
        };
        scheme.is_none_or(|scheme| scheme == known)
            && *name == host.host
            && *port == host.port.or_else(|| default_port(theirs))
    }
}

impl Origins {
    /// Whether a request that claims this may be answered with 101.
    pub fn allows(&self, claim: &Claim<'_>) -> bool {
        let Some(text) = claim.origin else { return true };
        if matches!(self, Self::DangerAny) {
            return true;
        }
        let listed = match self {
            Self::List(list) | Self::SameOriginOr(list) => list.as_slice(),
            Self::DangerAny | Self::SameOrigin => &[],
        };
        let same_is_enough = matches!(self, Self::SameOrigin | Self::SameOriginOr(_));
        let host = claim.host.and_then(Authority::parse);
        match text.parse::<Origin>() {
            Ok(origin) if listed.contains(&origin) => true,
            Ok(origin) => {
                same_is_enough && host.is_some_and(|host| origin.is_same(&host, claim.scheme))
            }
            // Some clients of the drafts' time send `127.0.0.1:8080`, without a scheme, whatever
            // version they speak.
            Err(_) if same_is_enough && claim.legacy == Legacy::On => {
                host.is_some() && host == Authority::parse(text)
            }
            Err(_) => false,
        }
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

impl FromStr for Origin {
    type Err = OriginError;

    /// Parses `null` or `scheme://host[:port]`.
    ///
    /// # Errors
    ///
    /// [`OriginError`] for anything else: a path, even `/` alone, user information, several
    /// origins, characters beyond ASCII.
    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text == "null" {
            return Ok(Self::NULL);
        }
        let (scheme, place) = text.split_once("://").ok_or(OriginError)?;
        if !is_scheme(scheme) {
            return Err(OriginError);
        }
        let scheme = scheme.to_ascii_lowercase();
        // `file://` and its like have no host.
        if place.is_empty() && default_port(&scheme).is_none() {
            return Ok(Self(Kind::Page { scheme, host: String::new(), port: None }));
        }
        let place = Authority::parse(place).ok_or(OriginError)?;
        let port = place.port.or_else(|| default_port(&scheme));
        Ok(Self(Kind::Page { scheme, host: place.host, port }))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Null => f.write_str("null"),
            Kind::Page { scheme, host, port: Some(port) }
                if default_port(scheme) != Some(*port) =>
            {
                write!(f, "{scheme}://{host}:{port}")
            }
            Kind::Page { scheme, host, .. } => write!(f, "{scheme}://{host}"),
        }
    }
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("origin is neither `null` nor `scheme://host[:port]`")
    }
}

impl std::error::Error for OriginError {}
