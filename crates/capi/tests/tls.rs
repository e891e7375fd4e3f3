//! Whom a client trusts, as the options say it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::ffi::CString;
use std::sync::Arc;

use rcgen::{CertifiedKey, PublicKeyData, generate_simple_self_signed};
use sha2::{Digest, Sha256};
use tieline::tls::{KeyPin, ServerTlsOptions};
use tieline_ws::*;
use tokio_rustls::TlsAcceptor;

use crate::server::*;

mod server;

/// What came of connecting: OPEN, or the code and words of an error.
fn outcome(options: &Options) -> Result<(), (i32, String)> {
    let client = connect(options);
    let event = next(client);
    tieline_ws_free(client);
    match event.kind {
        Kind::Open => Ok(()),
        _ => Err((event.code, event.data)),
    }
}

#[test]
fn a_server_is_trusted_by_its_root_and_by_its_key() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = cert.pem();
    let server = ServerTlsOptions {
        certificates_pem: pem.clone().into_bytes(),
        key_pem: signing_key.serialize_pem().into_bytes(),
        ..ServerTlsOptions::default()
    };
    let acceptor = TlsAcceptor::from(Arc::new(server.config().unwrap()));
    let port = serve_over(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            // A client that does not trust ends the handshake.
            if let Ok(stream) = acceptor.accept(stream).await
                && let Ok(socket) = tieline::accept(stream).await
            {
                echo(socket).await;
            }
        }
    })
    .port();

    let url = CString::new(format!("wss://localhost:{port}/")).unwrap();
    let ca = CString::new(pem).unwrap();
    let own = Options { ca_pem: ca.as_ptr(), ca_only: 1, ..options(&url) };
    assert_eq!(outcome(&own), Ok(()));
    let (code, text) = outcome(&options(&url)).unwrap_err();
    assert!(code == Code::Tls as i32 && text.contains("invalid peer certificate"), "{text}");

    let key = KeyPin::from_sha256(Sha256::digest(signing_key.subject_public_key_info()).into());
    let key = CString::new(key.to_string()).unwrap();
    let other = KeyPin::from_sha256([7; 32]);
    let both = CString::new(format!("{other}; {}", key.to_str().unwrap())).unwrap();
    let other = CString::new(other.to_string()).unwrap();
    assert_eq!(outcome(&Options { pinned_key: both.as_ptr(), ..own }), Ok(()));
    let (code, text) = outcome(&Options { pinned_key: other.as_ptr(), ..own }).unwrap_err();
    let shown = format!("the server's key {} is none", key.to_str().unwrap());
    assert!(code == Code::Tls as i32 && text.contains(&shown), "{text}");

    let alone = Options { danger_accept_any_certificate: 1, ..options(&url) };
    assert_eq!(outcome(&Options { pinned_key: key.as_ptr(), ..alone }), Ok(()));
    assert!(outcome(&Options { pinned_key: other.as_ptr(), ..alone }).is_err());
}
