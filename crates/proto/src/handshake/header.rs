//! Header lines that the handshake reads once, and those it alone may write.

use http::{HeaderMap, HeaderName};

use super::error::Problem;
use crate::http::{Extension, ExtensionError, is_token, tokens};

/// The value of a header that may be there once at most, without the white space around it.
pub(super) fn one<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a str>, Problem> {
    Ok(untrimmed(headers, name)?.map(|value| value.trim_matches([' ', '\t'])))
}

/// As [`one`], with the white space around it.
pub(super) fn untrimmed<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(Problem::Duplicate),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Problem::Invalid),
    }
}

/// The subprotocols of a comma list, in order and each once.
pub(super) fn protocols(headers: &HeaderMap, name: &'static str) -> Result<Vec<String>, Problem> {
    let mut protocols: Vec<String> = Vec::new();
    for element in tokens(headers, name) {
        let element = Some(element).filter(|element| is_token(element));
        let element = std::str::from_utf8(element.ok_or(Problem::Invalid)?);
        let element = element.map_err(|_| Problem::Invalid)?;
        if !protocols.iter().any(|known| known == element) {
            protocols.push(element.to_owned());
        }
    }
    Ok(protocols)
}

/// The extensions of all header lines of that name, in order.
pub(super) fn extensions(
    headers: &HeaderMap,
    name: &'static str,
) -> Result<Vec<Extension>, ExtensionError> {
    let mut extensions = Vec::new();
    for value in headers.get_all(name) {
        let value = value.to_str().map_err(|_| ExtensionError { at: 0 })?;
        extensions.append(&mut Extension::parse(value)?);
    }
    Ok(extensions)
}

/// Whether a header belongs to the handshake or to the framing of HTTP, so that no caller adds it.
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("sec-websocket-")
        || name.starts_with("websocket-")
        || matches!(
            name,
            "connection"
                | "content-length"
                | "expect"
                | "host"
                | "http2-settings"
                | "keep-alive"
                | "origin"
                | "proxy-connection"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
        )
}
