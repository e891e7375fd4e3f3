//! The services over a real line: wire shapes, letter for letter.

use tieline::{Connect, Deflate, Limits, Message};

use crate::server::{Server, close_code, next, status};

#[tokio::test]
async fn the_echo_sends_back_what_it_gets() {
    let server = Server::start(&[]);
    let mut socket = server.connect("/echo").await;
    for message in [Message::from("hello"), Message::from(vec![0, 255, 7]), Message::from("")] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
}

#[tokio::test]
async fn the_echo_takes_16_mib_and_compresses_for_who_offers_it() {
    let server = Server::start(&[]);
    let limits = Limits { max_message_bytes: 16 << 20, ..Limits::default() };
    let request = Connect::to(server.url("/echo")).limits(limits.clone());
    let mut plain = request.open().await.unwrap();
    assert_eq!(plain.extensions(), "");
    let big = Message::from(vec![7; 16 << 20]);
    plain.send(big.clone()).await.unwrap();
    assert!(plain.next().await.unwrap().unwrap() == big);

    let request = Connect::to(server.url("/echo")).limits(limits).deflate(Deflate::default());
    let mut compressed = request.open().await.unwrap();
    assert!(compressed.extensions().starts_with("permessage-deflate"));
    compressed.send(big.clone()).await.unwrap();
    assert!(compressed.next().await.unwrap().unwrap() == big);
    compressed.send(vec![7; (16 << 20) + 1]).await.unwrap();
    assert_eq!(close_code(&mut compressed).await, 1009);
}

#[tokio::test]
async fn the_counter_tells_users_first_and_then_the_state() {
    let server = Server::start(&[]);
    let mut a = server.connect("/counter").await;
    assert_eq!(next(&mut a).await, r#"{"type":"users","count":1}"#);
    assert_eq!(next(&mut a).await, r#"{"type":"state","value":0}"#);
    let mut b = server.connect("/counter").await;
    assert_eq!(next(&mut a).await, r#"{"type":"users","count":2}"#);
    assert_eq!(next(&mut b).await, r#"{"type":"users","count":2}"#);
    assert_eq!(next(&mut b).await, r#"{"type":"state","value":0}"#);

    b.send("no JSON").await.unwrap();
    b.send(r#"{"action":"reset"}"#).await.unwrap();
    b.send(r#"{"action":"minus"}"#).await.unwrap();
    assert_eq!(next(&mut a).await, r#"{"type":"state","value":-1}"#);
    assert_eq!(next(&mut b).await, r#"{"type":"state","value":-1}"#);
    a.send(r#"{"action":"plus"}"#).await.unwrap();
    assert_eq!(next(&mut b).await, r#"{"type":"state","value":0}"#);

    b.close(tieline::CloseCode::NORMAL, "").await.unwrap();
    assert_eq!(next(&mut a).await, r#"{"type":"state","value":0}"#);
    assert_eq!(next(&mut a).await, r#"{"type":"users","count":1}"#);
    server.wait_for_log(&["\"message not understood\"", "counter"]);
}

#[tokio::test]
async fn messages_that_make_no_sense_do_not_fill_the_log() {
    let server = Server::start(&[]);
    for (path, service) in [("/counter", "counter"), ("/room", "room")] {
        let mut socket = server.connect(path).await;
        for _ in 0..100 {
            socket.send("nonsense").await.unwrap();
        }
        socket.close(tieline::CloseCode::NORMAL, "").await.unwrap();
        server.wait_for_log(&["messages not understood", service, "\"count\":100"]);
    }
    assert_eq!(server.log().matches("\"message not understood\"").count(), 2);
}

#[tokio::test]
async fn the_chat_knows_everybody_by_address_and_quit_logs_out() {
    let server = Server::start(&[]);
    let mut a = server.connect("/chat").await;
    assert_eq!(next(&mut a).await, "Welcome, 127.0.0.1 !");
    let mut b = server.connect("/chat").await;
    assert_eq!(next(&mut a).await, "Welcome, 127.0.0.1 !");
    assert_eq!(next(&mut b).await, "Welcome, 127.0.0.1 !");
    a.send("hello: there").await.unwrap();
    assert_eq!(next(&mut b).await, "127.0.0.1:hello: there");
    b.send("quit").await.unwrap();
    assert_eq!(next(&mut b).await, "127.0.0.1 Logout");
    assert_eq!(close_code(&mut b).await, 1000);
    assert_eq!(next(&mut a).await, "127.0.0.1:hello: there");
    assert_eq!(next(&mut a).await, "127.0.0.1 Logout");
}

#[tokio::test]
async fn the_room_gives_an_id_first_and_shows_what_is_said_as_html() {
    let server = Server::start(&[]);
    let mut a = server.connect("/room").await;
    let mut b = server.connect("/room").await;
    let (first, second) = (next(&mut a).await, next(&mut b).await);
    assert!(!first.is_empty() && first != second);
    a.send(format!(r#"{{"uid":"{first}","message":"<b>1 & 2</b>"}}"#)).await.unwrap();
    let shown = format!(
        "<p class=\"said\"><b class=\"uid\">{first}</b>: \
         <span class=\"text\">&lt;b&gt;1 &amp; 2&lt;/b&gt;</span></p>"
    );
    assert_eq!(next(&mut a).await, shown);
    assert_eq!(next(&mut b).await, shown);
}

#[tokio::test]
async fn a_binary_message_where_only_text_makes_sense_closes_with_1003() {
    let server = Server::start(&[]);
    for path in ["/counter", "/chat", "/room"] {
        let mut socket = server.connect(path).await;
        socket.send(vec![1, 2, 3]).await.unwrap();
        assert_eq!(close_code(&mut socket).await, 1003, "{path}");
    }
}

#[tokio::test]
async fn a_message_above_the_routes_limit_closes_with_1009() {
    let server = Server::start(&[]);
    let mut socket = server.connect("/chat").await;
    socket.send("x".repeat((64 << 10) + 1)).await.unwrap();
    assert_eq!(close_code(&mut socket).await, 1009);
}

#[tokio::test]
async fn the_first_subprotocol_of_the_route_that_is_offered_is_chosen() {
    let server = Server::with_routes(
        "[[route]]\npath = '/'\nservice = { kind = 'echo' }\nsubprotocols = ['b', 'a']\n",
    );
    let offer = |names: &[&str]| {
        names.iter().fold(Connect::to(server.url("/")), |request, name| request.subprotocol(*name))
    };
    assert_eq!(offer(&["a", "b", "c"]).open().await.unwrap().protocol(), "b");
    assert_eq!(offer(&["c"]).open().await.unwrap().protocol(), "");
    assert_eq!(status(offer(&[])).await, 101);
}

#[tokio::test]
async fn payloads_are_never_logged() {
    let server = Server::start_as_told(&["--listen", "127.0.0.1:0"], 1);
    for path in ["/echo", "/counter", "/chat", "/room"] {
        let mut socket = server.connect(path).await;
        socket.send("canary-7f3a").await.unwrap();
        socket.close(tieline::CloseCode::NORMAL, "").await.unwrap();
        server.wait_for_log(&["disconnected"]);
    }
    assert!(!server.log().contains("canary"), "{}", server.log());
}
