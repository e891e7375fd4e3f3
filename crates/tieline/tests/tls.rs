//! TLS: whom a client trusts, what it shows, and what it says when it does not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![cfg(feature = "tls")]

use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PublicKeyData};
use sha2::{Digest, Sha256};
use tieline::tls::{Identity, KeyPin, Roots, ServerTlsOptions, TlsOptions};
use tieline::{Connect, ConnectError, RedirectError};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::server::{answering, head, listen, serve, text};

mod server;

/// An authority, and what it signed, as PEM.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    fn sign(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity {
            certificates_pem: certificate.pem().into_bytes(),
            key_pem: key.serialize_pem().into_bytes(),
        }
    }

    fn trusted(&self) -> TlsOptions {
        TlsOptions { roots: Roots::None, extra_roots_pem: self.pem(), ..TlsOptions::default() }
    }
}

fn acceptor(identity: Identity, client_roots_pem: Option<Vec<u8>>) -> TlsAcceptor {
    let Identity { certificates_pem, key_pem } = identity;
    let options = ServerTlsOptions { certificates_pem, key_pem, client_roots_pem };
    TlsAcceptor::from(Arc::new(options.config().unwrap()))
}

/// An echo server behind TLS, for ever.
async fn listening(acceptor: TlsAcceptor) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust ends the handshake.
                if let Ok(stream) = acceptor.accept(stream).await {
                    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
                    serve(stream).await;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_root_of_ones_own_is_trusted_by_name_and_by_address() {
    let authority = Authority::new();
    let port = listening(acceptor(authority.sign("localhost"), None)).await.port();
    let request = Connect::to(format!("wss://localhost:{port}/about")).tls(authority.trusted());
    let mut socket = request.open().await.unwrap();
    assert_eq!(text(&mut socket).await, format!("/about localhost:{port} - -"));
    assert!(socket.get_ref().is_secure());

    let address = listening(acceptor(authority.sign("127.0.0.1"), None)).await;
    let request = Connect::to(format!("wss://{address}")).tls(authority.trusted());
    let mut socket = request.open().await.unwrap();
    socket.send("x".repeat(1 << 18)).await.unwrap();
    assert_eq!(text(&mut socket).await.len(), 1 << 18);
}

#[tokio::test]
async fn a_stranger_and_a_wrong_name_are_not_trusted() {
    let authority = Authority::new();
    let port = listening(acceptor(authority.sign("localhost"), None)).await.port();
    for request in [
        Connect::to(format!("wss://localhost:{port}")),
        Connect::to(format!("wss://localhost:{port}")).tls(Authority::new().trusted()),
        Connect::to(format!("wss://127.0.0.1:{port}")).tls(authority.trusted()),
    ] {
        let error = request.open().await.unwrap_err();
        assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
        let cause = error.source().unwrap().source().unwrap().to_string();
        assert!(cause.contains("invalid peer certificate"), "{cause}");
    }
    let tls = TlsOptions { danger_accept_any_certificate: true, ..TlsOptions::default() };
    let request = Connect::to(format!("wss://127.0.0.1:{port}/about")).tls(tls);
    assert!(text(&mut request.open().await.unwrap()).await.starts_with("/about"));
}

#[tokio::test]
async fn a_pinned_key_is_checked_besides_the_certificate() {
    let authority = Authority::new();
    let (shown, other) = (authority.sign("localhost"), authority.sign("localhost"));
    let [right, wrong] = [&shown, &other].map(pin);
    let port = listening(acceptor(shown, None)).await.port();
    let open = |tls| Connect::to(format!("wss://localhost:{port}/")).tls(tls).open();

    let pinned = |pins| TlsOptions { pinned_keys: pins, ..authority.trusted() };
    open(pinned(vec![wrong, right])).await.unwrap();
    let error = open(pinned(vec![wrong])).await.unwrap_err();
    assert!(said(&error).contains(&format!("the server's key {right} is none")), "{error:?}");

    let stranger = TlsOptions { pinned_keys: vec![right], ..Authority::new().trusted() };
    assert!(open(stranger).await.is_err(), "the key alone is not enough");
    let alone = |pin| TlsOptions {
        pinned_keys: vec![pin],
        danger_accept_any_certificate: true,
        ..TlsOptions::default()
    };
    open(alone(right)).await.unwrap();
    open(alone(wrong)).await.unwrap_err();
}

/// The pin of an identity's key, as a program that is not ours would make it.
fn pin(identity: &Identity) -> KeyPin {
    let key = KeyPair::from_pem(std::str::from_utf8(&identity.key_pem).unwrap()).unwrap();
    KeyPin::from_sha256(Sha256::digest(key.subject_public_key_info()).into())
}

/// An error and its causes.
fn said(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", said(cause)))
}

#[tokio::test]
async fn a_client_shows_its_certificate_where_it_is_asked_for() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let acceptor = acceptor(servers.sign("localhost"), Some(clients.pem()));
    let port = listening(acceptor).await.port();
    let request = Connect::to(format!("wss://localhost:{port}/about"));
    let known = TlsOptions { identity: Some(clients.sign("client")), ..servers.trusted() };
    let mut socket = request.clone().tls(known.config().unwrap()).open().await.unwrap();
    assert!(text(&mut socket).await.starts_with("/about"));

    let stranger = TlsOptions { identity: Some(servers.sign("client")), ..servers.trusted() };
    for tls in [servers.trusted(), stranger] {
        // With TLS 1.3 the server's refusal comes after the handshake.
        request.clone().tls(tls).open().await.unwrap_err();
    }
}

#[tokio::test]
async fn what_is_no_pem_is_named() {
    let error = |tls: TlsOptions| async {
        let request = Connect::to("wss://localhost:1/").tls(tls);
        request.open().await.unwrap_err().source().unwrap().to_string()
    };
    let roots = TlsOptions { extra_roots_pem: b"nonsense".to_vec(), ..TlsOptions::default() };
    assert_eq!(error(roots).await, "`extra_roots_pem` holds no PEM certificate");
    let identity = Authority::new().sign("x");
    let identity = Identity { key_pem: identity.certificates_pem.clone(), ..identity };
    let tls = TlsOptions { identity: Some(identity), ..TlsOptions::default() };
    assert_eq!(error(tls).await, "`identity.key_pem` is not the PEM it should be");
    assert_eq!(
        ServerTlsOptions::default().config().unwrap_err().to_string(),
        "`certificates_pem` holds no PEM certificate"
    );
}

#[tokio::test]
async fn no_tls_where_it_is_expected_is_the_servers_fault() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        // Held open, so that what is read is the answer and not its end.
        std::future::pending::<()>().await;
    });
    let error = Connect::to(format!("wss://{address}")).open().await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn a_redirect_never_loses_the_encryption() {
    let authority = Authority::new();
    let acceptor = acceptor(authority.sign("localhost"), None);
    let (plain, _server) = answering("HTTP/1.1 500 \r\n\r\n").await;
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
        head(&mut stream).await;
        let answer = format!("HTTP/1.1 301 \r\nLocation: http://{plain}/\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let url = format!("wss://localhost:{}", address.port());
    let request = Connect::to(url).tls(authority.trusted()).redirects(5);
    match request.open().await {
        Err(ConnectError::Redirect(RedirectError::Downgrade)) => {}
        other => panic!("{other:?}"),
    }
}
