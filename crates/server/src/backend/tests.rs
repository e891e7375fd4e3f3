//! Calls to real HTTP servers on this machine: good, slow, dead, wrong, huge, flapping, redirecting.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request as Received;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use http::{HeaderMap, Method, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

use super::*;
use crate::config::{File, Overrides, Plan, Source};

/// A backend at this place, with more settings.
pub(crate) fn backend(url: &str, settings: &str) -> Arc<Backend> {
    backends(url, settings).0.find("a").unwrap()
}

fn backends(url: &str, settings: &str) -> (Backends, Metrics) {
    let route = "[[route]]\npath = '/'\nservice = { kind = 'echo' }";
    let text = format!("{route}\n[[backend]]\nname = 'a'\nurl = '{url}'\n{settings}\n");
    let source = Source::new("x.toml", text);
    let file = File::parse(&source).unwrap_or_else(|error| panic!("{}", error.report()));
    let plan = Plan::new(file, &source, &Overrides::default()).unwrap();
    let metrics = Metrics::default();
    (Backends::new(plan.backends, &metrics), metrics)
}

/// Serves HTTP/1.1 until the test ends.
pub(crate) async fn serve<F, R>(answer: F) -> String
where
    F: Fn(Received) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(any(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Answers every connection with these bytes, whatever it says.
async fn serve_raw(bytes: &'static [u8]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 1_024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(bytes).await;
        }
    });
    (url, asked)
}

/// Statuses in turn, the last for ever; and how often it was asked.
async fn serve_in_turn(statuses: &'static [u16]) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let url = serve(move |_| {
        let turn = count.fetch_add(1, Ordering::SeqCst);
        let status = statuses[turn.min(statuses.len() - 1)];
        async move { StatusCode::from_u16(status).unwrap().into_response() }
    });
    (url.await, asked)
}

fn get(path: &str) -> Call {
    Call::new(Method::GET, path)
}

fn post(path: &str) -> Call {
    Call { body: Bytes::from("x"), ..Call::new(Method::POST, path) }
}

/// A port that is taken, and at which nobody listens.
fn dead() -> (String, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    (format!("http://{}", socket.local_addr().unwrap()), socket)
}

#[tokio::test]
async fn a_call_goes_below_the_base_with_its_headers_and_body_and_comes_back_whole() {
    let url = serve(|request| async move {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, 1_000).await.unwrap();
        let told = format!("{} {} {:?}", head.method, head.uri, head.headers);
        let hops = [("connection", "x-hop"), ("x-hop", "1"), ("x-kept", "2")];
        (StatusCode::CREATED, hops, [told.into_bytes(), body.to_vec()].concat()).into_response()
    });
    let backend = backend(&format!("{}/base/", url.await), "");
    let mut call = post("/devices?id=7");
    call.headers.insert("x-ca-deviceid", "d1".parse().unwrap());
    call.headers.insert("transfer-encoding", "chunked".parse().unwrap());
    call.headers.insert("host", "evil.example".parse().unwrap());
    call.idempotency_key = Some("d1.7".to_owned());
    let reply = backend.call(call).await.unwrap();
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    assert_eq!(reply.status, StatusCode::CREATED);
    assert!(text.starts_with("POST /base/devices?id=7 ") && text.ends_with("}x"), "{text}");
    for told in
        [r#""x-ca-deviceid": "d1""#, r#""idempotency-key": "d1.7""#, r#""traceparent": "00-"#]
    {
        assert!(text.contains(told), "{told} in {text}");
    }
    assert!(!text.contains("evil") && !text.contains("chunked"), "{text}");
    assert!(!text.contains("tieline-signature"), "it has no secret: {text}");
    assert_eq!(reply.headers["x-kept"], "2");
    assert!(!reply.headers.contains_key("x-hop") && !reply.headers.contains_key("connection"));
}

#[tokio::test]
async fn with_a_secret_each_request_is_signed() {
    let url = serve(|request| async move {
        let signature = request.headers().get("tieline-signature").cloned();
        format!("{signature:?}").into_response()
    });
    let file = crate::store::Scratch::new();
    std::fs::write(&*file, "0123456789abcdef\n").unwrap();
    let settings = format!("signing_secret_file = '{}'", file.display());
    let backend = backend(&url.await, &settings);
    let _ = std::fs::remove_file(&*file);
    let said = backend.call(get("/")).await.unwrap().body;
    let said = String::from_utf8(said.to_vec()).unwrap();
    let value = said.strip_prefix("Some(\"t=").and_then(|said| said.strip_suffix("\")")).unwrap();
    let (seconds, signature) = value.split_once(",v1=").unwrap();
    let now = std::time::UNIX_EPOCH + Duration::from_secs(seconds.parse().unwrap());
    let secret = Secret::new(b"0123456789abcdef").unwrap();
    let made = secret.sign("GET", "/", &HeaderMap::new(), b"", now);
    assert_eq!(made, format!("t={seconds},v1={signature}"));
}

#[tokio::test]
async fn a_slow_backend_costs_its_timeout_and_no_more() {
    let url = serve(|_| std::future::pending()).await;
    let backend = backend(&url, "timeout = '100ms'\nretries = 5");
    assert_eq!(backend.call(get("/")).await.unwrap_err(), BackendError::TimedOut);
    let call = Call { timeout: Some(Duration::from_millis(1)), ..get("/") };
    assert_eq!(backend.call(call).await.unwrap_err(), BackendError::TimedOut);
}

#[tokio::test]
async fn a_backend_that_is_slow_in_the_middle_of_its_answer_costs_its_timeout_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab").await;
        std::future::pending::<()>().await;
    });
    let error = backend(&url, "timeout = '100ms'").call(get("/")).await.unwrap_err();
    assert_eq!(error, BackendError::TimedOut);
}

#[tokio::test]
async fn a_dead_backend_is_unreachable_and_left_alone_after_some_failures() {
    let (url, _socket) = dead();
    let backend = backend(&url, "retries = 0\nbreaker = { failures = 3, pause = '1h' }");
    for _ in 0..3 {
        let error = backend.call(get("/")).await.unwrap_err();
        assert!(matches!(error, BackendError::Unreachable(_)), "{error:?}");
    }
    assert_eq!(backend.call(get("/")).await.unwrap_err(), BackendError::Open { failures: 3 });
}

#[tokio::test]
async fn a_backend_that_flaps_is_asked_again_only_where_that_is_safe() {
    for status in [&[502, 200][..], &[503, 200], &[504, 200]] {
        let (url, asked) = serve_in_turn(status).await;
        let backend = backend(&url, "");
        assert_eq!(backend.call(get("/")).await.unwrap().status, 200);
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
    let (url, asked) = serve_in_turn(&[503, 200]).await;
    let reply = backend(&url, "").call(post("/")).await.unwrap();
    assert_eq!((reply.status.as_u16(), asked.load(Ordering::SeqCst)), (503, 1), "a POST is no GET");
    let (url, asked) = serve_in_turn(&[503, 200]).await;
    let call = Call { idempotency_key: Some("k".to_owned()), ..post("/") };
    let reply = backend(&url, "").call(call).await.unwrap();
    assert_eq!((reply.status.as_u16(), asked.load(Ordering::SeqCst)), (200, 2));
    let (url, asked) = serve_in_turn(&[500]).await;
    assert_eq!(backend(&url, "").call(get("/")).await.unwrap().status, 500);
    assert_eq!(asked.load(Ordering::SeqCst), 1, "its own error is its answer");
    let (url, asked) = serve_in_turn(&[503]).await;
    assert_eq!(backend(&url, "").call(get("/")).await.unwrap().status, 503);
    assert_eq!(asked.load(Ordering::SeqCst), 3, "two repetitions, then what it said");
}

#[tokio::test]
async fn nothing_is_asked_again_after_the_deadline() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let url = serve(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        async { (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "60")]).into_response() }
    });
    let reply = backend(&url.await, "timeout = '20s'").call(get("/")).await.unwrap();
    assert_eq!((reply.status.as_u16(), asked.load(Ordering::SeqCst)), (503, 1));
}

#[tokio::test]
async fn a_line_that_ends_before_the_answer_is_tried_again_where_that_is_safe() {
    let (url, asked) = serve_raw(b"").await;
    let backend = backend(&url, "retries = 1");
    let error = backend.call(get("/")).await.unwrap_err();
    assert!(matches!(error, BackendError::Unreachable(_)), "{error:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    backend.call(post("/")).await.unwrap_err();
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_answer_that_is_no_http_or_breaks_off_is_broken() {
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let (url, asked) = serve_raw(bytes).await;
        let error = backend(&url, "").call(get("/")).await.unwrap_err();
        assert!(matches!(error, BackendError::Broken(_)), "{error:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_huge_answer_is_not_read() {
    let exact = serve(|_| async { "x".repeat(1_000).into_response() }).await;
    let endless = serve(|_| async {
        let parts = futures_util::stream::repeat_with(|| Ok::<_, Infallible>("x".repeat(400)));
        axum::body::Body::from_stream(parts).into_response()
    });
    let backend_with = |url: &str, bytes| backend(url, &format!("max_answer_bytes = {bytes}"));
    assert_eq!(backend_with(&exact, 1_000).call(get("/")).await.unwrap().body.len(), 1_000);
    let error = backend_with(&exact, 999).call(get("/")).await.unwrap_err();
    assert_eq!(error, BackendError::TooLarge { limit: 999 });
    let error = backend_with(&endless.await, 1_000).call(get("/")).await.unwrap_err();
    assert_eq!(error, BackendError::TooLarge { limit: 1_000 });
}

#[tokio::test]
async fn an_answer_in_many_parts_is_put_together() {
    let url = serve(|_| async {
        let parts = ["a", "", "bc", "def"].map(Ok::<_, Infallible>);
        axum::body::Body::from_stream(futures_util::stream::iter(parts)).into_response()
    });
    let reply = backend(&url.await, "").call(get("/")).await.unwrap();
    assert_eq!(reply.body, "abcdef");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let (inside, asked) = serve_in_turn(&[200]).await;
    let url = serve(move |_| {
        let location = [("location", inside.clone())];
        async { (StatusCode::TEMPORARY_REDIRECT, location).into_response() }
    });
    let reply = backend(&url.await, "").call(get("/")).await.unwrap();
    assert_eq!(reply.status, StatusCode::TEMPORARY_REDIRECT);
    assert!(reply.headers.contains_key("location"));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn as_many_calls_are_in_flight_as_may_be_and_one_more_is_refused_at_once() {
    let url = serve(|_| std::future::pending()).await;
    let backend = backend(&url, "max_in_flight = 2");
    let mut first = Box::pin(backend.call(get("/")));
    let mut second = Box::pin(backend.call(get("/")));
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());
    assert_eq!(backend.call(get("/")).await.unwrap_err(), BackendError::Busy { limit: 2 });
    // One that is given up leaves its place.
    drop(first);
    let call = Call { timeout: Some(Duration::from_millis(1)), ..get("/") };
    assert_eq!(backend.call(call).await.unwrap_err(), BackendError::TimedOut);
}

#[tokio::test]
async fn a_name_of_the_inside_is_refused_however_it_is_spelled() {
    let (url, asked) = serve_in_turn(&[200]).await;
    let port = url.rsplit_once(':').unwrap().1;
    // To the resolver this is the same host; to the rules it is another name.
    let name = format!("http://localhost.:{port}");
    let error = backend(&name, "").call(get("/")).await.unwrap_err();
    // Where the system's resolver does not know it, nothing is reached either.
    assert!(
        matches!(error, BackendError::Forbidden(_) | BackendError::Unreachable(_)),
        "{error:?}"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let name = format!("http://localhost:{port}");
    assert_eq!(backend(&name, "").call(get("/")).await.unwrap().status, 200);
}

#[tokio::test]
async fn over_http_2_calls_share_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen: Arc<Mutex<Vec<(SocketAddr, Version)>>> = Arc::default();
    let saw = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, from)) = listener.accept().await {
            let saw = Arc::clone(&saw);
            let service = service_fn(move |request: hyper::Request<Incoming>| {
                saw.lock().unwrap().push((from, request.version()));
                async { Ok::<_, Infallible>(http::Response::new("h2".to_owned())) }
            });
            let stream = hyper_util::rt::TokioIo::new(stream);
            let executor = hyper_util::rt::TokioExecutor::new();
            let serving = hyper::server::conn::http2::Builder::new(executor);
            tokio::spawn(serving.serve_connection(stream, service));
        }
    });
    let backend = backend(&url, "protocol = 'http2'");
    for _ in 0..3 {
        assert_eq!(backend.call(get("/")).await.unwrap().body, "h2");
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|(from, version)| (from, *version) == (&seen[0].0, Version::HTTP_2)));
}

#[tokio::test]
async fn what_came_of_the_calls_is_counted() {
    let (url, _) = serve_in_turn(&[503, 200, 404]).await;
    let (backends, metrics) = backends(&url, "max_answer_bytes = 10");
    let backend = backends.find("a").unwrap();
    backend.call(get("/")).await.unwrap();
    backend.call(get("/")).await.unwrap();
    backend.call(get("/../x")).await.unwrap_err();
    let text = metrics.text();
    for line in [
        r#"tieline_backend_calls_total{backend="a",result="2xx"} 1"#,
        r#"tieline_backend_calls_total{backend="a",result="4xx"} 1"#,
        r#"tieline_backend_calls_total{backend="a",result="request"} 1"#,
        r#"tieline_backend_retries_total{backend="a"} 1"#,
        r#"tieline_backend_in_flight{backend="a"} 0"#,
        r#"tieline_backend_breaker_open{backend="a"} 0"#,
        r#"tieline_backend_call_seconds_count{backend="a"} 3"#,
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(backends.find("b").is_none());
}

#[test]
fn each_thread_has_connections_of_its_own() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime();
    let from: Arc<Mutex<Vec<String>>> = Arc::default();
    let url = server.block_on(serve(|request| async move {
        format!("{:?}", request.version()).into_response()
    }));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn(move || server.block_on(stopped).ok());
    let backend = backend(&url, "");
    // One after another, on threads whose runtimes end: no connection outlives its own.
    for _ in 0..3 {
        let (backend, from) = (Arc::clone(&backend), Arc::clone(&from));
        std::thread::spawn(move || {
            let reply = runtime().block_on(backend.call(get("/"))).unwrap();
            // The same thread, another runtime: what is in the pool is dead, and found to be.
            runtime().block_on(backend.call(get("/"))).unwrap();
            from.lock().unwrap().push(String::from_utf8(reply.body.to_vec()).unwrap());
        })
        .join()
        .unwrap();
    }
    assert_eq!(*from.lock().unwrap(), ["HTTP/1.1"; 3]);
    let _ = stop.send(());
    serving.join().unwrap();
}
