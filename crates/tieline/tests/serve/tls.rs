//! Does the engine do over TLS what it does without?

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use tieline::serve::{
    self, Arrival, Handler, Handoff, Link, ListenOptions, Message, Overflow, Trouble,
};
use tieline::tls::{Roots, ServerTlsOptions, TlsOptions};
use tieline::{AcceptOptions, Agreement, Answer, CloseCode, Connect, Limits, Refusal, Request};

use crate::raw::{BINARY, CLOSE, Raw, TEXT, masked, request};
use crate::served::*;

/// A certificate for localhost, and who trusts it.
pub(crate) struct Pair {
    server: Arc<rustls::ServerConfig>,
    trust: TlsOptions,
}

pub(crate) fn pair() -> Pair {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = own.cert.pem().into_bytes();
    let server = ServerTlsOptions {
        certificates_pem: certificate.clone(),
        key_pem: own.signing_key.serialize_pem().into_bytes(),
        ..ServerTlsOptions::default()
    };
    let trust =
        TlsOptions { roots: Roots::None, extra_roots_pem: certificate, ..TlsOptions::default() };
    Pair { server: Arc::new(server.config().unwrap()), trust }
}

impl Pair {
    pub(crate) fn options(&self) -> ListenOptions {
        let config = Arc::clone(&self.server);
        ListenOptions { tls: Some(Arc::new(move || Arc::clone(&config))), ..Default::default() }
    }

    pub(crate) fn connect(&self, server: &Served) -> Connect {
        let url = format!("wss://localhost:{}/", server.address.port());
        Connect::to(url).tls(self.trust.clone())
    }

    /// A client that says bare bytes inside TLS.
    fn raw(&self, server: &Served, alpn: &[u8]) -> Encrypted {
        let mut config = self.trust.config().unwrap();
        config.alpn_protocols = vec![alpn.to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        rustls::StreamOwned::new(connection, Raw::connect(server.address).0)
    }
}

type Encrypted = rustls::StreamOwned<rustls::ClientConnection, std::net::TcpStream>;

/// Asks for a line, with bytes behind the request, and reads the answer.
fn upgrade(stream: &mut Encrypted, behind: &[u8]) {
    use std::io::{Read, Write};
    stream.write_all(&[request("").as_bytes(), behind].concat()).unwrap();
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
}

/// What a client has to send by now.
fn records(client: &mut rustls::ClientConnection) -> Vec<u8> {
    let mut records = vec![];
    while client.wants_write() {
        client.write_tls(&mut records).unwrap();
    }
    records
}

#[tokio::test]
async fn messages_of_every_size_come_back() {
    let pair = pair();
    let limits = Limits { max_message_bytes: 8 << 20, ..Limits::default() };
    let accept = AcceptOptions { limits: limits.clone(), ..AcceptOptions::default() };
    let server = served_with(ListenOptions { accept, ..pair.options() }, echo);
    let mut socket = pair.connect(&server).limits(limits).open().await.unwrap();
    assert!(socket.get_ref().is_secure());
    for len in [0, 1, 16_384, 16_385, 100_000, 1 << 20, 5 << 20] {
        let message: Vec<u8> = (0..len).map(|n: usize| (n * 7) as u8).collect();
        socket.send(message.clone()).await.unwrap();
        assert!(soon(socket.next()).await.unwrap().unwrap().as_bytes() == message, "{len}");
    }
    socket.close(CloseCode::NORMAL, "").await.unwrap();
}

#[test]
fn an_echo_that_waits_loses_nothing_over_tls() {
    use std::io::{Read, Write};
    let pair = pair();
    let options = ListenOptions {
        backlog: serve::Backlog { max_bytes: 64 << 10, overflow: Overflow::Wait },
        ..pair.options()
    };
    let server = served_with(options, echo);
    let mut stream = pair.raw(&server, b"http/1.1");
    upgrade(&mut stream, b"");
    // As much as two sockets hold, and more than the backlog; then all of it is read.
    for round in 0..20_u8 {
        let message = vec![round; 100_000];
        stream.write_all(&masked(BINARY, &message).repeat(5)).unwrap();
        for _ in 0..5 {
            let mut frame = vec![0; 10 + message.len()];
            stream.read_exact(&mut frame).unwrap();
            assert!(frame.ends_with(&message), "{round}");
        }
    }
}

#[test]
fn much_behind_a_request_that_came_in_two_pieces_is_taken() {
    use std::io::{Read, Write};
    let pair = pair();
    let server = served_with(pair.options(), || {
        serve::messages(|link, message| {
            if message.text() == Some("last") {
                link.send(message);
            }
        })
    });
    let mut other = pair.raw(&server, b"http/1.1");
    for _ in 0..5 {
        let mut stream = pair.raw(&server, b"http/1.1");
        let padding = format!("X: {}\r\n", "x".repeat(12_000));
        let head = request(&padding);
        let (first, second) = head.split_at(12_100);
        stream.write_all(first.as_bytes()).unwrap();
        stream.flush().unwrap();
        let much = masked(BINARY, vec![0; 100_000]).repeat(30);
        stream.write_all(&[second.as_bytes(), &much, &masked(TEXT, "last")].concat()).unwrap();
        let mut answer = vec![];
        while !answer.ends_with(b"\x81\x04last") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
    }
    other.write_all(request("").as_bytes()).unwrap();
}

/// Tells how connections come and what happens to them.
struct Telling(mpsc::Sender<String>);

impl Handler for Telling {
    type State = ();

    fn admit(&mut self, request: &Request, arrival: &Arrival) -> Result<Answer, Refusal> {
        let origin = request.header("origin");
        self.0.send(format!("secure {}, from {origin:?}", arrival.is_secure)).unwrap();
        Ok(Answer::default())
    }

    fn open(&mut self, _: &Link, _: &Request, _: &Agreement) {}

    fn message(&mut self, (): &mut (), link: &Link, message: Message<'_>) {
        link.send(message);
    }

    fn hand_off(&mut self, handoff: Handoff) {
        let read = String::from_utf8_lossy(handoff.read_ahead()).into_owned();
        self.0.send(format!("HTTP/2 {} with {read}", handoff.is_h2())).unwrap();
    }

    fn trouble(&mut self, trouble: &Trouble<'_>) {
        if let Trouble::Handshake(_, error) = trouble {
            let _nobody_may_listen = self.0.send(format!("{error}"));
        }
    }
}

fn telling(options: ListenOptions) -> (Served, mpsc::Receiver<String>) {
    let (tell, told) = mpsc::channel();
    (served_with(options, move || Telling(tell.clone())), told)
}

#[tokio::test]
async fn the_pages_of_its_own_origin_are_those_of_https() {
    let pair = pair();
    let (server, told) = telling(pair.options());
    let port = server.address.port();
    let request = pair.connect(&server).origin(format!("https://localhost:{port}"));
    request.open().await.unwrap();
    let arrival = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(arrival, format!("secure true, from Some(\"https://localhost:{port}\")"));
    let request = pair.connect(&server).origin(format!("http://localhost:{port}"));
    request.open().await.unwrap_err();
}

#[test]
fn a_client_that_agrees_on_http2_is_handed_over() {
    use std::io::Write;
    let pair = pair();
    let mut config = (*pair.server).clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let pair = Pair { server: Arc::new(config), ..pair };
    let (server, told) = telling(pair.options());
    let mut stream = pair.raw(&server, b"h2");
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    let handed = told.recv_timeout(PATIENCE).unwrap();
    assert!(handed.starts_with("HTTP/2 true"), "{handed}");
}

#[test]
fn a_client_that_never_finishes_its_handshake_is_dropped() {
    let pair = pair();
    let limits = Limits { handshake_within: Duration::from_millis(300), ..Limits::default() };
    let accept = AcceptOptions { limits, ..AcceptOptions::default() };
    let (server, told) = telling(ListenOptions { accept, ..pair.options() });
    let began = Instant::now();
    // The first bytes of a ClientHello, and then nothing.
    let mut raw = Raw::connect(server.address);
    raw.say(b"\x16\x03\x01\x02\x00\x01\x00");
    assert_eq!(raw.rest(), b"");
    assert!(began.elapsed() >= Duration::from_millis(300));
    let why = told.recv_timeout(PATIENCE).unwrap();
    assert!(why.contains("handshake_within"), "{why}");
}

#[tokio::test]
async fn what_is_no_tls_is_told_so_and_harms_nobody() {
    let pair = pair();
    let (server, told) = telling(pair.options());
    let mut raw = Raw::connect(server.address);
    raw.say(request(""));
    // An alert, and the end.
    assert_eq!(raw.rest().first(), Some(&0x15));
    told.recv_timeout(PATIENCE).unwrap();
    let mut socket = pair.connect(&server).open().await.unwrap();
    socket.send("still here").await.unwrap();
    expect(&mut socket, &["still here"]).await;
}

#[tokio::test]
async fn a_slow_reader_over_tls_is_closed_with_1013() {
    use std::io::Read;
    let pair = pair();
    let (says, mut said) = tokio::sync::mpsc::unbounded_channel();
    let server = served_with(pair.options(), move || {
        let says = says.clone();
        serve::messages(move |link, _| {
            (0..240).for_each(|_| link.send(vec![0; 100_000]));
            says.send(()).unwrap();
        })
    });
    let mut stream = pair.raw(&server, b"http/1.1");
    upgrade(&mut stream, &masked(TEXT, "go"));
    heard(&mut said).await;
    loop {
        let mut header = [0; 2];
        stream.read_exact(&mut header).unwrap();
        if header[0] == CLOSE {
            let mut code = [0; 2];
            stream.read_exact(&mut code).unwrap();
            assert_eq!(u16::from_be_bytes(code), 1013);
            return;
        }
        assert_eq!(header, [BINARY, 127]);
        stream.read_exact(&mut vec![0; 8 + 100_000]).unwrap();
    }
}

#[test]
fn a_goodbye_in_the_same_read_as_a_message_is_the_end() {
    use std::io::{Read, Write};
    let pair = pair();
    let server = served_with(pair.options(), echo);
    let mut stream = pair.raw(&server, b"http/1.1");
    upgrade(&mut stream, b"");
    stream.conn.writer().write_all(&masked(TEXT, "last")).unwrap();
    stream.conn.send_close_notify();
    let both = records(&mut stream.conn);
    stream.sock.write_all(&both).unwrap();
    // The socket stays open: nothing else tells the server.
    stream.sock.read_to_end(&mut vec![]).unwrap();
}

#[test]
fn a_message_in_front_of_a_bad_record_is_heard() {
    use std::io::Write;
    let pair = pair();
    let (tell, told) = mpsc::channel();
    let server = served_with(pair.options(), move || {
        let (say, tell) = (tell.clone(), tell.clone());
        serve::links(
            |_, _| (),
            move |(), _, message| say.send(message.text().unwrap().to_owned()).unwrap(),
            move |(), _, how| tell.send(format!("{how:?}")).unwrap(),
        )
    });
    let mut stream = pair.raw(&server, b"http/1.1");
    upgrade(&mut stream, b"");
    stream.conn.writer().write_all(&masked(TEXT, "good")).unwrap();
    let mut both = records(&mut stream.conn);
    stream.conn.writer().write_all(&masked(TEXT, "bad")).unwrap();
    both.extend(records(&mut stream.conn));
    *both.last_mut().unwrap() ^= 0x01;
    stream.sock.write_all(&both).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "good");
    // The socket stays open: nothing else tells the server.
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "Lost(Transport)");
}

#[test]
fn a_handshake_larger_than_a_socket_takes_goes_on_when_there_is_room() {
    // More than the system keeps for a peer that does not read.
    const BYTES: usize = 12 << 20;
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let chain = vec![own.cert.der().clone(), CertificateDer::from(vec![0; BYTES])];
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = versions.with_no_client_auth().with_single_cert(chain, key.into()).unwrap();
    let pair = Pair { server: Arc::new(config), ..pair() };
    let limits = Limits { handshake_within: Duration::from_secs(3_600), ..Limits::default() };
    let accept = AcceptOptions { limits, ..AcceptOptions::default() };
    let server = served_with(ListenOptions { accept, ..pair.options() }, echo);

    let mut stream = pair.raw(&server, b"http/1.1");
    let mut raw = Raw(stream.sock.try_clone().unwrap());
    raw.say(records(&mut stream.conn));
    // Whoever comes later is answered when the worker has said what the socket took.
    let mut later = Raw::connect(server.address);
    later.say(request(""));
    assert_eq!(later.rest().first(), Some(&0x15));
    assert_eq!(raw.exactly(BYTES).first(), Some(&0x16));
}
