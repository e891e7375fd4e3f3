//! Lines on streams of HTTP/2 that a hyper server reads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::convert::Infallible;

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::ext::Protocol;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, client, server};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tieline::bytes::Bytes;
use tieline::{AcceptError, AcceptOptions, Agreement, Answer, Limits, WebSocket};
use tokio::io::duplex;

/// A client of a server whose options ask for little.
async fn client() -> SendRequest<Empty<Bytes>> {
    let (ours, theirs) = duplex(1 << 16);
    let mut builder = server::conn::http2::Builder::new(TokioExecutor::new());
    builder.enable_connect_protocol();
    tokio::spawn(builder.serve_connection(TokioIo::new(theirs), service_fn(answer)));
    let (requests, connection) =
        client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(ours)).await.unwrap();
    tokio::spawn(connection);
    requests
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let options = AcceptOptions { secure: true, ..AcceptOptions::default() };
    Ok(match tieline::hyper::upgrade(&mut request, &options, Answer::default()) {
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

fn connect(origin: &str, protocol: &'static str) -> Request<Empty<Bytes>> {
    Request::builder()
        .method(Method::CONNECT)
        .uri("https://a.test/any?thing")
        .extension(Protocol::from_static(protocol))
        .header("sec-websocket-version", "13")
        .header("origin", origin)
        .body(Empty::new())
        .unwrap()
}

#[tokio::test]
async fn a_connect_becomes_a_line_beside_pages() {
    let mut requests = client().await;
    let page = Request::get("https://a.test/").body(Empty::new()).unwrap();
    let page = requests.send_request(page).await.unwrap();
    assert_eq!(page.into_body().collect().await.unwrap().to_bytes(), "a page");

    expect_line(&mut requests, "wss://a.test/any?thing").await;
}

/// Opens a line, which says its URL, and talks.
async fn expect_line(requests: &mut SendRequest<Empty<Bytes>>, url: &str) {
    let response = requests.send_request(connect("https://a.test", "websocket")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    let mut socket = WebSocket::client(stream, &Agreement::default(), Limits::default(), &[]);
    assert_eq!(socket.next().await.unwrap().unwrap().text(), Some(url));
    socket.send("hello").await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().text(), Some("hello"));
    socket.close(tieline::CloseCode::NORMAL, "").await.unwrap();
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn an_axum_handler_takes_a_connect() {
    use axum::routing::any;
    use tokio::net::{TcpListener, TcpStream};

    let handler = async |upgrade: tieline::axum::Upgrade| {
        upgrade.on_upgrade(|mut socket| async move {
            socket.send(socket.url().to_owned()).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                socket.send(message).await.unwrap();
            }
        })
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().route("/any", any(handler));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut requests, connection) =
        client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let page = Request::get("https://a.test/any").body(Empty::new()).unwrap();
    assert_eq!(requests.send_request(page).await.unwrap().status(), StatusCode::UPGRADE_REQUIRED);
    expect_line(&mut requests, "ws://a.test/any?thing").await;
}

#[tokio::test]
async fn a_foreign_page_and_another_protocol_are_refused() {
    let mut requests = client().await;
    for (origin, protocol, status) in [
        ("https://attacker.test", "websocket", StatusCode::FORBIDDEN),
        ("https://a.test", "connect-udp", StatusCode::NOT_IMPLEMENTED),
    ] {
        let response = requests.send_request(connect(origin, protocol)).await.unwrap();
        assert_eq!(response.status(), status);
    }
}
