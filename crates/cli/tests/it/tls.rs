//! https and wss, certificates that change, and certificates of clients.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use data_encoding::HEXLOWER;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::pki_types::ServerName;
use tieline::Connect;
use tieline::tls::{Identity, Roots, TlsOptions};

use crate::server::{Server, folder, next, tieline};

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes `certificate.pem` and `key.pem` for 127.0.0.1.
pub(crate) fn write_certificate(folder: &Path, authority: &Authority) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    fs::write(folder.join("certificate.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

pub(crate) fn start(folder: &Path, more: &str) -> Server {
    Server::start_as_told(&["--config", write(folder, more).to_str().unwrap()], 1)
}

/// A configuration with a TLS listener, and `more` of its TLS.
fn write(folder: &Path, more: &str) -> PathBuf {
    let file = folder.join("tieline.toml");
    fs::write(
        &file,
        format!(
            "[[listener]]\naddress = '127.0.0.1:0'\n\
             tls = {{ certificate = 'certificate.pem', key = 'key.pem'{more} }}\n\
             [[route]]\npath = '/'\nservice = {{ kind = 'echo' }}\n"
        ),
    )
    .unwrap();
    file
}

fn trusting(authority: &Authority) -> TlsOptions {
    let extra_roots_pem = authority.pem().into_bytes();
    TlsOptions { roots: Roots::None, extra_roots_pem, ..TlsOptions::default() }
}

#[tokio::test]
async fn a_new_certificate_is_taken_on_sighup_and_a_bad_one_is_not() {
    let (folder, first, second) = (folder(), authority(), authority());
    write_certificate(&folder, &first);
    let server = start(&folder, "");
    assert!(server.addresses[0].starts_with("https://"), "{:?}", server.addresses);
    let open = |authority: &Authority| {
        Connect::to(server.url("/"))
            .tls(trusting(authority))
            .origin(server.addresses[0].clone())
            .open()
    };
    let mut old = open(&first).await.unwrap();
    assert!(open(&second).await.is_err());

    write_certificate(&folder, &second);
    server.signal("HUP");
    server.wait_for_log(&["certificates reloaded"]);
    assert!(open(&first).await.is_err());
    let mut new = open(&second).await.unwrap();

    fs::write(folder.join("key.pem"), "no key").unwrap();
    server.signal("HUP");
    server.wait_for_log(&["the old ones stay", "key.pem"]);
    let mut third = open(&second).await.unwrap();
    for socket in [&mut old, &mut new, &mut third] {
        socket.send("alive").await.unwrap();
        assert_eq!(next(socket).await, "alive");
    }
}

#[tokio::test]
async fn where_clients_need_a_certificate_one_without_is_turned_away() {
    let (folder, servers, clients) = (folder(), authority(), authority());
    write_certificate(&folder, &servers);
    fs::write(folder.join("clients.pem"), clients.pem()).unwrap();
    let server = start(&folder, ", client_ca = 'clients.pem'");
    let request = |tls: TlsOptions| Connect::to(server.url("/")).tls(tls).open();
    assert!(request(trusting(&servers)).await.is_err());

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["device-1".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, &clients).unwrap();
    let identity = Identity {
        certificates_pem: certificate.pem().into_bytes(),
        key_pem: key.serialize_pem().into_bytes(),
    };
    let mut socket =
        request(TlsOptions { identity: Some(identity), ..trusting(&servers) }).await.unwrap();
    socket.send("hi").await.unwrap();
    assert_eq!(next(&mut socket).await, "hi");
}

/// What a client knows of the secrets, as the file has it.
#[derive(Debug, Default)]
struct Secrets(Mutex<BTreeSet<String>>);

impl rustls::KeyLog for Secrets {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let (random, secret) = (HEXLOWER.encode(client_random), HEXLOWER.encode(secret));
        self.0.lock().unwrap().insert(format!("{label} {random} {secret}"));
    }
}

#[test]
fn the_secrets_of_tls_are_logged_where_the_listener_says_so_and_nowhere_else() {
    let (folder, authority) = (folder(), authority());
    write_certificate(&folder, &authority);
    let (asked, unasked) = (folder.join("keys.log"), folder.join("unasked.log"));
    for more in [", danger_key_log = 'keys.log'", ""] {
        let mut command = tieline();
        command.args(["serve", "--log-level", "debug", "--config"]).arg(write(&folder, more));
        let server = Server::spawn(command.env("SSLKEYLOGFILE", &unasked), 1);
        if !more.is_empty() {
            server.wait_for_log(&["the secrets of TLS are logged", "keys.log"]);
        }
        let secrets = Arc::new(Secrets::default());
        let mut config = trusting(&authority).config().unwrap();
        config.key_log = Arc::<Secrets>::clone(&secrets);
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect(server.host()).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert!(stream.read(&mut [0; 64]).unwrap() > 0);
        let known = secrets.0.lock().unwrap().clone();
        assert!(!known.is_empty());
        let logged = fs::read_to_string(&asked).unwrap();
        let logged: BTreeSet<_> = logged.lines().map(str::to_owned).collect();
        assert_eq!(known.is_subset(&logged), !more.is_empty(), "{known:?} {logged:?}");
    }
    assert_eq!(fs::metadata(&asked).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!unasked.exists());
}

#[test]
fn plain_http_on_a_tls_listener_disturbs_nobody() {
    let folder = folder();
    write_certificate(&folder, &authority());
    let server = start(&folder, "");
    let answer = server.get("/");
    assert!(!answer.contains("HTTP/1.1 200"), "{answer}");
    server.wait_for_log(&["TLS handshake failed"]);
}
