//! How lines end, and how clients hear of it.

use reqwest::Method;
use tieline::Message;
use tokio::time::timeout;

use crate::client::{Client, Http, Said, ask};
use crate::server::{PATIENCE, Server};

const CHAT: &str = "[[route]]\npath = '/chat'\nservice = { kind = 'chat' }\ncarriers = true\n";

/// Waits until a guest of the chat has heard this.
async fn wait_for(socket: &mut tieline::WebSocket<tieline::ClientStream>, expected: &str) {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect(expected).unwrap().unwrap() {
            Message::Text(text) if text == expected => return,
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_service_that_ends_a_line_says_why_in_every_way() {
    let server = Server::start(4, CHAT);
    for (part, http) in [("poll", Http::OneEach), ("events", Http::One), ("stream", Http::Two)] {
        let mut line = Client::new(&server, "/chat", http).open().await;
        line.send(&["quit"]).await;
        let expected = ["Welcome, 127.0.0.1 !", "127.0.0.1 Logout"].map(str::to_owned);
        let told = match part {
            "poll" => {
                let mut said = line.poll(10).await;
                while !matches!(said.last(), Some(Said::Close(..))) {
                    said.extend(line.poll(10).await);
                }
                let end = said.pop();
                assert_eq!(said, expected.map(Said::Message));
                end.unwrap()
            }
            _ => {
                let mut stream = line.stream(part).await;
                assert_eq!([stream.message().await, stream.message().await], expected);
                let (code, reason) = stream.close().await;
                assert_eq!(stream.next().await.1, Said::End);
                line.seen = 2;
                Said::Close(code, reason)
            }
        };
        assert_eq!(told, Said::Close(1000, String::new()), "{part}");
        // An answer may have been lost.
        assert_eq!(line.poll(10).await, [told]);
        let late = ask(line.sending(2, &["still there?"])).await;
        assert_eq!((late.status, late.code()), (404, "line_ended"));
    }
}

#[tokio::test]
async fn a_client_ends_its_line_and_it_is_known_no_more() {
    let server = Server::start(4, CHAT);
    let mut socket = tieline::connect(&format!("ws://{}/chat", server.host())).await.unwrap();
    let line = Client::new(&server, "/chat", Http::OneEach).open().await;
    wait_for(&mut socket, "Welcome, 127.0.0.1 !").await;
    let mut stream = line.stream("events").await;
    let answer = ask(line.request(Method::POST, "close", "")).await;
    assert_eq!(answer.status, 200);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains(&line.id) && cookie.contains("Max-Age=0"), "{cookie}");
    wait_for(&mut socket, "127.0.0.1 Logout").await;
    while stream.next().await.1 != Said::End {}
    for part in ["poll", "events", "stream"] {
        let answer = ask(line.request(Method::GET, part, "")).await;
        assert_eq!((answer.status, answer.code()), (404, "unknown_line"), "{part}");
    }
    assert_eq!(ask(line.sending(1, &["x"])).await.status, 404);
    assert_eq!(ask(line.request(Method::POST, "close", "")).await.status, 404);
}

#[tokio::test]
async fn a_line_that_nobody_asks_for_is_lost() {
    let routes = format!("{CHAT}limits = {{ ping_after = '1s', pong_within = '200ms' }}\n");
    let server = Server::start(4, &routes);
    let mut socket = tieline::connect(&format!("ws://{}/chat", server.host())).await.unwrap();
    wait_for(&mut socket, "Welcome, 127.0.0.1 !").await;
    let client = Client::new(&server, "/chat", Http::OneEach);
    // One that never asked, one whose stream broke off, and one whose poll did.
    let never = client.open().await;
    let mut stream = client.open().await.stream("events").await;
    stream.message().await;
    drop(stream);
    let line = client.open().await;
    let held = line.polling(20).send();
    assert!(timeout(std::time::Duration::from_millis(50), held).await.is_ok(), "it was welcomed");
    for _ in 0..3 {
        wait_for(&mut socket, "127.0.0.1 Logout").await;
    }
    let answer = ask(never.polling(0)).await;
    assert_eq!((answer.status, answer.code()), (404, "unknown_line"));
}

#[tokio::test]
async fn a_line_that_is_asked_for_lives_and_hears_a_heartbeat() {
    let routes = format!("{CHAT}limits = {{ ping_after = '300ms', pong_within = '300ms' }}\n");
    let server = Server::start(1, &routes);
    let client = Client::new(&server, "/chat", Http::One);
    for part in ["events", "stream"] {
        let mut line = client.open().await;
        let mut stream = line.stream(part).await;
        line.seen += 1;
        stream.message().await;
        // Longer than a line lives that nobody asks for.
        for _ in 0..4 {
            assert_eq!(stream.next().await.1, Said::Heartbeat);
        }
        assert!(line.poll(1).await.is_empty(), "held for a second, and lives");
        ask(line.request(Method::POST, "close", "")).await;
    }
}

#[tokio::test]
async fn a_line_whose_messages_nobody_takes_is_lost_with_1013() {
    let routes = format!("{CHAT}limits = {{ backlog_bytes = 5000 }}\n");
    let server = Server::start(4, &routes);
    let client = Client::new(&server, "/chat", Http::OneEach);
    let mut line = client.open().await;
    assert_eq!(line.hear(1).await, ["Welcome, 127.0.0.1 !"]);
    let mut other = tieline::connect(&format!("ws://{}/chat", server.host())).await.unwrap();
    for number in 0..20 {
        other.send(format!("{number} {}", "x".repeat(1_000))).await.unwrap();
    }
    wait_for(&mut other, &format!("127.0.0.1:19 {}", "x".repeat(1_000))).await;
    let end = loop {
        if let Some(end @ Said::Close(..)) = line.poll(10).await.pop() {
            break end;
        }
    };
    assert_eq!(end, Said::Close(1013, "too slow (setting backlog_bytes)".into()));
}

#[tokio::test]
async fn a_server_that_stops_tells_everybody_who_listens() {
    let mut server = Server::start(4, CHAT);
    let client = Client::new(&server, "/chat", Http::Two);
    let (events, stream) = (client.open().await, client.open().await);
    let (mut events, mut stream) = (events.stream("events").await, stream.stream("stream").await);
    let forgotten = client.open().await;
    // All of them have heard the last come, so that all are there.
    for stream in [&mut events, &mut stream] {
        stream.message().await;
    }
    server.stop();
    for stream in [&mut events, &mut stream] {
        let told = loop {
            match stream.next().await.1 {
                Said::Close(code, reason) => break (code, reason),
                Said::End => panic!("it ends without a word"),
                _ => {}
            }
        };
        assert_eq!(told, (1001, "the server stops".into()));
    }
    drop((events, stream, forgotten));
    // It waits for nobody who cannot come.
    drop(server);
}
