//! What the peers share: the command line, the listening socket, TLS, a handshake, and a loop that echoes.
//!
//! `PEER PORT [deflate] [lean] [tls=FOLDER]`: `deflate` speaks permessage-deflate without context takeover, `lean` has
//! the small buffers that a server with many idle connections would choose, `tls` reads key.pem and certificate.pem.

use std::error::Error;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Largest message that a peer takes, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// Most messages answered before they are written, when so many have arrived.
const BATCH: usize = 32;

/// How a conversation ends when it does not end well.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What a connection runs over.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for T {}

/// What the command line asks of a peer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// Speak permessage-deflate, without context takeover.
    pub deflate: bool,
    /// Spend little memory on a connection, at the price of speed.
    pub lean: bool,
}

/// A crate under test.
pub trait Peer: 'static {
    /// Whether it can speak permessage-deflate.
    const DEFLATE: bool = false;

    /// Shakes hands over `transport` and echoes until it ends.
    fn converse<T: Transport>(
        transport: T,
        wishes: Wishes,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Runs a peer on the one thread of its runtime, until the process is ended.
pub fn serve<P: Peer>() {
    let mut arguments = std::env::args().skip(1);
    let port =
        arguments.next().and_then(|port| port.parse().ok()).expect("usage: PEER PORT [WISH…]");
    let (mut wishes, mut tls) = (Wishes::default(), None);
    for wish in arguments {
        match wish.split_once('=').unwrap_or((&wish, "")) {
            ("deflate", "") if P::DEFLATE => wishes.deflate = true,
            ("lean", "") => wishes.lean = true,
            ("tls", folder) => tls = Some(acceptor(folder)),
            _ => panic!("cannot {wish}"),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("the system gives an epoll").block_on(listen::<P>(port, wishes, tls));
}

async fn listen<P: Peer>(port: u16, wishes: Wishes, tls: Option<TlsAcceptor>) {
    let listener = bind(port);
    println!("listening on {port}");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let tls = tls.clone();
        // How a conversation ended is the load generator's to judge.
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            match tls {
                Some(tls) => P::converse(tls.accept(stream).await?, wishes).await,
                None => P::converse(stream, wishes).await,
            }
        });
    }
}

/// Binds with a long queue, as ten thousand clients arrive at once.
fn bind(port: u16) -> TcpListener {
    let bound = Socket::new(Domain::IPV4, Type::STREAM, None).and_then(|socket| {
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
        socket.listen(4096)?;
        TcpListener::from_std(socket.into())
    });
    bound.expect("the port is free")
}

fn acceptor(folder: &str) -> TlsAcceptor {
    let read = |name: &str| fs::read(format!("{folder}/{name}")).expect("the file is there");
    let certificate =
        CertificateDer::from_pem_slice(&read("certificate.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(&read("key.pem")).expect("a key");
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    TlsAcceptor::from(Arc::new(config.expect("the key is the certificate's")))
}

/// Echoes with a crate that is a `Stream` and a `Sink`: what has arrived already is answered in one write.
///
/// It is all taken before any of it is answered, because tokio-websockets writes what waits whenever it is asked for
/// more. `answer` says what goes back for a message: nothing for a ping, which the crate answers.
pub async fn echo<L, I, O>(
    mut line: L,
    answer: impl Fn(I) -> Result<Option<O>, Failure>,
) -> Result<(), Failure>
where
    L: Stream<Item = I> + Sink<O> + Unpin,
    L::Error: Into<Failure>,
{
    let mut replies = Vec::new();
    while let Some(first) = line.next().await {
        replies.extend(answer(first)?);
        while replies.len() < BATCH
            && let Some(next) = line.next().now_or_never().flatten()
        {
            replies.extend(answer(next)?);
        }
        for reply in replies.drain(..) {
            line.feed(reply).await.map_err(Into::into)?;
        }
        line.flush().await.map_err(Into::into)?;
    }
    Ok(())
}

/// What a client is told when compression is spoken.
pub const DEFLATE: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Shakes hands for crates that leave it to their user, or whose own way adds a layer to every read.
pub async fn shake_hands(transport: &mut impl Transport, deflate: bool) -> Result<(), Failure> {
    let mut head = Vec::with_capacity(512);
    while !head.ends_with(b"\r\n\r\n") {
        if transport.read_buf(&mut head).await? == 0 {
            return Err("ended before its head did".into());
        }
    }
    let head = std::str::from_utf8(&head)?;
    let key = header(head, "sec-websocket-key").ok_or("no key")?;
    let digest =
        sha1_smol::Sha1::from(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")).digest();
    let accept = data_encoding::BASE64.encode(&digest.bytes());
    let offered = header(head, "sec-websocket-extensions")
        .is_some_and(|it| it.contains("permessage-deflate"));
    let extension = match (deflate, offered) {
        (true, true) => format!("Sec-WebSocket-Extensions: {DEFLATE}\r\n"),
        (true, false) => return Err("the client does not offer compression".into()),
        (false, _) => String::new(),
    };
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{extension}\r\n"
    );
    transport.write_all(response.as_bytes()).await?;
    Ok(transport.flush().await?)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
