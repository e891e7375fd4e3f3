//! JSON Web Tokens: signed by a key that is known, for this audience, now.
//!
//! The algorithms are those of the configuration, and each key is for one of them: what the token
//! says of itself chooses among these and nothing else.
//!
//! Spec: RFC 7519; RFC 7515; RFC 8725.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::denied::Denied;
use super::identity::Identity;
use super::key::Algorithm;
use super::keys::Keys;

/// Judges tokens.
#[derive(Debug)]
pub(crate) struct Jwt {
    pub(crate) keys: Keys,
    pub(crate) algorithms: Vec<Algorithm>,
    /// Whom a token may be for; where none is named, it may be for nobody in particular.
    pub(crate) audience: Vec<String>,
    /// Who may have made it; anybody who has a key, where none is named.
    pub(crate) issuer: Vec<String>,
    /// How far the clocks may be apart.
    pub(crate) leeway: Duration,
    pub(crate) claims: Claims,
    pub(crate) needs_expiry: bool,
}

/// What the claims are called: a name, or the way to one inside others, `/realm_access/roles`.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    pub(crate) user: String,
    pub(crate) expires: String,
    pub(crate) rights: String,
}

/// Longest id of a token, in bytes.
pub(crate) const MAX_ID_BYTES: usize = 256;

/// Most keys that are tried for one token.
const MAX_TRIES: usize = 8;

impl Jwt {
    /// Whose token it is.
    pub(super) fn check(&self, token: &str, now: SystemTime) -> Result<Identity, Denied> {
        let claims = self.verify(token)?;
        self.identity(&claims, now)
    }

    /// The claims, once the signature is found good, and the audience and issuer right.
    fn verify(&self, token: &str) -> Result<Map<String, Value>, Denied> {
        let header = decode_header(token).map_err(|_| Denied::Malformed)?;
        // RFC 7515 §4.1.11: what is critical and not understood makes it invalid.
        if header.crit.is_some() {
            return Err(Denied::Malformed);
        }
        let algorithm = self.algorithms.iter().find(|it| it.as_library() == header.alg);
        let algorithm = *algorithm.ok_or(Denied::Algorithm)?;
        let keys = self.keys.current().ok_or(Denied::NoKeys)?;
        let is_named = |id: &Option<String>| match (id, &header.kid) {
            (Some(id), Some(named)) => id == named,
            _ => true,
        };
        let keys = keys.iter().filter(|key| key.algorithm == algorithm && is_named(&key.id));
        let validation = self.validation(algorithm);
        let mut denied = Denied::UnknownKey;
        for key in keys.take(MAX_TRIES) {
            match decode::<Map<String, Value>>(token, &key.key, &validation) {
                Ok(data) => return Ok(data.claims),
                Err(error) => match error.kind() {
                    ErrorKind::InvalidAudience => return Err(Denied::Audience),
                    ErrorKind::InvalidIssuer => return Err(Denied::Issuer),
                    ErrorKind::InvalidSignature => denied = Denied::Signature,
                    ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => {
                        return Err(Denied::Audience);
                    }
                    ErrorKind::MissingRequiredClaim(_) => return Err(Denied::Issuer),
                    _ => denied = Denied::Malformed,
                },
            }
        }
        Err(denied)
    }

    /// Times are judged by [`identity`](Self::identity), where the clock is handed in.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm.as_library());
        validation.validate_exp = false;
        validation.required_spec_claims = HashSet::new();
        if !self.audience.is_empty() {
            validation.set_audience(&self.audience);
            validation.required_spec_claims.insert("aud".to_owned());
        }
        if !self.issuer.is_empty() {
            validation.set_issuer(&self.issuer);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        validation
    }

    /// Whose the claims say that it is, if their time is now.
    fn identity(&self, claims: &Map<String, Value>, now: SystemTime) -> Result<Identity, Denied> {
        // The standard's claim holds whatever the configuration calls its own.
        let ends = [time(claims, "exp")?, time(claims, &self.claims.expires)?];
        let end = ends.into_iter().flatten().min();
        if end.is_none() && self.needs_expiry {
            return Err(Denied::NoExpiry);
        }
        let expires = end.map(|end| end + self.leeway);
        if expires.is_some_and(|expires| expires <= now) {
            return Err(Denied::Expired);
        }
        if time(claims, "nbf")?.is_some_and(|begins| begins > now + self.leeway) {
            return Err(Denied::NotYet);
        }
        let user = match find(claims, &self.claims.user) {
            Some(Value::String(user)) => user.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return Err(Denied::NoUser),
        };
        if !Identity::is_name(&user) {
            return Err(Denied::NoUser);
        }
        let rights = match find(claims, &self.claims.rights) {
            Some(Value::String(rights)) => rights.split_whitespace().map(str::to_owned).collect(),
            Some(Value::Array(rights)) => {
                rights.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let id = match find(claims, "jti") {
            Some(Value::String(id)) if id.len() <= MAX_ID_BYTES => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        // What does not say when it was made counts as old where that matters.
        let issued = time(claims, "iat").ok().flatten();
        Ok(Identity { user, expires, rights, id, issued })
    }
}

fn find<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    let Some(path) = name.strip_prefix('/') else { return claims.get(name) };
    let mut steps = path.split('/');
    let first = claims.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.get(step))
}

/// A NumericDate (RFC 7519 §2): seconds, perhaps with a fraction.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<SystemTime>, Denied> {
    /// Far enough for everybody, and near enough for every clock.
    const MAX_SECONDS: f64 = 1e11;
    match find(claims, name).map(Value::as_f64) {
        None => Ok(None),
        Some(Some(seconds)) if (0.0..MAX_SECONDS).contains(&seconds) => {
            Ok(Some(UNIX_EPOCH + Duration::from_secs_f64(seconds)))
        }
        Some(_) => Err(Denied::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::keys::KeyFiles;
    use crate::by_hand::file;
    use data_encoding::BASE64URL_NOPAD;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};
    use serde_json::json;

    const SECRET: &str = "a secret that is long enough for HS256";
    const NOW: u64 = 1_800_000_000;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW)
    }

    fn jwt(files: KeyFiles) -> Jwt {
        Jwt {
            algorithms: files.algorithms.clone(),
            keys: Keys::load(files).unwrap(),
            audience: vec!["tieline".into()],
            issuer: vec!["https://id.example".into()],
            leeway: Duration::from_secs(30),
            claims: Claims { user: "sub".into(), expires: "exp".into(), rights: "scope".into() },
            needs_expiry: true,
        }
    }

    fn by_secret() -> Jwt {
        let secret = Some(file(&format!("{SECRET}\n")));
        jwt(KeyFiles { secret, algorithms: vec![Algorithm::HS256], ..KeyFiles::default() })
    }

    fn claims() -> Value {
        json!({
            "sub": "alice", "aud": "tieline", "iss": "https://id.example",
            "exp": NOW + 60, "scope": "chat push",
        })
    }

    fn with(more: Value) -> Value {
        let mut claims = claims();
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn signed(header: &Header, claims: &Value) -> String {
        encode(header, claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
    }

    fn token(claims: &Value) -> String {
        signed(&Header::new(jsonwebtoken::Algorithm::HS256), claims)
    }

    #[test]
    fn a_good_token_says_who_until_when_and_what() {
        let identity = by_secret().check(&token(&claims()), now()).unwrap();
        assert_eq!(identity.user, "alice");
        assert_eq!(identity.expires, Some(now() + Duration::from_secs(90)));
        assert_eq!(identity.rights, ["chat", "push"]);
        let roles = token(&with(json!({ "scope": ["a", "b"], "sub": 7, "exp": NOW as f64 + 0.5 })));
        let identity = by_secret().check(&roles, now()).unwrap();
        assert_eq!((identity.user.as_str(), identity.rights), ("7", vec!["a".into(), "b".into()]));
    }

    #[test]
    fn each_fault_of_a_token_has_its_own_denial() {
        let jwt = by_secret();
        for (more, denied) in [
            (json!({ "exp": NOW - 30 }), Denied::Expired),
            (json!({ "exp": null }), Denied::Malformed),
            (json!({ "exp": "soon" }), Denied::Malformed),
            (json!({ "exp": 1e300 }), Denied::Malformed),
            (json!({ "nbf": NOW + 31 }), Denied::NotYet),
            (json!({ "aud": "other" }), Denied::Audience),
            (json!({ "aud": ["x", "y"] }), Denied::Audience),
            (json!({ "iss": "https://evil.example" }), Denied::Issuer),
            (json!({ "sub": "" }), Denied::NoUser),
            (json!({ "sub": "a\nb" }), Denied::NoUser),
            (json!({ "sub": ["alice"] }), Denied::Malformed),
        ] {
            assert_eq!(jwt.check(&token(&with(more.clone())), now()), Err(denied), "{more}");
        }
        for (name, denied) in [
            ("exp", Denied::NoExpiry),
            ("aud", Denied::Audience),
            ("iss", Denied::Issuer),
            ("sub", Denied::NoUser),
        ] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(jwt.check(&token(&claims), now()), Err(denied), "without {name}");
        }
        assert!(
            jwt.check(&token(&with(json!({ "exp": NOW - 29, "nbf": NOW + 30 }))), now()).is_ok()
        );
        for broken in ["", "a.b", "a.b.c.d", "no token", "eyJ.eyJ.sig"] {
            assert_eq!(jwt.check(broken, now()), Err(Denied::Malformed), "{broken:?}");
        }
    }

    #[test]
    fn what_the_token_says_of_itself_is_not_believed() {
        let jwt = by_secret();
        let good = token(&claims());
        let (head, rest) = good.split_once('.').unwrap();
        let (body, signature) = rest.split_once('.').unwrap();
        let forged =
            |header: &str| format!("{}.{body}.", BASE64URL_NOPAD.encode(header.as_bytes()));
        for none in [r#"{"alg":"none"}"#, r#"{"alg":"None","typ":"JWT"}"#, r#"{"typ":"JWT"}"#] {
            assert_eq!(jwt.check(&forged(none), now()), Err(Denied::Malformed), "{none}");
        }
        for other in ["RS256", "HS384", "HS512"] {
            let header = format!(r#"{{"alg":"{other}"}}"#);
            assert_eq!(jwt.check(&forged(&header), now()), Err(Denied::Algorithm), "{other}");
        }
        assert_eq!(jwt.check(&forged(r#"{"alg":"HS256"}"#), now()), Err(Denied::Signature));
        let other = BASE64URL_NOPAD.encode(br#"{"sub":"root","exp":9999999999}"#);
        let changed = format!("{head}.{other}.{signature}");
        assert_eq!(jwt.check(&changed, now()), Err(Denied::Signature));
        let mut critical = Header::new(jsonwebtoken::Algorithm::HS256);
        critical.crit = Some(vec!["exp".into()]);
        assert_eq!(jwt.check(&signed(&critical, &claims()), now()), Err(Denied::Malformed));
    }

    #[test]
    fn a_public_key_is_no_secret() {
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let pem = pair.public_key_pem();
        let public = vec![file(&pem)];
        let algorithms = vec![Algorithm::EdDSA, Algorithm::HS256];
        let jwt = jwt(KeyFiles { secret: None, public, algorithms });
        let header = Header::new(jsonwebtoken::Algorithm::HS256);
        let key = EncodingKey::from_secret(pem.as_bytes());
        let forged = encode(&header, &claims(), &key).unwrap();
        assert_eq!(jwt.check(&forged, now()), Err(Denied::UnknownKey));
    }

    #[test]
    fn each_algorithm_is_checked_by_a_public_key_from_pem() {
        for (algorithm, kind) in [
            (Algorithm::EdDSA, &PKCS_ED25519),
            (Algorithm::ES256, &PKCS_ECDSA_P256_SHA256),
            (Algorithm::RS256, &PKCS_RSA_SHA256),
        ] {
            let pair = KeyPair::generate_for(kind).unwrap();
            let other = KeyPair::generate_for(kind).unwrap();
            let algorithms = vec![algorithm];
            let public = vec![file(&pair.public_key_pem())];
            let jwt = jwt(KeyFiles { secret: None, public, algorithms });
            let sign = |pair: &KeyPair| {
                let pem = pair.serialize_pem();
                let key = match algorithm {
                    Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
                    Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
                    _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
                };
                encode(&Header::new(algorithm.as_library()), &claims(), &key.unwrap()).unwrap()
            };
            assert!(jwt.check(&sign(&pair), now()).is_ok(), "{algorithm:?}");
            assert_eq!(jwt.check(&sign(&other), now()), Err(Denied::Signature), "{algorithm:?}");
        }
    }

    #[test]
    fn claims_may_have_other_names_and_lie_inside_others() {
        let mut jwt = by_secret();
        jwt.claims = Claims {
            user: "/user/name".into(),
            expires: "until".into(),
            rights: "/realm_access/roles".into(),
        };
        let claims = with(json!({
            "user": { "name": "bob" }, "until": NOW + 5, "realm_access": { "roles": ["admin"] },
        }));
        let identity = jwt.check(&token(&claims), now()).unwrap();
        assert_eq!((identity.user.as_str(), identity.rights), ("bob", vec!["admin".into()]));
        assert_eq!(identity.expires, Some(now() + Duration::from_secs(35)));
    }
}
