//! What stands between a socket and its link where something does: TLS, and who watches.

use std::io::{self, Read, Write};

use super::socket::{Got, Socket};
use super::tap::{Direction, Tap};
#[cfg(feature = "tls")]
use super::tls::Tls;

/// TLS, watchers, or both.
#[derive(Debug, Default)]
pub(super) struct Layers {
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Tls>,
    pub(super) taps: Vec<Tap>,
}

impl Layers {
    #[cfg(feature = "tls")]
    pub(super) const fn of_tls(tls: Tls) -> Self {
        Self { tls: Some(tls), taps: Vec::new() }
    }

    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "only TLS needs it"))]
    pub(super) fn read(
        &mut self,
        socket: &mut Socket,
        buffer: &mut [u8],
        raw: &mut [u8],
    ) -> io::Result<Got> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.read(socket, buffer, raw);
        }
        let bytes = socket.read(buffer)?;
        Ok(Got { bytes, filled: bytes == buffer.len(), was_past: false })
    }

    pub(super) fn write(&mut self, socket: &mut Socket, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.write(socket, bytes);
        }
        socket.write(bytes)
    }

    /// Shows bytes to who watches; whether nothing stands between any more.
    pub(super) fn show(&mut self, direction: Direction, bytes: &[u8]) -> bool {
        if self.taps.is_empty() {
            return false;
        }
        self.taps.retain_mut(|tap| bytes.is_empty() || tap.take(direction, bytes));
        #[cfg(feature = "tls")]
        return self.taps.is_empty() && self.tls.is_none();
        #[cfg(not(feature = "tls"))]
        self.taps.is_empty()
    }
}
