//! The handshake of hixie-75: no key, an exact head, and nothing after it.
//!
//! ```text
//! HTTP/1.1 101 Web Socket Protocol Handshake
//! Upgrade: WebSocket
//! Connection: Upgrade
//! WebSocket-Origin: …
//! WebSocket-Location: …
//! WebSocket-Protocol: …        (where one was chosen)
//! ```
//!
//! Clients of the draft compare it byte for byte: order, case and the two words `Web Socket` count.

/// What a head of either draft says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    /// The client's own; a client that named none gets no such line.
    pub(crate) origin: Option<&'a str>,
    /// The URL the client asked for.
    pub(crate) location: &'a str,
    /// The subprotocol chosen.
    pub(crate) protocol: Option<&'a str>,
}

/// Writes the head without the empty line that ends it.
pub(crate) fn encode(head: Head<'_>) -> Vec<u8> {
    let mut out = b"HTTP/1.1 101 Web Socket Protocol Handshake\r\n\
        Upgrade: WebSocket\r\n\
        Connection: Upgrade\r\n"
        .to_vec();
    line(&mut out, "WebSocket-Origin", head.origin);
    line(&mut out, "WebSocket-Location", Some(head.location));
    line(&mut out, "WebSocket-Protocol", head.protocol);
    out
}

/// Writes a header line where there is a value.
pub(super) fn line(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
}
