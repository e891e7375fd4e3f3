//! Who may ask, and for what.

use tieline_proto::Limits;
use tieline_proto::deflate;
use tieline_proto::handshake::server::{Accept, Upgrade};
use tieline_proto::handshake::{HandshakeError, Hosts, Origins, Scheme};

use super::Answer;

/// How to answer requests: safe by default, each field says so.
///
/// # Example
///
/// ```
/// use tieline::{AcceptOptions, Deflate, Limits, Origins};
///
/// let options = AcceptOptions {
///     deflate: Some(Deflate::default()),
///     limits: Limits { max_message_bytes: 64 << 10, ..Limits::default() },
///     origins: Origins::List(vec!["https://example.com".parse()?]),
///     ..AcceptOptions::default()
/// };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct AcceptOptions {
    /// Accepts permessage-deflate where it is offered. Default off.
    pub deflate: Option<deflate::Config>,
    /// The names this server answers to. Default any; give a listener on a loopback address
    /// [`Hosts::default`], so that no page reaches it under a name of its own.
    pub hosts: Hosts,
    /// Lets clients of the drafts hixie-75 and hixie-76 in. Default false.
    pub legacy: bool,
    /// The bounds of the handshake and of the line. Default [`Limits::default`].
    pub limits: Limits,
    /// The pages that may open a line. Default those of the same origin; programs, which send no
    /// origin, may always.
    pub origins: Origins,
    /// The subprotocols spoken, the preferred one first: the first that is offered is chosen,
    /// unless the [`Answer`] names one. Default none.
    pub protocols: Vec<String>,
    /// Whether TLS carries the stream, for the URL and the page's scheme. Default false.
    ///
    /// Behind a proxy that ends TLS this is true as well.
    pub secure: bool,
}

impl Default for AcceptOptions {
    fn default() -> Self {
        Self {
            deflate: None,
            hosts: Hosts::Any,
            legacy: false,
            limits: Limits::default(),
            origins: Origins::default(),
            protocols: Vec::new(),
            secure: false,
        }
    }
}

impl AcceptOptions {
    /// What carries the requests.
    pub(crate) const fn scheme(&self) -> Scheme {
        if self.secure { Scheme::Https } else { Scheme::Http }
    }

    /// Checks who asks; `None` compares the page's origin without its scheme.
    pub(crate) fn admit(
        &self,
        upgrade: &Upgrade,
        scheme: Option<Scheme>,
    ) -> Result<(), HandshakeError> {
        let claim = upgrade.claim(scheme);
        if !self.hosts.allows(claim.host) {
            return Err(HandshakeError::HostNotAllowed);
        }
        if !self.origins.allows(&claim) {
            return Err(HandshakeError::OriginNotAllowed);
        }
        Ok(())
    }

    /// What the protocol is to answer: the caller's choice, and the rest from here.
    pub(crate) fn answer(&self, upgrade: &Upgrade, answer: Answer) -> Accept {
        let offered = |protocol: &&String| upgrade.protocols().contains(protocol);
        Accept {
            protocol: answer.protocol.or_else(|| self.protocols.iter().find(offered).cloned()),
            deflate: answer.deflate.or_else(|| self.deflate.clone()),
            headers: answer.headers,
            secure: self.secure,
        }
    }
}
