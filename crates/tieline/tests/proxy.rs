//! Lines through proxies, each a small one in this file.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::error::Error as _;
use std::net::SocketAddr;

use tieline::{CloseCode, Connect, ConnectError, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::server::{carry, echo, head, listen, text};

mod server;

/// An HTTP proxy for one connection; gives the request's head.
async fn http_proxy() -> (SocketAddr, JoinHandle<String>) {
    let (listener, address) = listen().await;
    let asked = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let head = head(&mut client).await;
        let target = head.split(' ').nth(1).unwrap();
        let server = TcpStream::connect(target).await.unwrap();
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        carry(client, server).await;
        head
    });
    (address, asked)
}

/// A SOCKS 5 proxy for one connection that wants a password; gives user, password and host.
async fn socks_proxy() -> (SocketAddr, JoinHandle<[String; 3]>) {
    let (listener, address) = listen().await;
    let asked = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut greeting = [0; 4];
        client.read_exact(&mut greeting).await.unwrap();
        assert_eq!(greeting, [5, 2, 0, 2]);
        client.write_all(&[5, 2]).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), 1);
        let (user, password) = (counted(&mut client).await, counted(&mut client).await);
        client.write_all(&[1, 0]).await.unwrap();
        let mut request = [0; 4];
        client.read_exact(&mut request).await.unwrap();
        assert_eq!(request, [5, 1, 0, 3]);
        let host = counted(&mut client).await;
        let port = client.read_u16().await.unwrap();
        let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]).await.unwrap();
        carry(client, server).await;
        [user, password, host]
    });
    (address, asked)
}

async fn counted(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; stream.read_u8().await.unwrap().into()];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn speaks_through(proxy: Proxy, host: &str) {
    let port = echo().await.port();
    let request = Connect::to(format!("ws://{host}:{port}/about")).proxy(proxy);
    let mut socket = request.open().await.unwrap();
    assert_eq!(text(&mut socket).await, format!("/about {host}:{port} - -"));
    socket.send("x".repeat(100_000)).await.unwrap();
    assert_eq!(text(&mut socket).await.len(), 100_000);
    socket.close(CloseCode::NORMAL, "").await.unwrap();
}

#[tokio::test]
async fn a_line_goes_through_an_http_proxy() {
    let (proxy, asked) = http_proxy().await;
    speaks_through(Proxy::http(format!("http://me:secret@{proxy}")), "localhost").await;
    let head = asked.await.unwrap();
    assert!(head.starts_with("CONNECT localhost:"), "{head}");
    assert!(head.contains("\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n"), "{head}");
}

#[tokio::test]
async fn a_line_goes_through_a_socks_proxy_which_resolves_the_name() {
    let (proxy, asked) = socks_proxy().await;
    let proxy = Proxy::socks5(format!("socks5://me:secret@{proxy}"));
    speaks_through(proxy, "nowhere.invalid").await;
    assert_eq!(asked.await.unwrap(), ["me", "secret", "nowhere.invalid"]);
}

#[tokio::test]
async fn what_a_proxy_refuses_is_the_proxys_fault() {
    let (proxy, _asked) =
        server::answering("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
    for (proxy, expected) in [
        (Proxy::http(proxy.to_string()), "proxy answered 502 Bad Gateway"),
        (
            Proxy::socks5("https://x"),
            "proxy's scheme is `https`: write `http://host:port` or `socks5://host:port`",
        ),
    ] {
        let error = Connect::to("ws://x/").proxy(proxy).open().await.unwrap_err();
        assert!(matches!(error, ConnectError::Proxy(_)), "{error:?}");
        assert_eq!(error.source().unwrap().to_string(), expected);
    }
}
