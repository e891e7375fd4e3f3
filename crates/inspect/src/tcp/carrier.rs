//! What carries a conversation: the stream itself, or TLS in it, where its secrets are known.

use crate::frame::Sender;
#[cfg(feature = "tls")]
use crate::tls::{Keys, Session, Told};

/// The secrets that are at hand.
#[derive(Debug, Default)]
pub(super) struct Keyring {
    #[cfg(feature = "tls")]
    pub(super) keys: Option<Keys>,
}

/// What carries one conversation.
#[derive(Debug, Default)]
pub(super) struct Carrier {
    /// Something was said.
    has_begun: bool,
    #[cfg(feature = "tls")]
    session: Option<Box<Session>>,
}

/// What is carried.
pub(super) enum Carried<'a> {
    Bytes(Sender, &'a [u8]),
    /// So many bytes are missing.
    Missing(Sender, u64),
    /// It is TLS whose secrets are known.
    #[cfg(feature = "tls")]
    Opened,
    /// It is TLS that cannot be opened, or not further.
    #[cfg(feature = "tls")]
    Lost,
}

type Give<'g> = &'g mut dyn FnMut(Carried<'_>);

#[cfg(feature = "tls")]
impl Carrier {
    /// Takes what one end said; gives what is carried by it.
    pub(super) fn receive(
        &mut self,
        from: Sender,
        bytes: &[u8],
        ring: &mut Keyring,
        give: Give<'_>,
    ) {
        // Both ends begin with a handshake.
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if is_first && bytes.first() == Some(&0x16) && ring.keys.is_some() {
            self.session = Some(Box::default());
        }
        match (&mut self.session, &mut ring.keys) {
            (Some(session), Some(keys)) => {
                session.receive(from, bytes, keys, &mut |told| give(told.into()));
            }
            _ => give(Carried::Bytes(from, bytes)),
        }
    }

    /// Takes note that bytes are missing.
    pub(super) fn miss(&mut self, from: Sender, bytes: u64, give: Give<'_>) {
        match &mut self.session {
            Some(session) => session.miss(&mut |told| give(told.into())),
            None => give(Carried::Missing(from, bytes)),
        }
    }

    /// How much memory it holds.
    pub(super) fn held(&self) -> usize {
        self.session.as_ref().map_or(0, |session| session.held())
    }
}

#[cfg(feature = "tls")]
impl<'a> From<Told<'a>> for Carried<'a> {
    fn from(told: Told<'a>) -> Self {
        match told {
            Told::Data(from, bytes) => Self::Bytes(from, bytes),
            Told::Known => Self::Opened,
            Told::Lost => Self::Lost,
        }
    }
}

#[cfg(not(feature = "tls"))]
impl Carrier {
    /// Takes what one end said, and gives it.
    pub(super) fn receive(&mut self, from: Sender, bytes: &[u8], _: &mut Keyring, give: Give<'_>) {
        self.has_begun = true;
        give(Carried::Bytes(from, bytes));
    }

    /// Takes note that bytes are missing.
    pub(super) fn miss(&mut self, from: Sender, bytes: u64, give: Give<'_>) {
        give(Carried::Missing(from, bytes));
    }

    /// How much memory it holds: none.
    pub(super) const fn held(&self) -> usize {
        0
    }
}
