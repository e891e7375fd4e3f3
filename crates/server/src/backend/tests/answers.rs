//! What is sent, and what comes back.

use axum::body::to_bytes;
use http::HeaderMap;

use super::*;

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
    let file = tieline_store::Scratch::new();
    std::fs::write(&*file, "0123456789abcdef\n").unwrap();
    let settings = format!("signing_secret_file = '{}'", file.display());
    let backend = backend(&url.await, &settings);
    let _ = std::fs::remove_file(&*file);
    let said = backend.call(get("/")).await.unwrap().body;
    let said = String::from_utf8(said.to_vec()).unwrap();
    let value = said.strip_prefix("Some(\"t=").and_then(|said| said.strip_suffix("\")")).unwrap();
    let (seconds, signature) = value.split_once(",v1=").unwrap();
    let now = std::time::UNIX_EPOCH + Duration::from_secs(seconds.parse().unwrap());
    let secret = SigningKey::new(b"0123456789abcdef").unwrap();
    let made = secret.sign("GET", "/", &HeaderMap::new(), b"", now);
    assert_eq!(made, format!("t={seconds},v1={signature}"));
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
