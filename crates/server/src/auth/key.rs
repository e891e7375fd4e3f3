//! A key by which tokens are checked, and the one algorithm that it is for.

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How tokens may be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519.
    EdDSA,
    /// ECDSA with P-256 and SHA-256.
    ES256,
    /// HMAC with SHA-256: whoever can check a token can also make one.
    HS256,
    /// RSA PKCS #1 v1.5 with SHA-256.
    RS256,
}

/// One key, for one algorithm and no other: a public key is never taken for a secret.
#[derive(Debug)]
pub(crate) struct Key {
    /// What tokens call it, where it has a name.
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl Algorithm {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDSA => "EdDSA",
            Self::ES256 => "ES256",
            Self::HS256 => "HS256",
            Self::RS256 => "RS256",
        }
    }

    /// Several, for people.
    pub(super) fn list(algorithms: &[Self]) -> String {
        let names: Vec<_> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
        names.join(", ")
    }

    pub(super) const fn as_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::EdDSA => jsonwebtoken::Algorithm::EdDSA,
            Self::ES256 => jsonwebtoken::Algorithm::ES256,
            Self::HS256 => jsonwebtoken::Algorithm::HS256,
            Self::RS256 => jsonwebtoken::Algorithm::RS256,
        }
    }
}

impl Key {
    /// The key of a set, if it is one to check signatures with. A secret is never taken from
    /// there: what is published is known.
    pub(super) fn of_jwk(jwk: &Jwk) -> Option<Self> {
        if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
            return None;
        }
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                Algorithm::ES256
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                Algorithm::EdDSA
            }
            _ => return None,
        };
        // A key that is meant for another algorithm of its kind, such as RS512, is none of ours.
        let meant = jwk.common.key_algorithm.map(|meant| meant.to_string());
        if meant.is_some_and(|meant| meant != algorithm.name()) {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { id: jwk.common.key_id.clone(), algorithm, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::jwk::JwkSet;

    fn jwk(more: &str) -> Option<Key> {
        let set = format!(r#"{{"keys":[{{{more}}}]}}"#);
        let set: JwkSet = serde_json::from_str(&set).unwrap();
        Key::of_jwk(&set.keys[0])
    }

    #[test]
    fn a_published_key_is_for_its_own_algorithm_and_a_published_secret_for_none() {
        let ed = r#""kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
        let key = jwk(ed).unwrap();
        assert_eq!((key.id.as_deref(), key.algorithm), (Some("a"), Algorithm::EdDSA));
        assert!(jwk(&format!(r#"{ed},"use":"enc""#)).is_none());
        assert!(jwk(r#""kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ""#).is_none());
        let rsa = r#""kty":"RSA","e":"AQAB","n":"sXchd_0""#;
        assert_eq!(jwk(rsa).unwrap().algorithm, Algorithm::RS256);
        assert!(jwk(&format!(r#"{rsa},"alg":"RS512""#)).is_none());
    }
}
