//! What both hellos say, as far as keys depend on it.
//!
//! ```text
//! handshake message = type (1) length (3) body
//! client hello      = version (2) random (32) …
//! server hello      = version (2) random (32) session (1 + n) cipher suite (2) compression (1) extensions (2 + n)
//! ```

/// Types of handshake messages.
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const FINISHED: u8 = 20;
pub(super) const KEY_UPDATE: u8 = 24;

/// The extension that names the version of TLS 1.3.
const SUPPORTED_VERSIONS: u16 = 43;

const TLS_13: u16 = 0x0304;

/// The random by which a server asks for another hello (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// What the server's hello says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub(super) random: [u8; 32],
    pub(super) suite: u16,
    pub(super) is_13: bool,
    /// It asks for another hello of the client's, and another of its own follows.
    pub(super) is_retry: bool,
}

/// The message at the front, its type, and its length with its header; `None` while it is not whole.
pub(super) fn message(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let &[kind, a, b, c, ref rest @ ..] = bytes else { return None };
    let len = u32::from_be_bytes([0, a, b, c]) as usize;
    Some((kind, rest.get(..len)?, len + 4))
}

/// The random of a client's hello.
pub(super) fn client_random(body: &[u8]) -> Option<[u8; 32]> {
    body.get(2..34)?.try_into().ok()
}

impl ServerHello {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let random = body.get(2..34)?.try_into().ok()?;
        let rest = body.get(34..)?;
        let rest = rest.get(1 + usize::from(*rest.first()?)..)?;
        let suite = u16::from_be_bytes([*rest.first()?, *rest.get(1)?]);
        let mut extensions = rest.get(5..).unwrap_or_default();
        let mut is_13 = false;
        while let &[a, b, c, d, ref behind @ ..] = extensions {
            let len = usize::from(u16::from_be_bytes([c, d]));
            let body = behind.get(..len)?;
            is_13 |=
                u16::from_be_bytes([a, b]) == SUPPORTED_VERSIONS && body == TLS_13.to_be_bytes();
            extensions = &behind[len..];
        }
        Some(Self { random, suite, is_13, is_retry: random == RETRY })
    }
}
