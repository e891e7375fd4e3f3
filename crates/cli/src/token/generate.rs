//! Making a token.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value, json};

use super::Token;
use super::keys::say;

/// Shortest secret that the server takes, in bytes.
const MIN_SECRET_BYTES: usize = 32;

/// Prints a token.
pub(super) fn run(options: &Token) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let claims = claims(options, now.as_secs())?;
    let (algorithm, key) = match (&options.secret, &options.key) {
        (Some(file), _) => (Algorithm::HS256, secret(file)?),
        (None, Some(file)) => private(file)?,
        (None, None) => bail!("name what signs it: --key or --secret"),
    };
    let mut header = Header::new(algorithm);
    header.kid.clone_from(&options.kid);
    let token = encode(&header, &claims, &key).context("the token cannot be signed")?;
    if options.json {
        return say(&json!({ "token": token, "claims": claims }).to_string());
    }
    say(&token)
}

fn claims(options: &Token, now: u64) -> anyhow::Result<Map<String, Value>> {
    let mut claims = Map::new();
    claims.insert("sub".into(), options.user.clone().into());
    claims.insert("iat".into(), now.into());
    claims.insert("exp".into(), now.saturating_add(options.expires.get().as_secs()).into());
    if !options.rights.is_empty() {
        claims.insert("scope".into(), options.rights.join(" ").into());
    }
    match options.audience.as_slice() {
        [] => {}
        [one] => drop(claims.insert("aud".into(), one.clone().into())),
        several => drop(claims.insert("aud".into(), several.into())),
    }
    if let Some(issuer) = &options.issuer {
        claims.insert("iss".into(), issuer.clone().into());
    }
    for claim in &options.claims {
        let parsed = claim
            .split_once('=')
            .and_then(|(name, value)| Some((name, serde_json::from_str::<Value>(value).ok()?)));
        let Some((name, value)) = parsed.filter(|(name, _)| !name.is_empty()) else {
            bail!("--claim {claim:?} is not NAME=JSON: a text is written NAME='\"text\"'");
        };
        claims.insert(name.to_owned(), value);
    }
    Ok(claims)
}

fn secret(file: &Path) -> anyhow::Result<EncodingKey> {
    let bytes = read(file)?;
    let secret = bytes.trim_ascii_end();
    if secret.len() < MIN_SECRET_BYTES {
        let len = secret.len();
        bail!("{} holds a secret of {len} bytes: 32 at least", file.display());
    }
    Ok(EncodingKey::from_secret(secret))
}

fn private(file: &Path) -> anyhow::Result<(Algorithm, EncodingKey)> {
    let pem = read(file)?;
    let parsed = [
        (Algorithm::EdDSA, EncodingKey::from_ed_pem(&pem)),
        (Algorithm::ES256, EncodingKey::from_ec_pem(&pem)),
        (Algorithm::RS256, EncodingKey::from_rsa_pem(&pem)),
    ];
    let key = parsed.into_iter().find_map(|(algorithm, key)| Some((algorithm, key.ok()?)));
    key.with_context(|| {
        format!("{} is not a private key of Ed25519, P-256 or RSA in PEM", file.display())
    })
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}
