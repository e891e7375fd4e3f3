//! The keys by which tokens are checked: from files, or from an address.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use jsonwebtoken::DecodingKey;

use super::error::AccessError;
use super::jwks::Jwks;
use super::key::{Algorithm, Key};

/// Shortest secret, in bytes: as long as what it signs (RFC 7518 §3.2).
const MIN_SECRET_BYTES: usize = 32;

/// Where the keys of a route come from.
#[derive(Debug)]
pub(crate) enum Keys {
    Fetched(Arc<Jwks>),
    Files { files: KeyFiles, current: ArcSwap<Vec<Key>> },
}

/// The files that keys are in.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyFiles {
    /// A secret, for HS256.
    pub(crate) secret: Option<PathBuf>,
    /// Public keys in PEM, for the others.
    pub(crate) public: Vec<PathBuf>,
    pub(crate) algorithms: Vec<Algorithm>,
}

impl Keys {
    /// Reads the files.
    pub(crate) fn load(files: KeyFiles) -> Result<Self, AccessError> {
        let current = ArcSwap::from_pointee(files.read()?);
        Ok(Self::Files { files, current })
    }

    pub(super) fn reload(&self) -> Result<(), AccessError> {
        if let Self::Files { files, current } = self {
            current.store(files.read()?.into());
        }
        Ok(())
    }

    /// Those there are; `None` where they could not be had yet.
    pub(super) fn current(&self) -> Option<Arc<Vec<Key>>> {
        match self {
            Self::Fetched(jwks) => jwks.current(),
            Self::Files { current, .. } => Some(current.load_full()),
        }
    }

    pub(super) const fn fetched(&self) -> Option<&Arc<Jwks>> {
        match self {
            Self::Fetched(jwks) => Some(jwks),
            Self::Files { .. } => None,
        }
    }
}

impl KeyFiles {
    fn read(&self) -> Result<Vec<Key>, AccessError> {
        let secret = self.secret.iter().map(|path| secret(path));
        secret.chain(self.public.iter().map(|path| self.public(path))).collect()
    }

    fn public(&self, path: &Path) -> Result<Key, AccessError> {
        let pem = read(path)?;
        if pem.windows(11).any(|part| part == b"PRIVATE KEY") {
            return Err(AccessError::PrivateKey { path: path.to_path_buf() });
        }
        let parsed = self.algorithms.iter().find_map(|&algorithm| {
            let key = match algorithm {
                Algorithm::EdDSA => DecodingKey::from_ed_pem(&pem),
                Algorithm::ES256 => DecodingKey::from_ec_pem(&pem),
                Algorithm::HS256 => return None,
                Algorithm::RS256 => DecodingKey::from_rsa_pem(&pem),
            };
            Some(Key { id: None, algorithm, key: key.ok()? })
        });
        parsed.ok_or_else(|| AccessError::Key {
            path: path.to_path_buf(),
            algorithms: Algorithm::list(&self.algorithms),
        })
    }
}

/// The bytes of the file without the newline at its end.
fn secret(path: &Path) -> Result<Key, AccessError> {
    let bytes = read(path)?;
    let secret = bytes.trim_ascii_end();
    if secret.len() < MIN_SECRET_BYTES {
        let (path, bytes) = (path.to_path_buf(), secret.len());
        return Err(AccessError::Short { path, bytes, min: MIN_SECRET_BYTES });
    }
    let key = DecodingKey::from_secret(secret);
    Ok(Key { id: None, algorithm: Algorithm::HS256, key })
}

fn read(path: &Path) -> Result<Vec<u8>, AccessError> {
    std::fs::read(path).map_err(|source| AccessError::Read { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::file;

    #[test]
    fn a_secret_that_can_be_guessed_and_a_private_key_are_refused() {
        let load = |secret: Option<PathBuf>, public: Vec<PathBuf>| {
            let algorithms = vec![Algorithm::HS256, Algorithm::EdDSA];
            Keys::load(KeyFiles { secret, public, algorithms }).map(drop).unwrap_err()
        };
        let short = load(Some(file("a secret\n")), Vec::new());
        assert!(matches!(short, AccessError::Short { bytes: 8, min: 32, .. }));
        let private = file("-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n");
        assert!(matches!(load(None, vec![private]), AccessError::PrivateKey { .. }));
        assert!(matches!(load(None, vec![file("no PEM")]), AccessError::Key { .. }));
    }
}
