//! Something that only its owner knows: compared in constant time, and never shown.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A token or key that somebody has to know. Only its digest is kept, so that how long comparing
/// takes tells neither its length nor how much of it was right.
#[derive(Clone)]
pub(crate) struct Secret([u8; 32]);

impl Secret {
    pub(crate) fn new(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Whether this is it.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_compared_whole_and_shows_nothing() {
        let secret = Secret::new("correct horse");
        assert!(secret.is(&Secret::new("correct horse")));
        for other in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert!(!secret.is(&Secret::new(other)), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
