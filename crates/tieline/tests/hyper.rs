//! Lines that come through a hyper server, over TCP.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::convert::Infallible;

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tieline::bytes::Bytes;
use tieline::{AcceptError, AcceptOptions, Answer, CloseCode, Connect, ConnectError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serving = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .with_upgrades();
            tokio::spawn(serving);
        }
    });
    address.to_string()
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let protocols = vec!["echo".to_owned()];
    let options = AcceptOptions { protocols, ..AcceptOptions::default() };
    let mut answer = Answer::default();
    answer.headers.insert("x-more", "yes".parse().unwrap());
    Ok(match tieline::hyper::upgrade(&mut request, &options, answer) {
        Ok((response, line)) => {
            tokio::spawn(async move {
                let mut socket = line.await.unwrap();
                socket.send(socket.url().to_owned()).await.unwrap();
                while let Some(Ok(message)) = socket.next().await {
                    socket.send(message).await.unwrap();
                }
            });
            response.map(|()| Full::default())
        }
        Err(AcceptError::NotUpgrade) => Response::new("a page".into()),
        Err(error) => error.response().unwrap().map(Full::new),
    })
}

#[tokio::test]
async fn a_request_becomes_a_line() {
    let address = serve().await;
    let url = format!("ws://{address}/any?thing");
    let mut socket = Connect::to(&url).subprotocol("echo").open().await.unwrap();
    assert_eq!(socket.protocol(), "echo");
    assert_eq!(socket.next().await.unwrap().unwrap().text(), Some(url.as_str()));
    socket.send("hello").await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), "hello".into());
    socket.close(CloseCode::NORMAL, "").await.unwrap();
}

#[tokio::test]
async fn frames_right_behind_the_head_are_not_lost() {
    let address = serve().await;
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    let early = [head.as_bytes(), b"\x81\x85\0\0\0\0early"].concat();
    stream.write_all(&early).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x81\x05early") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
    }
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    assert!(answer.contains("x-more: yes"), "{answer}");
}

#[tokio::test]
async fn a_foreign_page_is_refused_and_an_ordinary_request_is_not() {
    let address = serve().await;
    let foreign = Connect::to(format!("ws://{address}/")).origin("https://attacker.test");
    assert!(matches!(
        foreign.open().await,
        Err(ConnectError::Refused(refused)) if refused.status == 403
    ));
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let ordinary = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(ordinary.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("a page"), "{answer}");
}
