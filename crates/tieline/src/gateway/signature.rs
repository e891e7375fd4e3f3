//! Signatures of calls: HMAC-SHA256 over what identifies a call.
//!
//! ```text
//! METHOD \n Accept \n Content-MD5 \n Content-Type \n Date \n     an absent one leaves its line empty
//! name:value \n                                                  each signed header, by name
//! path?a=1&b&c=3                                                 query and form, by name; no value, no `=`
//! ```

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;

use super::call::{Body, Call};

/// The key of an application, and the secret that goes with it.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a key and its secret")]
pub struct Credentials {
    /// The application's key, sent as `x-ca-key`.
    pub key: String,
    /// The secret, which is never sent.
    pub secret: String,
}

/// What makes a signature one of its own: fresh for every call.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    /// Milliseconds since 1970.
    pub(super) timestamp_ms: u64,
    /// Not used before.
    pub(super) nonce: String,
}

/// A secret is never printed.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Credentials {
    /// Adds the headers that sign a call: every `x-ca-…` that is there counts.
    pub(super) fn sign(&self, call: &mut Call, stamp: &Stamp) {
        let headers = &mut call.headers;
        headers.insert("x-ca-key".into(), self.key.clone());
        headers.insert("x-ca-nonce".into(), stamp.nonce.clone());
        headers.insert("x-ca-timestamp".into(), stamp.timestamp_ms.to_string());
        headers.insert("x-ca-signature-method".into(), "HmacSHA256".into());
        if let Some(bytes) = call.body.signed_bytes() {
            headers.insert("content-md5".into(), BASE64.encode(&Md5::digest(bytes)));
        }
        let names: Vec<String> = headers.keys().filter(|name| is_signed(name)).cloned().collect();
        let signature = self.signature(call, &names);
        call.headers.insert("x-ca-signature-headers".into(), names.join(","));
        call.headers.insert("x-ca-signature".into(), signature);
    }

    fn signature(&self, call: &Call, names: &[String]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes())
            .expect("HMAC takes keys of every length");
        mac.update(string_to_sign(call, names).as_bytes());
        BASE64.encode(&mac.finalize().into_bytes())
    }
}

fn is_signed(name: &str) -> bool {
    name.starts_with("x-ca-") && name != "x-ca-signature" && name != "x-ca-signature-headers"
}

fn string_to_sign(call: &Call, names: &[String]) -> String {
    let header = |name: &str| call.headers.get(name).map_or("", String::as_str);
    let mut out = format!("{}\n", call.method);
    for name in ["accept", "content-md5", "content-type", "date"] {
        out.push_str(header(name));
        out.push('\n');
    }
    for name in names {
        out.push_str(&format!("{name}:{}\n", header(name)));
    }
    out.push_str(&call.path);
    let mut parameters: BTreeMap<&str, &str> =
        call.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if let Body::Form(pairs) = &call.body {
        parameters.extend(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }
    for (index, (name, value)) in parameters.into_iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(name);
        if !value.is_empty() {
            out.push('=');
            out.push_str(value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials { key: "12344133".into(), secret: "test-secret".into() }
    }

    /// The request of the gateway's own documentation.
    fn documented(path: &str) -> Call {
        Call::post(path)
            .form([("username", "xiaoming"), ("password", "123456789")])
            .header("accept", "application/json; charset=utf-8")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header("x-ca-seq", "0")
            .header("x-ca-key", "12344133")
            .header("x-ca-timestamp", "1525872629832")
            .header("x-ca-nonce", "c9f15cbf-f4ac-4a6c-b54d-f51abf4b5b44")
    }

    fn names(call: &Call) -> Vec<String> {
        call.headers.keys().filter(|name| is_signed(name)).cloned().collect()
    }

    #[test]
    fn the_documented_call_has_the_documented_signature() {
        let call = documented("/http2test/test")
            .query("param1", "test")
            .header("date", "Wed, 09 May 2018 13:30:29 GMT+00:00");
        let names = names(&call);
        let text = string_to_sign(&call, &names);
        let last = "\n/http2test/test?param1=test&password=123456789&username=xiaoming";
        assert!(text.ends_with(last), "{text}");
        let signature = credentials().signature(&call, &names);
        assert_eq!(signature, "WxkNac9D6c+/MUJDjo7xULMYWIjcfFxwZULurpqBUJA=");
    }

    #[test]
    fn a_registration_is_signed_as_the_java_client_signs_it() {
        let mut call = documented("/register")
            .header("date", "Wed, 09 May 2018 13:30:29 GMT")
            .header("x-ca-websocket_api_type", "REGISTER");
        let stamp = Stamp {
            timestamp_ms: 1_525_872_629_832,
            nonce: "c9f15cbf-f4ac-4a6c-b54d-f51abf4b5b44".into(),
        };
        credentials().sign(&mut call, &stamp);
        let signature = &call.headers["x-ca-signature"];
        assert_eq!(signature, "+P795mrygoiVizkdg/ftSTNAj2KMTJSnHkjxYLpxKrA=");
        let names = "x-ca-key,x-ca-nonce,x-ca-seq,x-ca-signature-method,x-ca-timestamp,\
                     x-ca-websocket_api_type";
        assert_eq!(call.headers["x-ca-signature-headers"], names);
    }

    #[test]
    fn a_body_that_is_no_form_is_signed_by_its_digest() {
        let mut call = Call::post("/x").text("application/json", "{}");
        let stamp = Stamp { timestamp_ms: 0, nonce: "n".into() };
        credentials().sign(&mut call, &stamp);
        assert_eq!(call.headers["content-md5"], "mZFLkyvTelC5g8XnyQrpOw==");
        let mut form = Call::post("/x").form([("a", "")]);
        credentials().sign(&mut form, &stamp);
        assert!(!form.headers.contains_key("content-md5"));
        assert!(string_to_sign(&form, &[]).ends_with("/x?a"));
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert!(!format!("{:?}", credentials()).contains("test-secret"));
    }
}
