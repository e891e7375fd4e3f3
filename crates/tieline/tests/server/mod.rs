//! Small servers on loopback for tests of the client.
#![allow(dead_code, reason = "each test file uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::net::SocketAddr;

use tieline::{AcceptOptions, Answer, Deflate, Request, WebSocket};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Takes one connection, reads one request head and answers with these bytes; gives the head.
pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> (SocketAddr, JoinHandle<String>) {
    let (listener, address) = listen().await;
    let answer = answer.into();
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = head(&mut stream).await;
        stream.write_all(&answer).await.unwrap();
        head
    });
    (address, request)
}

/// Reads up to the empty line.
pub(crate) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// An echo server for ever; `path`, `host` and `auth` as a message to whoever asks for `/about`.
pub(crate) async fn echo() -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Accepts with permessage-deflate and the subprotocol `echo`, says what it saw, and echoes.
pub(crate) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let options = AcceptOptions { deflate: Some(Deflate::default()), ..AcceptOptions::default() };
    let mut about = String::new();
    let socket = tieline::accept_with(stream, &options, |request| {
        about = said(request);
        let protocol = request.protocols().iter().find(|offered| *offered == "echo").cloned();
        Ok(Answer { protocol, ..Answer::default() })
    });
    if let Ok(mut socket) = socket.await {
        if about.starts_with("/about ") && socket.send(about).await.is_err() {
            return;
        }
        echo_on(&mut socket).await;
    }
}

pub(crate) async fn echo_on<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocket<S>) {
    while let Some(Ok(message)) = socket.next().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

fn said(request: &Request) -> String {
    let header = |name| request.header(name).unwrap_or("-").to_owned();
    let [host, authorization] = ["host", "authorization"].map(header);
    format!("{} {host} {authorization} {}", request.path(), header("cookie"))
}

/// The next message's text.
pub(crate) async fn text<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocket<S>) -> String {
    socket.next().await.unwrap().unwrap().text().unwrap().to_owned()
}

/// Carries bytes both ways until one side ends.
pub(crate) async fn carry(mut from: TcpStream, mut to: TcpStream) {
    // Whichever way it ends, both are dropped.
    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
}
