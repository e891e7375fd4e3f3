//! Backends that are slow, dead, wrong, or have too much to do.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::*;

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

/// A port that is taken, and at which nobody listens.
fn dead() -> (String, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    (format!("http://{}", socket.local_addr().unwrap()), socket)
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
        let _ = stream.read(&mut [0; 1_024]).await;
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
