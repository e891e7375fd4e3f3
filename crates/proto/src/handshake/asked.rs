//! What a request to upgrade says, header by header, each checked as it is read.

use http::{HeaderMap, HeaderValue, Method, Request, Version, header};

use super::error::{Fault, HandshakeError, Problem};
use super::header::{extensions, one, protocols, untrimmed};
use super::{Dialect, key};
use crate::http::{Extension, has_token};
use crate::legacy::hixie76;

/// What differs from dialect to dialect.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// Over HTTP/2 and later, where nothing depends on the key.
    Connect {
        key: Option<String>,
    },
    Hixie75,
    Hixie76 {
        parts: [u32; 2],
    },
    Hybi {
        version: u8,
        key: String,
    },
}

impl Asked {
    /// Reads the keys and the version of that dialect.
    pub(super) fn parse(headers: &HeaderMap, dialect: Dialect) -> Result<Self, HandshakeError> {
        match dialect {
            Dialect::Hixie75 => Ok(Self::Hixie75),
            Dialect::Hixie76 => {
                // Drafts hybi-01 to -03 write keys alike and frame otherwise.
                if required(headers, "Sec-WebSocket-Draft").is_ok_and(|draft| draft != "0") {
                    return Err(HandshakeError::UnknownVersion);
                }
                let part = |name| {
                    let key = untrimmed(headers, name);
                    let key = key.map_err(|problem| HandshakeError::request(name, problem))?;
                    let key = key.ok_or_else(|| HandshakeError::request(name, Problem::Missing))?;
                    hixie76::part(key.as_bytes()).ok_or(HandshakeError::LegacyKey)
                };
                Ok(Self::Hixie76 {
                    parts: [part("Sec-WebSocket-Key1")?, part("Sec-WebSocket-Key2")?],
                })
            }
            Dialect::Hybi => {
                let version = match required(headers, "Sec-WebSocket-Version")? {
                    "13" => 13,
                    "8" => 8,
                    "7" => 7,
                    _ => return Err(HandshakeError::UnknownVersion),
                };
                let key = required(headers, "Sec-WebSocket-Key")?;
                if !key::is_valid(key, version) {
                    return Err(HandshakeError::request("Sec-WebSocket-Key", Problem::Invalid));
                }
                Ok(Self::Hybi { version, key: key.to_owned() })
            }
        }
    }

    /// Reads what is left of it in an extended CONNECT: of versions there is one, and `:protocol`
    /// stands for the key (RFC 8441 §5).
    pub(super) fn parse_connect(headers: &HeaderMap) -> Result<Self, HandshakeError> {
        let name = "Sec-WebSocket-Version";
        if required(headers, name)? != "13" {
            return Err(HandshakeError::request(name, Problem::Invalid));
        }
        // A client may send one all the same; it is answered if it can be.
        let key = one(headers, "Sec-WebSocket-Key").ok().flatten();
        let key = key.filter(|key| key::is_valid(key, 13)).map(str::to_owned);
        Ok(Self::Connect { key })
    }

    /// What the client speaks.
    pub(super) const fn dialect(&self) -> Dialect {
        match self {
            Self::Hixie75 => Dialect::Hixie75,
            Self::Hixie76 { .. } => Dialect::Hixie76,
            Self::Connect { .. } | Self::Hybi { .. } => Dialect::Hybi,
        }
    }

    /// `Sec-WebSocket-Version`; `None` for hixie.
    pub(super) const fn version(&self) -> Option<u8> {
        match self {
            Self::Connect { .. } => Some(13),
            Self::Hixie75 | Self::Hixie76 { .. } => None,
            Self::Hybi { version, .. } => Some(*version),
        }
    }
}

/// A key or a version makes it hybi, one of the two keys hixie-76; what has neither is hixie-75.
pub(super) fn dialect(headers: &HeaderMap) -> Dialect {
    let has = |name| headers.contains_key(name);
    if has("sec-websocket-version") || has("sec-websocket-key") {
        Dialect::Hybi
    } else if has("sec-websocket-key1") || has("sec-websocket-key2") {
        Dialect::Hixie76
    } else {
        Dialect::Hixie75
    }
}

/// §4.2.1: GET, HTTP/1.1 or higher, `Connection` that names `Upgrade`, and one `Host`.
pub(super) fn check_line<B>(request: &Request<B>) -> Result<Option<&str>, HandshakeError> {
    if request.method() != Method::GET {
        return Err(HandshakeError::MethodNotAllowed);
    }
    if request.version() < Version::HTTP_11 {
        return Err(HandshakeError::Version(Fault::Client, request.version()));
    }
    let headers = request.headers();
    if !has_token(headers, "Connection", "upgrade") {
        let missing = !headers.contains_key(header::CONNECTION);
        let problem = if missing { Problem::Missing } else { Problem::Invalid };
        return Err(HandshakeError::request("Connection", problem));
    }
    required(headers, "Host").map(Some)
}

/// RFC 8441 §4: a CONNECT, for the one protocol there is; answers its host.
pub(super) fn check_connect<'a, B>(
    request: &'a Request<B>,
    protocol: &str,
) -> Result<Option<&'a str>, HandshakeError> {
    if request.method() != Method::CONNECT {
        return Err(HandshakeError::MethodNotAllowed);
    }
    // RFC 9110 §7.8: names of protocols are the same in any case.
    if !protocol.eq_ignore_ascii_case("websocket") {
        return Err(HandshakeError::UnknownProtocol);
    }
    match request.uri().authority() {
        Some(authority) => Ok(Some(authority.as_str())),
        None => required(request.headers(), "Host").map(Some),
    }
}

/// Bytes of a body would be taken for frames, or frames for a body by whoever stands in between.
pub(super) fn check_body(headers: &HeaderMap, dialect: Dialect) -> Result<(), HandshakeError> {
    // Some clients of hixie-76 announce key3 as a body.
    let is_harmless =
        |value: &HeaderValue| value == "0" || (dialect == Dialect::Hixie76 && value == "8");
    let announced = headers.get_all(header::CONTENT_LENGTH);
    if headers.contains_key(header::TRANSFER_ENCODING) || !announced.iter().all(is_harmless) {
        return Err(HandshakeError::BodyInRequest);
    }
    Ok(())
}

/// The page the request comes from. Versions 7 and 8 have a header of their own for it; where both
/// are there, a proxy's check and ours must not see different ones.
pub(super) fn origin(
    headers: &HeaderMap,
    version: Option<u8>,
) -> Result<Option<&str>, HandshakeError> {
    let read = |name| one(headers, name).map_err(|problem| HandshakeError::request(name, problem));
    let origin = read("Origin")?;
    let older = match version {
        Some(7 | 8) => read("Sec-WebSocket-Origin")?,
        _ => None,
    };
    match (origin, older) {
        (Some(origin), Some(older)) if origin != older => {
            Err(HandshakeError::request("Sec-WebSocket-Origin", Problem::Invalid))
        }
        (origin, older) => Ok(origin.or(older)),
    }
}

/// A comma list in hybi; one name of any characters in hixie.
pub(super) fn offered_protocols(
    headers: &HeaderMap,
    dialect: Dialect,
) -> Result<Vec<String>, HandshakeError> {
    let one_whole = |name| {
        let whole = one(headers, name)?.filter(|whole| !whole.is_empty());
        Ok(whole.map(str::to_owned).into_iter().collect())
    };
    let (name, offered) = match dialect {
        Dialect::Hixie75 => ("WebSocket-Protocol", one_whole("WebSocket-Protocol")),
        Dialect::Hixie76 => ("Sec-WebSocket-Protocol", one_whole("Sec-WebSocket-Protocol")),
        Dialect::Hybi => ("Sec-WebSocket-Protocol", protocols(headers, "Sec-WebSocket-Protocol")),
    };
    offered.map_err(|problem| HandshakeError::request(name, problem))
}

/// §9.1: a list that leaves the grammar fails the handshake; clients of the drafts offered what
/// later became none of it, and theirs is ignored.
pub(super) fn offered_extensions(
    headers: &HeaderMap,
    version: Option<u8>,
) -> Result<Vec<Extension>, HandshakeError> {
    let offered = extensions(headers, "Sec-WebSocket-Extensions");
    match version {
        Some(13) => offered.map_err(|error| HandshakeError::Extensions(Fault::Client, error)),
        Some(_) => Ok(offered.unwrap_or_default()),
        None => Ok(Vec::new()),
    }
}

fn required<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, HandshakeError> {
    one(headers, name)
        .and_then(|value| value.ok_or(Problem::Missing))
        .map_err(|problem| HandshakeError::request(name, problem))
}
