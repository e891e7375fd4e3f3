//! Making secrets and keys, in files that only their owner may read.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::json;

use super::Pair;

/// As long as what it signs (RFC 7518 §3.2).
const SECRET_BYTES: usize = 32;

/// Makes a secret.
pub(super) fn secret(file: &Path, json: bool) -> anyhow::Result<()> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    write(file, &format!("{}\n", BASE64URL_NOPAD.encode(&bytes)), 0o600)?;
    let file = file.display().to_string();
    if json {
        return say(&json!({ "file": file, "bytes": SECRET_BYTES }).to_string());
    }
    say(&format!("secret in {file}"))
}

/// Makes a pair of keys.
pub(super) fn pair(file: &Path, algorithm: Pair, json: bool) -> anyhow::Result<()> {
    let made = match algorithm {
        Pair::EdDSA => Ed25519KeyPair::generate().and_then(|pair| {
            let private = pair.to_pkcs8v1()?.as_ref().to_vec();
            let public: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
            Ok((private, public.as_ref().to_vec()))
        }),
        Pair::ES256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).and_then(|pair| {
            let private = pair.to_pkcs8v1()?.as_ref().to_vec();
            let public: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
            Ok((private, public.as_ref().to_vec()))
        }),
    };
    let (private, public) = made.ok().context("the keys cannot be made")?;
    let mut beside = file.as_os_str().to_owned();
    beside.push(".pub");
    let beside = PathBuf::from(beside);
    write(file, &pem("PRIVATE KEY", &private), 0o600)?;
    write(&beside, &pem("PUBLIC KEY", &public), 0o644)?;
    let name = match algorithm {
        Pair::EdDSA => "EdDSA",
        Pair::ES256 => "ES256",
    };
    let (private, public) = (file.display().to_string(), beside.display().to_string());
    if json {
        let made = json!({ "algorithm": name, "private": private, "public": public });
        return say(&made.to_string());
    }
    say(&format!("private key in {private}: keep it where tokens are made"))?;
    say(&format!("public key in {public}: for key_files of a route with {name}"))
}

/// A new file; one that is there may be somebody's only copy.
fn write(file: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(mode).open(file);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write {}", file.display()))
}

/// Spec: RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    let base64 = BASE64.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in base64.as_bytes().chunks(64) {
        text.extend(line.iter().map(|&byte| char::from(byte)));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

pub(super) fn say(text: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{text}").context("cannot write to standard output")
}
