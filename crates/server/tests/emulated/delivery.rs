//! Every message once and in order, whatever happens to the requests.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use tieline::Message;
use tokio::time::timeout;

use crate::client::{Client, Http, Line, Said, ask, texts};
use crate::server::{PATIENCE, Server};

const ECHO: &str = "[[route]]\npath = '/echo'\nservice = { kind = 'echo' }\ncarriers = true\n";
const CHAT: &str = "[[route]]\npath = '/chat'\nservice = { kind = 'chat' }\ncarriers = true\n";

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("n{number} \"ü\"\n")).collect()
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// Says three times a hundred and hears them in each of the ways.
async fn talk(mut line: Line) {
    let all = numbers(0..300);
    for part in all[..100].chunks(7) {
        line.send(&borrowed(part)).await;
    }
    assert_eq!(line.hear(100).await, all[..100]);
    for (part, texts) in [("events", &all[100..200]), ("stream", &all[200..])] {
        let mut stream = line.stream(part).await;
        for some in texts.chunks(11) {
            line.send(&borrowed(some)).await;
        }
        for text in texts {
            let (number, said) = stream.next().await;
            line.seen += 1;
            assert_eq!(said, Said::Message(text.clone()));
            assert_eq!(number, (part == "events").then_some(line.seen));
        }
    }
}

#[tokio::test]
async fn what_is_said_comes_back_in_every_way_and_over_every_http() {
    for workers in [1, 4] {
        let server = Server::start(workers, ECHO);
        for http in [Http::OneEach, Http::One, Http::Two] {
            talk(Client::new(&server, "/echo", http).open().await).await;
        }
    }
}

#[tokio::test]
async fn lines_of_requests_and_sockets_on_all_workers_hear_the_same() {
    let server = Server::start(4, CHAT);
    let mut socket = tieline::connect(&format!("ws://{}/chat", server.host())).await.unwrap();
    let mut lines = Vec::new();
    for http in [Http::OneEach, Http::One, Http::Two, Http::OneEach] {
        lines.push(Client::new(&server, "/chat", http).open().await);
    }
    // Everybody has heard the last one come.
    for _ in 0..=lines.len() {
        timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    }
    let count = lines.len();
    for (index, line) in lines.iter_mut().enumerate() {
        line.hear(count - index).await;
    }
    for round in 0..10 {
        for (index, line) in lines.iter_mut().enumerate() {
            line.send(&[&format!("{round} of {index}")]).await;
        }
        socket.send(format!("{round} of all")).await.unwrap();
    }
    let mut expected = Vec::new();
    while expected.len() < 10 * (count + 1) {
        match timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap() {
            Message::Text(text) => expected.push(text.to_string()),
            Message::Binary(_) => panic!("the chat speaks text"),
        }
    }
    for line in &mut lines {
        assert_eq!(line.hear(expected.len()).await, expected);
    }
}

#[tokio::test]
async fn a_request_that_is_repeated_changes_nothing() {
    let server = Server::start(4, ECHO);
    let mut line = Client::new(&server, "/echo", Http::OneEach).open().await;
    for _ in 0..3 {
        let answer = ask(line.sending(1, &["a", "b"])).await;
        assert_eq!((answer.status, answer.json["seen"].as_u64()), (200, Some(2)));
    }
    // A part of it was heard already.
    let answer = ask(line.sending(2, &["b", "c"])).await;
    assert_eq!(answer.json["seen"], 3);
    for _ in 0..3 {
        assert_eq!(texts(&ask(line.polling(5)).await), ["a", "b", "c"]);
    }
    line.seen = 2;
    assert_eq!(texts(&ask(line.polling(5)).await), ["c"]);
    let late = ask(line.sending(1, &["a", "b", "c"])).await;
    assert_eq!(late.json["seen"], 3);
    assert_eq!(texts(&ask(line.polling(0)).await), ["c"]);
}

#[tokio::test]
async fn who_counts_wrong_is_told_what_would_be_right() {
    let server = Server::start(1, ECHO);
    let mut line = Client::new(&server, "/echo", Http::One).open().await;
    line.send(&["a", "b", "c"]).await;
    assert_eq!(line.hear(3).await, ["a", "b", "c"]);
    let gap = ask(line.sending(5, &["e"])).await;
    assert_eq!(
        (gap.status, gap.code(), gap.json["expected"].as_u64()),
        (409, "out_of_order", Some(4))
    );
    // Both ways of saying what was seen.
    assert!(line.poll(0).await.is_empty());
    line.seen = 9;
    let ahead = ask(line.polling(0)).await;
    assert_eq!((ahead.status, ahead.json["expected"].as_u64()), (409, Some(3)));
    line.seen = 1;
    let behind = ask(line.polling(0)).await;
    assert_eq!((behind.status, behind.json["expected"].as_u64()), (409, Some(3)));
    line.seen = 3;
    let beside = line.request(reqwest::Method::POST, "send", "&from=4&seen=9").body("[]");
    assert_eq!(ask(beside).await.status, 409);
    line.send(&["d"]).await;
    assert_eq!(line.hear(1).await, ["d"], "none of this has hurt the line");
}

/// Sends the request and takes so many bytes of the answer, and nothing more.
fn cut(server: &Server, line: &Line, part: &str, bytes: usize) {
    let mut stream = TcpStream::connect(server.host()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (host, id, secret, seen) = (server.host(), &line.id, &line.secret, line.seen);
    let request = format!(
        "GET /echo/{part}?line={id}&seen={seen} HTTP/1.1\r\nHost: {host}\r\n\
         Authorization: Bearer {secret}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream.read_exact(&mut vec![0; bytes]).unwrap();
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_given_again() {
    let server = Server::start(4, ECHO);
    let mut line = Client::new(&server, "/echo", Http::OneEach).open().await;
    let all = numbers(0..50);
    line.send(&borrowed(&all)).await;
    for part in ["poll", "events", "stream"] {
        // In the head, at its end, and in the midst of a message.
        for bytes in [1, 200, 600] {
            cut(&server, &line, part, bytes);
        }
    }
    assert_eq!(line.hear(50).await, all);
}

#[tokio::test]
async fn a_browser_that_lost_its_stream_goes_on_behind_the_last_event() {
    let server = Server::start(4, ECHO);
    let mut line = Client::new(&server, "/echo", Http::OneEach).open().await;
    line.send(&["a", "b", "c", "d"]).await;
    let mut stream = line.stream("events").await;
    assert_eq!((stream.message().await, stream.message().await), ("a".into(), "b".into()));
    drop(stream);
    let again =
        line.request(reqwest::Method::GET, "events", "&seen=0").header("last-event-id", "2");
    let mut stream = crate::client::Stream::of(again).await;
    assert_eq!(stream.next().await, (Some(3), Said::Message("c".into())));
    assert_eq!(stream.next().await, (Some(4), Said::Message("d".into())));
}

#[tokio::test]
async fn the_newest_request_for_messages_wins() {
    for http in [Http::OneEach, Http::Two] {
        let server = Server::start(4, ECHO);
        let mut line = Client::new(&server, "/echo", http).open().await;
        let older = tokio::spawn(ask(line.polling(20)));
        let mut first = loop {
            let stream = line.stream("events").await;
            if older.is_finished() {
                break stream;
            }
        };
        let older = older.await.unwrap();
        assert_eq!((older.status, older.code()), (409, "replaced"));
        let mut second = line.stream("stream").await;
        assert_eq!(first.next().await.1, Said::End);
        line.send(&["to the newest"]).await;
        assert_eq!(second.message().await, "to the newest");
        assert_eq!(line.hear(1).await, ["to the newest"]);
        assert_eq!(second.next().await.1, Said::End);
    }
}

/// Says something in JSON-RPC, and hears so many messages as they stand in the answers.
async fn call(line: &mut Line, said: &str, count: usize) -> Vec<Value> {
    let from = format!("&from={}", line.sent + 1);
    let sending = line.request(reqwest::Method::POST, "send", &from).body(said.to_owned());
    let answer = ask(sending).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    line.sent = answer.json["seen"].as_u64().unwrap();
    let mut heard = Vec::new();
    while heard.len() < count {
        let answer = ask(line.polling(20)).await;
        heard.extend(answer.json.as_array().unwrap().iter().cloned());
        line.seen += answer.json.as_array().unwrap().len() as u64;
    }
    heard
}

#[tokio::test]
async fn channels_are_spoken_of_and_json_is_handed_on_as_it_is() {
    let server = Server::start(
        4,
        "[namespace.news]\npublish = 'all'\n\
         [[route]]\npath = '/tieline'\nservice = { kind = 'channels' }\n",
    );
    let mut reader = Client::new(&server, "/tieline", Http::OneEach).open().await;
    let mut writer = Client::new(&server, "/tieline", Http::Two).open().await;
    // As it is, and as a text, which is the same message.
    let connect = r#"[{"jsonrpc": "2.0", "id": 1, "method": "connect", "params": {}}]"#;
    let quoted = format!("[{}]", Value::from(&connect[1..connect.len() - 1]));
    let connected = call(&mut reader, connect, 1).await;
    assert!(connected[0]["result"]["client"].is_string(), "{connected:?}");
    call(&mut writer, &quoted, 1).await;
    let subscribe =
        r#"[{"jsonrpc":"2.0","id":2,"method":"subscribe","params":{"channel":"news:a"}}]"#;
    assert_eq!(call(&mut reader, subscribe, 1).await[0]["id"], 2);
    for number in 1..4 {
        let publish = format!(
            "[{{\"jsonrpc\":\"2.0\",\"id\":{number},\"method\":\"publish\",\
             \"params\":{{\"channel\":\"news:a\",\"data\":{{\n\"n\":\r\n{number}}}}}}}]"
        );
        call(&mut writer, &publish, 1).await;
    }
    let mut stream = reader.stream("stream").await;
    for number in 1..4 {
        let publication = stream.json().await.unwrap();
        assert_eq!(publication["method"], "publication");
        assert_eq!(publication["params"]["data"], json!({ "n": number }));
    }
}

#[tokio::test]
async fn who_asks_too_seldom_is_told_of_a_gap_where_a_channel_may_be_skipped() {
    let server = Server::start(
        2,
        "[namespace.news]\npublish = 'all'\nslow = 'skip'\n\
         [[route]]\npath = '/tieline'\nservice = { kind = 'channels' }\n\
         limits = { backlog_bytes = 20000 }\n",
    );
    let said = |id: u64, method: &str, params: Value| {
        json!([{ "jsonrpc": "2.0", "id": id, "method": method, "params": params }]).to_string()
    };
    let publish =
        |id: u64| said(id, "publish", json!({ "channel": "news:a", "data": "x".repeat(1_000) }));
    let mut lines = Vec::new();
    for http in [Http::OneEach, Http::Two, Http::One] {
        let mut line = Client::new(&server, "/tieline", http).open().await;
        call(&mut line, &said(1, "connect", json!({})), 1).await;
        lines.push(line);
    }
    let [slow, streaming, writer] = &mut lines[..] else { unreachable!("there are three") };
    for line in [&mut *slow, &mut *streaming] {
        call(line, &said(2, "subscribe", json!({ "channel": "news:a" })), 1).await;
    }
    // Who reads a stream misses nothing, though what has come is known only when the next begins.
    let mut stream = streaming.stream("stream").await;
    for offset in 1..=100 {
        call(writer, &publish(offset + 1), 1).await;
        let publication = loop {
            match stream.json().await {
                Some(publication) => break publication,
                None => stream = streaming.stream("stream").await,
            }
        };
        streaming.seen += 1;
        assert_eq!(publication["params"]["offset"], offset);
    }
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last: &Value| last["method"] != "gap") {
        let answer = ask(slow.polling(20)).await;
        let more = answer.json.as_array().expect("the line lives").clone();
        slow.seen += more.len() as u64;
        heard.extend(more);
    }
    let gap = &heard.pop().unwrap()["params"];
    assert_eq!((&gap["position"]["offset"], &gap["reason"]), (&json!(100), &json!("slow")));
    assert!((1..100).contains(&heard.len()), "{}", heard.len());
    for (index, publication) in heard.iter().enumerate() {
        assert_eq!(publication["params"]["offset"], index as u64 + 1);
    }
    call(writer, &publish(102), 1).await;
    let next = ask(slow.polling(20)).await;
    assert_eq!(next.json[0]["params"]["offset"], 101);
}

#[tokio::test]
async fn a_service_is_asked_for_as_by_a_handshake_at_its_own_path() {
    let server = Server::start(
        2,
        "[[route]]\npath = '/run'\ncarriers = true\n\
         service = { kind = 'command', argv = ['sh', '-c', 'echo \"$REQUEST_URI\"; cat'] }\n",
    );
    for http in [Http::One, Http::Two] {
        let client = Client::new(&server, "/run", http);
        let mut line = client.open_as(client.request(reqwest::Method::POST, "open?x=1")).await;
        assert_eq!(line.hear(1).await, ["/run?x=1"]);
        line.send(&["a", "b"]).await;
        assert_eq!(line.hear(2).await, ["a", "b"]);
    }
}

#[tokio::test]
async fn a_stream_that_nobody_acknowledges_ends_and_goes_on() {
    let routes = format!("{CHAT}limits = {{ backlog_bytes = 20000 }}\n");
    let server = Server::start(4, &routes);
    let mut socket = tieline::connect(&format!("ws://{}/chat", server.host())).await.unwrap();
    let mut line = Client::new(&server, "/chat", Http::OneEach).open().await;
    let mut streams = 0;
    let mut heard = 0;
    let mut stream = line.stream("stream").await;
    assert!(stream.message().await.starts_with("Welcome"));
    line.seen += 1;
    while heard < 60 {
        socket.send("x".repeat(1_000)).await.unwrap();
        loop {
            match stream.next().await.1 {
                Said::Message(text) => {
                    assert_eq!(text.len(), "127.0.0.1:".len() + 1_000);
                    heard += 1;
                    line.seen += 1;
                    break;
                }
                Said::End => {
                    streams += 1;
                    stream = line.stream("stream").await;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(streams >= 3, "{streams}");
    // Whoever says what was seen beside it is not interrupted.
    let mut stream = line.stream("stream").await;
    for _ in 0..60 {
        socket.send("y".repeat(1_000)).await.unwrap();
        stream.message().await;
        line.seen += 1;
        let seen = format!("&from=1&seen={}", line.seen);
        let acknowledging = line.request(reqwest::Method::POST, "send", &seen).body("[]");
        assert_eq!(ask(acknowledging).await.status, 200);
    }
}

/// Numbers that look random, and are the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        // xorshift64.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Says and hears so many texts, while requests are repeated, answers are thrown away and streams dropped.
async fn endure(mut line: Line, seed: u64) {
    let mut chance = Chance(seed);
    let all = numbers(0..200);
    let mut heard: Vec<String> = Vec::new();
    while heard.len() < all.len() {
        match chance.below(6) {
            0 | 1 if line.sent < all.len() as u64 => {
                // From somewhere that is known already to somewhere that may not be.
                let begin = line.sent - chance.below(line.sent.min(5) + 1);
                let end = (line.sent + chance.below(12)).min(all.len() as u64);
                let texts = borrowed(&all[begin as usize..end as usize]);
                let answer = ask(line.sending(begin + 1, &texts)).await;
                // More were taken where an answer before was thrown away.
                assert!(answer.json["seen"].as_u64() >= Some(end), "{seed}: {answer:?}");
                if chance.below(3) > 0 {
                    line.sent = end;
                }
            }
            2 => {
                let answer = ask(line.polling(0)).await;
                // One that was given up may come late, and takes the place of this one.
                if answer.status == 409 {
                    assert_eq!(answer.code(), "replaced", "{seed}");
                    continue;
                }
                let texts = texts(&answer);
                // Its answer was lost, or it came.
                if chance.below(2) > 0 {
                    line.seen += texts.len() as u64;
                    heard.extend(texts.into_iter().map(str::to_owned));
                }
            }
            3 => {
                // Given up in the midst of it, at some moment or other.
                let request = line.polling(5).send();
                let mut request = std::pin::pin!(request);
                for _ in 0..chance.below(20) {
                    tokio::select! {
                        biased;
                        _ = &mut request => break,
                        () = tokio::task::yield_now() => {}
                    }
                }
            }
            kind => {
                let part = if kind == 4 { "events" } else { "stream" };
                let mut stream = line.stream(part).await;
                // No more than there are.
                let waiting = line.sent.saturating_sub(line.seen);
                for _ in 0..chance.below(waiting + 1) {
                    match stream.next().await.1 {
                        Said::Message(text) => heard.push(text),
                        Said::End => break,
                        said => panic!("{seed}: {said:?}"),
                    }
                    line.seen += 1;
                }
            }
        }
    }
    assert_eq!(heard, all, "{seed}");
}

#[tokio::test]
async fn whatever_becomes_of_requests_nothing_is_lost_or_heard_twice() {
    let server = Server::start(4, ECHO);
    for (http, seeds) in [(Http::OneEach, 1..9), (Http::Two, 9..17)] {
        let client = Client::new(&server, "/echo", http);
        let lines = seeds.map(async |seed| endure(client.open().await, seed * 7_919).await);
        futures_util::future::join_all(lines).await;
    }
}
