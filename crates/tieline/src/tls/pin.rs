//! Pinned keys: a server that shows another key is not believed, whoever signed its certificate.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::BASE64;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme};
use sha2::{Digest, Sha256};

/// The form that `curl --pinnedpubkey` has made known.
const PREFIX: &str = "sha256//";

/// A server's public key, known by the SHA-256 of its SubjectPublicKeyInfo.
///
/// Its text is `sha256//` and the hash in base64, as `curl --pinnedpubkey` takes it:
///
/// ```sh
/// openssl x509 -in server.pem -pubkey -noout | openssl pkey -pubin -outform der |
///   openssl dgst -sha256 -binary | base64
/// ```
///
/// Spec: RFC 7469 §2.4.
///
/// # Example
///
/// ```
/// use tieline::tls::{KeyPin, TlsOptions};
///
/// # fn main() -> Result<(), tieline::tls::KeyPinError> {
/// let pin: KeyPin = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".parse()?;
/// let options = TlsOptions { pinned_keys: vec![pin], ..TlsOptions::default() };
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyPin([u8; 32]);

/// A text is no pinned key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyPinError {
    /// The text.
    pub text: String,
}

impl KeyPin {
    /// The key with this hash.
    pub const fn from_sha256(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    fn of(certificate: &CertificateDer<'_>) -> Result<Self, Error> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        Ok(Self(Sha256::digest(&*key).into()))
    }
}

impl FromStr for KeyPin {
    type Err = KeyPinError;

    fn from_str(text: &str) -> Result<Self, KeyPinError> {
        let hash = text.strip_prefix(PREFIX).and_then(|hash| BASE64.decode(hash.as_bytes()).ok());
        let hash = hash.and_then(|hash| hash.try_into().ok());
        hash.map(Self).ok_or_else(|| KeyPinError { text: text.to_owned() })
    }
}

impl fmt::Display for KeyPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64.encode(&self.0))
    }
}

impl fmt::Debug for KeyPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPin({self})")
    }
}

impl fmt::Display for KeyPinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.escape_debug();
        write!(f, "pinned key `{text}` is not `{PREFIX}` with the base64 of 32 bytes behind it")
    }
}

impl std::error::Error for KeyPinError {}

/// The server's key is none of those that were pinned.
#[derive(Debug)]
struct NotPinned(KeyPin);

impl fmt::Display for NotPinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server's key {} is none of those in `pinned_keys`", self.0)
    }
}

impl std::error::Error for NotPinned {}

/// Verifies as another does, and the key besides.
#[derive(Debug)]
pub(super) struct Pinned {
    pub(super) keys: Vec<KeyPin>,
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        let shown = KeyPin::of(end_entity)?;
        if !self.keys.contains(&shown) {
            // An invalid certificate of another kind would be told in Rust's words, not in ours.
            return Err(Error::Other(OtherError(Arc::new(NotPinned(shown)))));
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.verifier.root_hint_subjects()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_the_text_that_curl_takes() {
        let text = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let pin: KeyPin = text.parse().unwrap();
        assert_eq!(pin, KeyPin::from_sha256(Sha256::digest(b"").into()));
        assert_eq!(pin.to_string(), text);
        for wrong in ["", "sha256//", "47DEQpj8", "sha256//AAAA", "sha256/47DEQ", "sha1//AA=="] {
            assert!(wrong.parse::<KeyPin>().is_err(), "{wrong}");
        }
    }
}
