//! The client's side of TLS: whom to trust, and what to show.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

use super::pin::{KeyPin, Pinned};
use super::trust_all::TrustAll;
use super::{ALPN, TlsError, certificates, private_key, provider};

/// How a client speaks TLS; what is wrong with it is said when a connection is opened.
///
/// # Example
///
/// ```
/// use tieline::tls::{Roots, TlsOptions};
///
/// # let pem = Vec::new();
/// // A server of one's own, and no other.
/// let options = TlsOptions { roots: Roots::None, extra_roots_pem: pem, ..TlsOptions::default() };
/// let request = tieline::Connect::to("wss://device.internal/").tls(options);
/// ```
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct TlsOptions {
    /// The roots that servers' certificates may come from. Default the system's.
    pub roots: Roots,
    /// More roots, PEM. Default none.
    pub extra_roots_pem: Vec<u8>,
    /// The certificate shown to a server that asks for one. Default none.
    pub identity: Option<Identity>,
    /// The only keys that a server may have, checked besides everything else. Default none: any.
    ///
    /// Have two in it, of which one is not in use yet: a server that loses its key is otherwise
    /// believed by nobody. With `danger_accept_any_certificate` the key alone is checked, for a
    /// device that has signed its certificate itself.
    pub pinned_keys: Vec<KeyPin>,
    /// Believes every server to be who it says, so that anybody on the way can read and change
    /// what is sent: for tests. Default false.
    pub danger_accept_any_certificate: bool,
}

/// Whom a client trusts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Roots {
    /// Mozilla's roots, compiled in: for static builds and images without certificates.
    #[cfg(feature = "webpki-roots")]
    Mozilla,
    /// Nobody but [`TlsOptions::extra_roots_pem`].
    None,
    /// What the operating system trusts.
    #[default]
    System,
}

/// A client's certificate and its key.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "a certificate and its key")]
pub struct Identity {
    /// The certificate and those between it and its root, PEM.
    pub certificates_pem: Vec<u8>,
    /// The private key, PEM (PKCS #8, PKCS #1 or SEC 1).
    pub key_pem: Vec<u8>,
}

/// A key is never printed.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl TlsOptions {
    /// Reads the PEM texts and puts a configuration together, with ALPN `http/1.1`.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the option that cannot be used.
    pub fn config(&self) -> Result<ClientConfig, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier()?);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let chain = certificates(&identity.certificates_pem, "identity.certificates_pem")?;
                let key = private_key(&identity.key_pem, "identity.key_pem")?;
                builder.with_client_auth_cert(chain, key)?
            }
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(config)
    }

    fn verifier(&self) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        let verifier = self.verifier_of_certificates()?;
        match self.pinned_keys.as_slice() {
            [] => Ok(verifier),
            keys => Ok(Arc::new(Pinned { keys: keys.to_vec(), verifier })),
        }
    }

    fn verifier_of_certificates(&self) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        if self.danger_accept_any_certificate {
            return Ok(Arc::new(TrustAll::new(provider())));
        }
        let extra = match self.extra_roots_pem.as_slice() {
            [] => Vec::new(),
            pem => certificates(pem, "extra_roots_pem")?,
        };
        match self.roots {
            #[cfg(feature = "webpki-roots")]
            Roots::Mozilla => {
                trusting(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(), extra)
            }
            Roots::None => trusting(RootCertStore::empty(), extra),
            Roots::System => Ok(Arc::new(Verifier::new_with_extra_roots(extra, provider())?)),
        }
    }
}

fn trusting(
    mut roots: RootCertStore,
    extra: Vec<CertificateDer<'static>>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    for root in extra {
        roots.add(root)?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    Ok(verifier.map_err(|error| rustls::Error::General(error.to_string()))?)
}

/// What [`Connect::tls`](crate::Connect::tls) takes: options, or a configuration made elsewhere.
///
/// A configuration is made once and shared by all clones, so that reconnecting resumes sessions
/// and does not read the system's certificates again.
#[derive(Clone, Debug)]
pub struct ClientTls(Arc<Lazy>);

#[derive(Debug, Default)]
struct Lazy {
    options: TlsOptions,
    made: OnceLock<Arc<ClientConfig>>,
}

impl ClientTls {
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(config) = self.0.made.get() {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.0.options.config()?);
        Ok(Arc::clone(self.0.made.get_or_init(|| config)))
    }
}

/// Every client without settings of its own shares one configuration.
impl Default for ClientTls {
    fn default() -> Self {
        static SHARED: OnceLock<ClientTls> = OnceLock::new();
        SHARED.get_or_init(|| Self(Arc::default())).clone()
    }
}

impl From<TlsOptions> for ClientTls {
    fn from(options: TlsOptions) -> Self {
        Self(Arc::new(Lazy { options, made: OnceLock::new() }))
    }
}

impl From<Arc<ClientConfig>> for ClientTls {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self(Arc::new(Lazy { options: TlsOptions::default(), made: config.into() }))
    }
}

impl From<ClientConfig> for ClientTls {
    fn from(config: ClientConfig) -> Self {
        Arc::new(config).into()
    }
}

/// Encrypts a line to `host`, which names itself (SNI) and must prove it.
pub(crate) async fn wrap(
    stream: TcpStream,
    host: &Host,
    config: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, TlsError> {
    let name = match host {
        Host::Domain(name) => ServerName::try_from(name.clone()).map_err(|error| {
            TlsError::Config(rustls::Error::General(format!("host name: {error}")))
        })?,
        Host::Ipv4(address) => ServerName::from(IpAddr::from(*address)),
        Host::Ipv6(address) => ServerName::from(IpAddr::from(*address)),
    };
    TlsConnector::from(config).connect(name, stream).await.map_err(TlsError::Handshake)
}
