//! The server's side of TLS.

use std::fmt;
use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::{ALPN, TlsError, certificates, private_key, provider};

/// What a listener shows and asks for; [`config`](Self::config) makes it usable.
///
/// # Example
///
/// ```no_run
/// use std::fs;
/// use std::sync::Arc;
///
/// use tieline::tls::ServerTlsOptions;
/// use tokio_rustls::TlsAcceptor;
///
/// # async fn example(tcp: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
/// let options = ServerTlsOptions {
///     certificates_pem: fs::read("server.pem")?,
///     key_pem: fs::read("server.key")?,
///     ..ServerTlsOptions::default()
/// };
/// let acceptor = TlsAcceptor::from(Arc::new(options.config()?));
/// let mut socket = tieline::accept(acceptor.accept(tcp).await?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct ServerTlsOptions {
    /// The server's certificate and those between it and its root, PEM.
    pub certificates_pem: Vec<u8>,
    /// The certificate's private key, PEM (PKCS #8, PKCS #1 or SEC 1).
    pub key_pem: Vec<u8>,
    /// Roots that every client's certificate must come from, PEM. Default `None`: clients show no
    /// certificate.
    pub client_roots_pem: Option<Vec<u8>>,
}

impl ServerTlsOptions {
    /// Reads the PEM texts and puts a configuration together, with ALPN `http/1.1`.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the option that cannot be used.
    pub fn config(&self) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?;
        let builder = match &self.client_roots_pem {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for root in certificates(pem, "client_roots_pem")? {
                    roots.add(root)?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
                let verifier = verifier.build();
                builder.with_client_cert_verifier(verifier.map_err(unusable)?)
            }
        };
        let chain = certificates(&self.certificates_pem, "certificates_pem")?;
        let mut config = builder.with_single_cert(chain, private_key(&self.key_pem, "key_pem")?)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(config)
    }
}

fn unusable(error: rustls::server::VerifierBuilderError) -> TlsError {
    TlsError::Config(rustls::Error::General(error.to_string()))
}

/// A key is never printed.
impl fmt::Debug for ServerTlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTlsOptions")
            .field("client_roots", &self.client_roots_pem.is_some())
            .finish_non_exhaustive()
    }
}
