//! Certificates of a listener, which can be read again while it serves.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tieline::tls::KeyLogFile;
use tracing::error;

use super::expiry::Expiry;
use super::tls_error::TlsError;

/// The files of a listener's TLS. Those that are read are in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "TLS of a server is made of these")]
pub struct TlsFiles {
    /// The certificate and those up to its root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Roots of the clients' certificates, where clients need one.
    pub client_ca: Option<PathBuf>,
    /// Where the secrets of every connection are appended to: whoever reads them reads all that was
    /// said. For the search of a fault, and never else.
    pub key_log: Option<PathBuf>,
}

/// TLS as it is spoken now. A new handshake takes what was loaded last; open lines keep theirs.
/// Clones are the same.
///
/// The whole server side is exchanged at once, so that certificate, key, clients' roots and session
/// tickets always belong together.
#[derive(Clone, Debug)]
pub struct Certificates {
    files: TlsFiles,
    key_log: Option<Arc<KeyLogFile>>,
    current: Arc<ArcSwap<Loaded>>,
}

/// What the files held when they were last read.
#[derive(Debug)]
struct Loaded {
    config: Arc<ServerConfig>,
    expiry: Option<Expiry>,
}

impl Certificates {
    /// Reads the files. TLS 1.2 and 1.3 are spoken.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file that cannot be read or used.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let key_log = files.key_log.as_ref().map(|path| {
            let open = KeyLogFile::open(path, tell_of_key_log).map(Arc::new);
            open.map_err(|source| TlsError::KeyLog { path: path.clone(), source })
        });
        let key_log = key_log.transpose()?;
        let loaded = Loaded::read(&files, key_log.as_ref())?;
        Ok(Self { files, key_log, current: Arc::new(ArcSwap::from_pointee(loaded)) })
    }

    /// Reads the files again. What is spoken changes only if all of them are good.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load); the old certificates then stay.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(Loaded::read(&self.files, self.key_log.as_ref())?));
        Ok(())
    }

    /// The file of the certificate, for the log.
    pub fn certificate(&self) -> &Path {
        &self.files.certificate
    }

    /// Where secrets are appended to, if anywhere.
    pub(super) fn key_log(&self) -> Option<&Path> {
        self.files.key_log.as_deref()
    }

    /// What takes the next handshake.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().config)
    }

    /// When the server's own certificate ends.
    pub(super) fn expiry(&self) -> Option<Expiry> {
        self.current.load().expiry.clone()
    }
}

impl Loaded {
    fn read(files: &TlsFiles, key_log: Option<&Arc<KeyLogFile>>) -> Result<Self, TlsError> {
        let path = &files.certificate;
        let chain = certificates(path)
            .map_err(|source| TlsError::Certificate { path: path.clone(), source })?;
        // The first is the server's own (RFC 8446 §4.4.2).
        let expiry = chain.first().and_then(Expiry::of);
        let mut config = server_config(files, chain)?;
        if let Some(key_log) = key_log {
            config.key_log = Arc::<KeyLogFile>::clone(key_log);
        }
        Ok(Self { config: Arc::new(config), expiry })
    }
}

fn tell_of_key_log(path: &Path, error: io::Error) {
    error!(file = %path.display(), %error, "the TLS key log cannot be written");
}

fn server_config(
    files: &TlsFiles,
    chain: Vec<CertificateDer<'static>>,
) -> Result<ServerConfig, TlsError> {
    let path = &files.key;
    let key = PrivateKeyDer::from_pem_file(path)
        .map_err(|source| TlsError::Key { path: path.clone(), source })?;

    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS 1.2 and 1.3");
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let verifier = client_verifier(path, provider)
                .map_err(|source| TlsError::ClientCa { path: path.clone(), source })?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Lets in the clients whose certificates lead to a root in `path`.
fn client_verifier(
    path: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Box<dyn Error + Send + Sync>> {
    let mut roots = RootCertStore::empty();
    for root in certificates(path)? {
        roots.add(root)?;
    }
    Ok(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?)
}

/// All certificates of a file; one at least.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    let list = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
    if list.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(list) }
}
