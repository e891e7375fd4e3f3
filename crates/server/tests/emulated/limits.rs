//! What a line may cost is the same as over a socket.

use reqwest::Method;

use crate::client::{Client, Http, Said, ask};
use crate::server::Server;

fn echo(limits: &str) -> String {
    format!(
        "[[route]]\npath = '/echo'\nservice = {{ kind = 'echo' }}\ncarriers = true\n\
         limits = {{ {limits} }}\n"
    )
}

#[tokio::test]
async fn an_address_has_so_many_lines_and_gets_them_back() {
    let server = Server::start(4, &echo("lines_per_address = 2"));
    let client = Client::new(&server, "/echo", Http::OneEach);
    let (first, _second) = (client.open().await, client.open().await);
    let third = ask(client.request(Method::POST, "open")).await;
    assert_eq!((third.status, third.code()), (429, "too_many"));
    assert!(third.json["reason"].as_str().unwrap().contains("limits.lines_per_address"));
    assert!(third.headers.contains_key("retry-after"));
    // A socket is a line as any other.
    let socket = tieline::connect(&format!("ws://{}/echo", server.host())).await;
    assert!(matches!(socket, Err(tieline::ConnectError::Refused(_))));
    assert_eq!(ask(first.request(Method::POST, "close", "")).await.status, 200);
    // Its place is free once its worker has let go of it.
    while ask(client.request(Method::POST, "open")).await.status == 429 {}
}

#[tokio::test]
async fn lines_are_opened_so_often_and_asked_for_as_often_as_one_likes() {
    let server = Server::start(4, &echo("connects_per_address = '2/1h'"));
    let client = Client::new(&server, "/echo", Http::OneEach);
    let mut line = client.open().await;
    for _ in 0..10 {
        line.send(&["x"]).await;
        assert_eq!(line.hear(1).await, ["x"]);
    }
    client.open().await;
    assert_eq!(ask(client.request(Method::POST, "open")).await.status, 429);
}

#[tokio::test]
async fn a_message_that_is_too_long_is_refused_and_the_line_lives() {
    let server = Server::start(4, &echo("max_message_bytes = 10"));
    let mut line = Client::new(&server, "/echo", Http::OneEach).open().await;
    let answer = ask(line.sending(1, &["short", "12345678901"])).await;
    assert_eq!((answer.status, answer.code()), (413, "too_large"));
    assert!(answer.json["reason"].as_str().unwrap().contains("limits.max_message_bytes"));
    let flood = line.request(Method::POST, "send", "&from=1").body("x".repeat(3 << 20));
    // It may be reset while it still comes.
    if let Ok(answer) = flood.send().await {
        assert_eq!(answer.status(), 413);
    }
    line.send(&["1234567890"]).await;
    assert_eq!(line.hear(1).await, ["1234567890"]);
}

#[tokio::test]
async fn who_says_too_much_is_closed_where_that_is_wanted() {
    let server = Server::start(4, &echo("messages = '2/1h', excess = 'close'"));
    let mut line = Client::new(&server, "/echo", Http::OneEach).open().await;
    let answer = ask(line.sending(1, &["a", "b", "c", "d"])).await;
    assert_eq!(answer.json["seen"], 3, "the third is too much, and the fourth is not heard");
    let said = line.poll(10).await;
    let reason = "more than 2/3600s (setting limits.messages)".to_owned();
    let expected =
        [Said::Message("a".into()), Said::Message("b".into()), Said::Close(1008, reason)];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn who_says_too_much_is_heard_later() {
    let server = Server::start(4, &echo("messages = '2/1s'"));
    let mut line = Client::new(&server, "/echo", Http::OneEach).open().await;
    let began = std::time::Instant::now();
    line.send(&["1", "2", "3", "4"]).await;
    assert!(began.elapsed().as_millis() >= 450, "the fourth was paid for: {:?}", began.elapsed());
    assert_eq!(line.hear(4).await, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn who_does_not_read_is_not_heard_until_he_does() {
    let server = Server::start(4, &echo("backlog_bytes = 10000"));
    let mut line = Client::new(&server, "/echo", Http::OneEach).open().await;
    let texts: Vec<_> = (0..100).map(|number| format!("{number} {}", "x".repeat(1_000))).collect();
    let all: Vec<_> = texts.iter().map(String::as_str).collect();
    let sending = tokio::spawn(ask(line.sending(1, &all)));
    assert_eq!(line.hear(100).await, texts);
    let answer = sending.await.unwrap();
    assert_eq!((answer.status, answer.json["seen"].as_u64()), (200, Some(100)));
}

#[tokio::test]
async fn lines_of_requests_are_counted_as_all_others_are() {
    let routes = format!("[operator]\naddress = '127.0.0.1:0'\n{}", echo(""));
    let server = Server::start(2, &routes);
    let client = Client::new(&server, "/echo", Http::OneEach);
    let mut line = client.open().await;
    line.send(&["four"]).await;
    assert_eq!(line.hear(1).await, ["four"]);
    let metrics = async || {
        let url = format!("{}/metrics", server.operator.as_ref().unwrap());
        client.http.get(url).send().await.unwrap().text().await.unwrap()
    };
    let has = |text: &str, line: &str| {
        let mut lines =
            text.lines().filter(|it| it.split(['{', ' ']).next() == line.split(['{', ' ']).next());
        lines.any(|it| it.ends_with(line.rsplit_once('{').map_or(line, |(_, rest)| rest)))
    };
    let text = metrics().await;
    for line in [
        "tieline_lines_open{route=\"/echo\"} 1",
        "tieline_lines_total{route=\"/echo\"} 1",
        "tieline_handshakes_total{status=\"200\"} 1",
        "tieline_messages_total{direction=\"in\"} 1",
        "tieline_message_bytes_total{direction=\"out\"} 4",
    ] {
        assert!(has(&text, line), "{line}\n{text}");
    }
    ask(line.request(Method::POST, "close", "")).await;
    loop {
        let text = metrics().await;
        if has(&text, "tieline_closes_total{code=\"1000\"} 1") {
            assert!(has(&text, "tieline_lines_open{route=\"/echo\"} 0"), "{text}");
            break;
        }
    }
}
