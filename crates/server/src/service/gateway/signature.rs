//! The signature of a request: made, and checked.
//!
//! What is signed is this text, by HMAC with the secret of the application, in base64:
//!
//! ```text
//! METHOD \n accept \n content-md5 \n content-type \n date \n
//! name:value \n                     for each header that x-ca-signature-headers names, sorted
//! path?name=value&name              query and form, sorted by name, decoded; an empty value has no =
//! ```
//!
//! A nonce is good once and a timestamp for a quarter of an hour, so that nobody can say again what
//! was overheard.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::envelope::Request;
use super::error::GatewayError;
use super::nonces::{Nonce, Nonces};
use super::parameters;

/// How far a timestamp may be from the gateway's clock, either way, and how long a nonce is known.
pub(super) const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Nonces that are known at a time.
const MAX_NONCES: usize = 1 << 18;

/// Longest text that was signed and is shown to who signed another.
const MAX_SHOWN: usize = 1_000;

const KEY: &str = "x-ca-key";
const NONCE: &str = "x-ca-nonce";
const SIGNATURE: &str = "x-ca-signature";
const SIGNED_HEADERS: &str = "x-ca-signature-headers";
const TIMESTAMP: &str = "x-ca-timestamp";

/// Who may sign, and what was signed lately.
#[derive(Debug)]
pub(super) struct Signatures {
    secrets: HashMap<String, String>,
    nonces: Mutex<Nonces>,
}

/// The hash that signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    HmacSha1,
    HmacSha256,
}

impl Signatures {
    /// With the secret of each key.
    pub(super) fn new(secrets: HashMap<String, String>) -> Self {
        Self { secrets, nonces: Mutex::new(Nonces::new(MAX_NONCES, WINDOW)) }
    }

    /// Checks that a request was signed by an application, lately, and for the first time; answers
    /// the application's key.
    pub(super) fn check<'r>(
        &self,
        request: &'r Request,
        now: SystemTime,
    ) -> Result<&'r str, GatewayError> {
        let asked = |name| request.header(name).ok_or(GatewayError::MissingHeader(name));
        let (key, given) = (asked(KEY)?, asked(SIGNATURE)?);
        let (nonce, timestamp) = (asked(NONCE)?, asked(TIMESTAMP)?);
        let named: Vec<&str> = asked(SIGNED_HEADERS)?
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(SIGNATURE))
            .collect();
        // What is not signed could be replaced, and the rest said again.
        for name in [NONCE, TIMESTAMP] {
            if !named.iter().any(|named| named.eq_ignore_ascii_case(name)) {
                return Err(GatewayError::NotSigned(name));
            }
        }
        let algorithm = Algorithm::of(request)?;
        let secret = self.secrets.get(key).ok_or(GatewayError::UnknownKey)?;
        check_md5(request)?;
        let signed = string_to_sign(request, &named);
        if !is_signature(given, algorithm, secret, &signed) {
            let lower: Vec<String> = named.iter().map(|name| name.to_ascii_lowercase()).collect();
            let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
            // Some clients write names in one case and sign them in the other.
            if !is_signature(given, algorithm, secret, &string_to_sign(request, &lower)) {
                let shown = signed.replace('\n', "#").chars().take(MAX_SHOWN).collect();
                return Err(GatewayError::Signature(shown));
            }
        }
        let millis: u64 = timestamp.parse().map_err(|_| GatewayError::Timestamp)?;
        let nonce = Nonce { millis, digest: digest(key, nonce) };
        // Last of all: only who knows a secret can fill this memory.
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner).take(nonce, millis_of(now))?;
        Ok(key)
    }
}

impl Algorithm {
    fn of(request: &Request) -> Result<Self, GatewayError> {
        match request.header("x-ca-signature-method") {
            None | Some("" | "HmacSHA256") => Ok(Self::HmacSha256),
            Some("HmacSHA1") => Ok(Self::HmacSha1),
            Some(other) => Err(GatewayError::SignatureMethod(other.chars().take(40).collect())),
        }
    }
}

/// Signs a text.
pub(super) fn sign(algorithm: Algorithm, secret: &str, text: &str) -> String {
    const ANY_LENGTH: &str = "a key of any length will do";
    let (secret, text) = (secret.as_bytes(), text.as_bytes());
    match algorithm {
        Algorithm::HmacSha1 => {
            let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect(ANY_LENGTH);
            mac.update(text);
            BASE64.encode(&mac.finalize().into_bytes())
        }
        Algorithm::HmacSha256 => {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect(ANY_LENGTH);
            mac.update(text);
            BASE64.encode(&mac.finalize().into_bytes())
        }
    }
}

/// What is signed of a request, where these headers are.
pub(super) fn string_to_sign(request: &Request, names: &[&str]) -> String {
    let mut text = format!("{}\n", request.method);
    for name in ["accept", "content-md5", "content-type", "date"] {
        text.push_str(request.header(name).unwrap_or_default());
        text.push('\n');
    }
    let mut names = names.to_vec();
    names.sort_unstable();
    names.retain(|name| !name.eq_ignore_ascii_case(SIGNED_HEADERS));
    for name in names {
        text.push_str(name);
        text.push(':');
        text.push_str(request.header(name).unwrap_or_default());
        text.push('\n');
    }
    text.push_str(&request.path);
    let mut merged = BTreeMap::new();
    for (name, value) in &request.querys {
        merged.entry(name.clone()).or_insert_with(|| value.clone());
    }
    if is_form(request) {
        let mut form = BTreeMap::new();
        for (name, value) in parameters::decode(&request.body) {
            form.entry(name).or_insert(value);
        }
        merged.append(&mut form);
    }
    let mut separator = '?';
    for (name, value) in merged {
        text.push(separator);
        separator = '&';
        text.push_str(&name);
        if !value.is_empty() {
            text.push('=');
            text.push_str(&value);
        }
    }
    text
}

/// In a time that tells nothing of where they differ.
fn is_signature(given: &str, algorithm: Algorithm, secret: &str, text: &str) -> bool {
    given.as_bytes().ct_eq(sign(algorithm, secret, text).as_bytes()).into()
}

fn is_form(request: &Request) -> bool {
    const FORM: &str = "application/x-www-form-urlencoded";
    let kind = request.header("content-type").unwrap_or_default();
    kind.get(..FORM.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(FORM))
}

/// A body that is no form is signed by its digest alone.
fn check_md5(request: &Request) -> Result<(), GatewayError> {
    match request.header("content-md5") {
        Some(given) if !given.is_empty() && !is_form(request) => {
            let is_its = given == BASE64.encode(&Md5::digest(&request.body));
            if is_its { Ok(()) } else { Err(GatewayError::ContentMd5) }
        }
        _ => Ok(()),
    }
}

fn digest(key: &str, nonce: &str) -> u128 {
    let digest = Sha256::new().chain_update(key).chain_update([0]).chain_update(nonce).finalize();
    let (half, _) = digest.split_first_chunk().expect("SHA-256 has 32 bytes");
    u128::from_be_bytes(*half)
}

fn millis_of(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::HeaderName;
    use serde_json::{Value, json};

    const SECRET: &str = "test-secret";
    const MILLIS: u64 = 1_525_872_629_832;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(MILLIS)
    }

    fn signatures() -> Signatures {
        Signatures::new([("12344133".to_owned(), SECRET.to_owned())].into())
    }

    fn request(path: &str, querys: Value, date: &str, more: &[(&str, &str)]) -> Request {
        let mut headers = json!({
            "x-ca-seq": ["0"], "x-ca-key": ["12344133"],
            "x-ca-timestamp": [MILLIS.to_string()],
            "x-ca-nonce": ["c9f15cbf-f4ac-4a6c-b54d-f51abf4b5b44"],
            "accept": ["application/json; charset=utf-8"],
            "content-type": ["application/x-www-form-urlencoded; charset=utf-8"],
            "date": [date], "host": ["apihangzhou444.foundai.com"],
        });
        for (name, value) in more {
            headers[*name] = json!([value]);
        }
        let envelope = json!({
            "method": "POST", "host": "apihangzhou444.foundai.com", "path": path, "querys": querys,
            "headers": headers, "isBase64": 0, "body": "username=xiaoming&password=123456789",
        });
        Request::parse(&envelope.to_string()).unwrap()
    }

    /// The request of the documents.
    fn first_vector() -> Request {
        let date = "Wed, 09 May 2018 13:30:29 GMT+00:00";
        request("/http2test/test", json!({ "param1": "test" }), date, &[])
    }

    /// What the Java client sends to register.
    fn second_vector() -> Request {
        let more =
            [("x-ca-signature-method", "HmacSHA256"), ("x-ca-websocket_api_type", "REGISTER")];
        request("/register", Value::Null, "Wed, 09 May 2018 13:30:29 GMT", &more)
    }

    /// Signs a request as a client does, with these headers in this order.
    pub(in super::super) fn sign_as(request: &mut Request, names: &str, secret: &str) {
        let list: Vec<&str> = names.split(',').collect();
        let algorithm = Algorithm::of(request).unwrap();
        let signature = sign(algorithm, secret, &string_to_sign(request, &list));
        for (name, value) in [(SIGNED_HEADERS, names), (SIGNATURE, signature.as_str())] {
            let name = HeaderName::from_static(name);
            request.headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
    }

    const FIRST: &str = "x-ca-timestamp,x-ca-key,x-ca-nonce,x-ca-seq";
    const SECOND: &str = "x-ca-seq,x-ca-key,x-ca-timestamp,x-ca-nonce,x-ca-signature-method,\
                          x-ca-websocket_api_type";

    #[test]
    fn the_first_vector_is_signed_as_by_the_real_client() {
        let mut request = first_vector();
        sign_as(&mut request, FIRST, SECRET);
        let text = string_to_sign(&request, &FIRST.split(',').collect::<Vec<_>>());
        let last = text.lines().last();
        let expected = "/http2test/test?param1=test&password=123456789&username=xiaoming";
        assert_eq!(last, Some(expected));
        let signature = request.header(SIGNATURE);
        assert_eq!(signature, Some("WxkNac9D6c+/MUJDjo7xULMYWIjcfFxwZULurpqBUJA="));
        assert_eq!(signatures().check(&request, now()).unwrap(), "12344133");
    }

    #[test]
    fn the_second_vector_is_signed_as_by_the_real_client() {
        let mut request = second_vector();
        sign_as(&mut request, SECOND, SECRET);
        let signature = request.header(SIGNATURE);
        assert_eq!(signature, Some("+P795mrygoiVizkdg/ftSTNAj2KMTJSnHkjxYLpxKrA="));
        assert_eq!(signatures().check(&request, now()).unwrap(), "12344133");
    }

    /// RFC 2202 §3, test case 2.
    #[test]
    fn hmac_sha1_is_spoken_too() {
        let signed = sign(Algorithm::HmacSha1, "Jefe", "what do ya want for nothing?");
        let digest = data_encoding::HEXLOWER.decode(b"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(signed, BASE64.encode(&digest.unwrap()));
        let mut request = request("/a", Value::Null, "", &[("x-ca-signature-method", "HmacSHA1")]);
        sign_as(&mut request, FIRST, SECRET);
        assert!(signatures().check(&request, now()).is_ok());
    }

    #[test]
    fn whatever_is_changed_after_it_was_signed_is_refused() {
        let changes: [fn(&mut Request); 6] = [
            |request| request.path.push('x'),
            |request| request.method = http::Method::PUT,
            |request| request.querys[0].1.push('x'),
            |request| request.body = "username=other&password=123456789".into(),
            |request| {
                request.headers.insert("x-ca-seq", HeaderValue::from_static("1"));
            },
            |request| {
                request.headers.insert("x-ca-signature", HeaderValue::from_static("AAAA"));
            },
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut request = first_vector();
            sign_as(&mut request, FIRST, SECRET);
            change(&mut request);
            let error = signatures().check(&request, now()).unwrap_err();
            assert_eq!(error.code(), "A403SI", "change {index}: {error}");
        }
    }

    #[test]
    fn what_protects_against_repetition_must_be_there_and_signed() {
        for (missing, code) in [
            ("x-ca-key", "I400MH"),
            ("x-ca-nonce", "I400MH"),
            ("x-ca-timestamp", "I400MH"),
            ("x-ca-signature", "I400MH"),
            ("x-ca-signature-headers", "I400MH"),
        ] {
            let mut request = first_vector();
            sign_as(&mut request, FIRST, SECRET);
            request.headers.remove(missing);
            assert_eq!(signatures().check(&request, now()).unwrap_err().code(), code, "{missing}");
        }
        for names in ["x-ca-key,x-ca-nonce", "x-ca-key,x-ca-timestamp"] {
            let mut request = first_vector();
            sign_as(&mut request, names, SECRET);
            let error = signatures().check(&request, now()).unwrap_err();
            assert!(matches!(error, GatewayError::NotSigned(_)), "{names}");
        }
    }

    #[test]
    fn a_request_is_good_once_and_for_a_quarter_of_an_hour() {
        let mut request = first_vector();
        sign_as(&mut request, FIRST, SECRET);
        let late = WINDOW + Duration::from_millis(1);
        let signatures = signatures();
        for now in [now() + late, now() - late] {
            assert_eq!(signatures.check(&request, now).unwrap_err().code(), "A403TS");
        }
        signatures.check(&request, now() + WINDOW).unwrap();
        assert_eq!(signatures.check(&request, now()).unwrap_err().code(), "A403NU");
    }

    #[test]
    fn a_body_that_is_no_form_has_its_digest() {
        let signed = |body: &str| {
            let more = [("content-type", "application/json"), ("content-md5", body)];
            let mut request = request("/a", Value::Null, "", &more);
            sign_as(&mut request, FIRST, SECRET);
            signatures().check(&request, now()).map(|_| ()).map_err(|error| error.code())
        };
        let body = "username=xiaoming&password=123456789";
        assert_eq!(signed(&BASE64.encode(&Md5::digest(body))), Ok(()));
        assert_eq!(signed("1B2M2Y8AsgTpgAmY7PhCfg=="), Err("A400MD"));
    }

    #[test]
    fn an_empty_value_is_signed_without_its_sign() {
        let querys = json!({ "b": "", "a": "1 é" });
        let mut request = request("/a", querys, "", &[("content-type", "text/plain")]);
        request.body = "x".into();
        assert!(string_to_sign(&request, &[]).ends_with("\n/a?a=1 é&b"));
    }

    #[test]
    fn another_key_and_another_method_are_told() {
        let mut other = request("/a", Value::Null, "", &[("x-ca-key", "1")]);
        sign_as(&mut other, FIRST, SECRET);
        assert_eq!(signatures().check(&other, now()).unwrap_err().code(), "A400IK");
        let mut other = first_vector();
        sign_as(&mut other, FIRST, SECRET);
        other.headers.insert("x-ca-signature-method", HeaderValue::from_static("MD5"));
        assert_eq!(signatures().check(&other, now()).unwrap_err().code(), "A400SM");
    }

    #[test]
    fn names_may_be_listed_in_another_case_than_they_are_signed_in() {
        let mut request = first_vector();
        sign_as(&mut request, FIRST, SECRET);
        let listed = HeaderValue::from_static("X-Ca-Timestamp, X-Ca-Key, X-Ca-Nonce, X-Ca-Seq");
        request.headers.insert(SIGNED_HEADERS, listed);
        assert!(signatures().check(&request, now()).is_ok());
    }
}
