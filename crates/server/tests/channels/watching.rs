//! What the operator sees of lines, and of what goes over one of them.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use tieline::CloseCode;
use tieline::client::Event;
use tokio::time::timeout;

use super::operator::{KEY, operated};
use super::server::{CHAT, HALL};
use super::{PATIENCE, next};

/// The events of a watch, as they come.
struct Events {
    response: Response,
    read: String,
}

impl Events {
    async fn of(url: String) -> Self {
        let response = reqwest::Client::new().get(url).bearer_auth(KEY).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        Self { response, read: String::new() }
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((line, rest)) = self.read.split_once('\n') {
                let event = serde_json::from_str(line).unwrap();
                self.read = rest.to_owned();
                return Some(event);
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.unwrap().unwrap()?;
            self.read.push_str(str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn the_lines_that_are_open_are_listed_by_their_numbers() {
    let (server, operator) = operated(CHAT).await;
    let (one, two) = (server.client().await, server.client().await);
    one.publish("chat:lobby", &1).await.unwrap();
    let all = operator.get("lines").await;
    let lines = all["lines"].as_array().unwrap();
    assert_eq!((lines.len(), &all["next"]), (2, &Value::Null), "{all}");
    for line in lines {
        assert_eq!(line["route"], "/tieline");
        assert!(line["from"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
        assert!(line["messages_in"].as_u64() >= Some(1), "{line}");
    }
    let first = operator.get("lines?limit=1").await;
    assert_eq!(
        (&first["lines"][0]["line"], &first["next"]),
        (&lines[0]["line"], &lines[0]["line"])
    );
    let second = operator.get(&format!("lines?limit=1&after={}", first["next"])).await;
    assert_eq!((&second["lines"][0]["line"], &second["next"]), (&lines[1]["line"], &Value::Null));
    operator.ask(Method::GET, "lines?limit=0", None, 400).await;
    drop(two);
    let gone =
        async { while operator.get("lines").await["lines"].as_array().unwrap().len() > 1 {} };
    timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn a_line_is_watched_from_now_on_until_it_ends() {
    let (server, operator) = operated(&format!("{CHAT}{HALL}")).await;
    let client = server.client().await;
    let mut hall = client.subscribe("hall:a").await.unwrap();
    let Event::Joined(own) = next(&mut hall).await else { panic!("nobody came") };
    let line = &operator.get("lines").await["lines"][0]["line"];
    let mut watches = [
        Events::of(operator.url(&format!("lines/{line}/frames"))).await,
        Events::of(operator.url(&format!("clients/{}/frames", own.client))).await,
    ];
    for watch in &mut watches {
        let begun = watch.next().await.unwrap();
        assert_eq!((&begun["event"], &begun["deflate"]), (&json!("watching"), &Value::Null));
    }
    client.publish("hall:a", &"pancakes").await.unwrap();
    for watch in &mut watches {
        // What is published is said by the client, and heard by it, too.
        for from in ["client", "server"] {
            let is_it = |event: &Value| {
                let text = event["message"]["text"].as_str().unwrap_or_default();
                event["from"] == from && text.contains("pancakes")
            };
            while !is_it(&watch.next().await.expect("the line is open")) {}
        }
    }
    drop((client, hall));
    for watch in &mut watches {
        let mut last = Value::Null;
        while let Some(event) = watch.next().await {
            last = event;
        }
        assert_eq!(last["event"], "closed");
    }
    operator.ask(Method::GET, &format!("lines/{line}/frames"), None, 404).await;
    operator.ask(Method::GET, "clients/nobody/frames", None, 404).await;
    operator.ask(Method::GET, "lines/x/frames", None, 400).await;
}

#[tokio::test]
async fn so_many_are_watched_and_no_more() {
    let (server, operator) = operated(CHAT).await;
    let _client = server.client().await;
    let line = &operator.get("lines").await["lines"][0]["line"];
    let path = format!("lines/{line}/frames");
    let mut watches = Vec::new();
    for _ in 0..16 {
        watches.push(Events::of(operator.url(&path)).await);
    }
    operator.ask(Method::GET, &path, None, 429).await;
    drop(watches);
    // Whoever leaves makes room, once that is noticed.
    let room = async { while !operator.answers(&path).await {} };
    timeout(PATIENCE, room).await.unwrap();
}

/// A client with permessage-deflate at an echo, and another that is refused, written by tcpdump.
const CAPTURE: &[u8] = include_bytes!("../../../../interop/browser/captures/echo.pcap");

#[tokio::test]
async fn a_capture_is_taken_apart() {
    let (_server, operator) = operated(CHAT).await;
    let events = operator.inspect(CAPTURE.to_vec(), 200).await;
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["connection", "request", "response"]);
    assert!(names.contains(&"closed"));
    assert_eq!(names[names.len() - 2..], ["end", "counts"]);
    let texts: Vec<_> =
        events.iter().filter_map(|event| event["message"]["text"].as_str()).collect();
    // Twice from the client, and twice back; the second time each points into the first.
    assert_eq!(texts.len(), 4);
    assert!(texts.iter().all(|text| text.starts_with("hello, hello")), "{texts:?}");
    assert_eq!(events.last().unwrap()["gap_bytes"], 0);
}

#[tokio::test]
async fn what_is_no_capture_or_not_whole_or_too_large_is_said_to_be() {
    let (_server, operator) = operated(CHAT).await;
    for (body, why) in [(&b"notes"[..], "no capture"), (b"", "empty")] {
        let said = operator.inspect(body.to_vec(), 400).await;
        assert!(said[0]["detail"].as_str().unwrap().contains(why), "{said:?}");
    }
    let cut = operator.inspect(CAPTURE[..CAPTURE.len() - 7].to_vec(), 200).await;
    assert_eq!(cut.last().unwrap()["event"], "error");
    assert!(cut.iter().any(|event| event["event"] == "frame"));
    let head = format!(
        "POST /api/v1/inspect HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\
         Content-Length: 268435457\r\n\r\n"
    );
    let answer = operator.say(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn whoever_reads_slowly_is_told_of_every_byte_that_is_missing_and_the_line_goes_on() {
    const MESSAGES: u64 = 150;
    const BYTES: u64 = 60_000;
    let echo = "[[route]]\npath = '/echo'\nservice = { kind = 'echo' }\n";
    let (server, operator) = operated(echo).await;
    let mut socket = tieline::connect(&format!("ws://{}/echo", server.address)).await.unwrap();
    let line = &operator.get("lines").await["lines"][0]["line"];
    let mut watch = Events::of(operator.url(&format!("lines/{line}/frames"))).await;
    assert_eq!(watch.next().await.unwrap()["event"], "watching");
    // Nobody reads what is seen meanwhile: more than is kept, and than sockets hold.
    for _ in 0..MESSAGES {
        socket.send(vec![7; BYTES as usize]).await.unwrap();
        let echo = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(echo.as_bytes().len() as u64, BYTES);
    }
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    let (mut frames, mut gaps) = ([0, 0], [0, 0]);
    while let Some(event) = watch.next().await {
        let way = usize::from(event["from"] == "server");
        match event["event"].as_str().unwrap() {
            "frame" => frames[way] += event["bytes"].as_u64().unwrap(),
            "gap" => gaps[way] += event["bytes"].as_u64().unwrap(),
            "closed" => {}
            other => panic!("{other}: {event}"),
        }
    }
    assert!(gaps.iter().all(|gap| *gap > 0), "{gaps:?}");
    // Headers of 8 bytes with a key, and of 4 without; and a close frame each.
    let all = [MESSAGES * (BYTES + 8) + 8, MESSAGES * (BYTES + 4) + 4];
    assert_eq!([frames[0] + gaps[0], frames[1] + gaps[1]], all, "{frames:?} {gaps:?}");
}
