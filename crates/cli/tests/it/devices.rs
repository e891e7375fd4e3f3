//! The device API of the operator's side: real devices, a real backend, real HTTP.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use serde_json::{Value, json};
use tieline::Connect;

use crate::server::{PATIENCE, Server, Socket, close_code, folder, next, read_all};

const KEY: &str = "the-operators-own-key";

/// A server with a gateway whose routes ask who comes, and an operator's side.
fn serve() -> Server {
    let folder = folder();
    std::fs::write(folder.join("key"), format!("{KEY}\n")).unwrap();
    std::fs::write(folder.join("tokens"), "alice alice-0123456789\nbob bob-0123456789ab\n")
        .unwrap();
    let file = folder.join("tieline.toml");
    let backend = backend();
    let text = format!(
        "[operator]\naddress = '127.0.0.1:0'\napi_key_file = 'key'\n\
         [[backend]]\nname = 'shop'\nurl = '{backend}'\nretries = 0\n\
         [[route]]\npath = '/'\naccess = {{ kind = 'token', file = 'tokens' }}\n\
         [route.service]\nkind = 'gateway'\nevents = {{ backend = 'shop', path = '/events', \
         durable = false, max_tries = 1 }}\n\
         [[route.service.api]]\ntype = 'register'\npath = '/register'\nbackend = 'shop'\n\
         signed = false\n"
    );
    std::fs::write(&file, text).unwrap();
    let args = ["--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()];
    Server::start_as_told(&args, 2)
}

/// A backend that says yes to everything but events.
pub(crate) fn backend() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || answer(stream));
        }
    });
    url
}

fn answer(mut stream: TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut read, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(len @ 1..) = stream.read(&mut piece) {
        read.extend_from_slice(&piece[..len]);
        let text = String::from_utf8_lossy(&read).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let wanted: usize = line.map_or(0, |line| line.parse().unwrap());
        if body.len() < wanted {
            continue;
        }
        let status = if head.starts_with("post /events") { "400 Bad Request" } else { "200 OK" };
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        let _ = stream.write_all(answer.as_bytes());
        return;
    }
}

/// A device of a user, registered.
async fn device(server: &Server, id: &str, token: &str) -> Socket {
    let request = Connect::to(server.url("/"));
    let request = request.header("authorization", format!("Bearer {token}"));
    let mut socket = request.open().await.unwrap();
    socket.send(format!("RG#{id}")).await.unwrap();
    assert!(next(&mut socket).await.starts_with("RO#"));
    let call = json!({"method": "POST", "path": "/register", "headers": {"x-ca-seq": ["1"]},
        "body": "in"});
    socket.send(call.to_string()).await.unwrap();
    let answer: Value = serde_json::from_str(&next(&mut socket).await).unwrap();
    assert_eq!(answer["status"], 200, "{answer}");
    socket
}

/// One request to the operator's side: the status, and the JSON of the answer.
fn ask(server: &Server, request: &str, body: Option<Value>, headers: &str) -> (u16, Value) {
    let host = server.addresses[1].split_once("://").unwrap().1;
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/json\r\nAuthorization: Bearer {KEY}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let answer = read_all(&mut stream);
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn devices_are_listed_told_disconnected_and_revoked() {
    let server = serve();
    let mut one = device(&server, "d.1@app", "alice-0123456789").await;
    let mut two = device(&server, "d-2", "alice-0123456789").await;
    let mut three = device(&server, "d-3", "bob-0123456789ab").await;

    let (status, page) = ask(&server, "GET /api/v1/devices?limit=2", None, "");
    assert_eq!((status, &page["next"]), (200, &json!("d-3")), "{page}");
    let ids: Vec<_> = page["devices"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, ["d-2", "d-3"]);
    let (_, page) = ask(&server, "GET /api/v1/devices?limit=2&after=d-3", None, "");
    assert_eq!(page["next"], Value::Null);
    let last = &page["devices"][0];
    let shown = ["id", "user", "online", "registered", "route"].map(|name| &last[name]);
    assert_eq!(
        shown,
        [&json!("d.1@app"), &json!("alice"), &json!(true), &json!(true), &json!("/")]
    );
    assert!(last["since_ms"].as_u64().unwrap() > 1_700_000_000_000, "{last}");
    let (status, found) = ask(&server, "GET /api/v1/devices/d.1%40app", None, "");
    assert_eq!((status, &found["id"]), (200, &json!("d.1@app")));
    for (request, expected) in [
        ("GET /api/v1/devices/none", 404),
        ("GET /api/v1/devices?limit=0", 400),
        ("GET /api/v1/devices?size=1", 400),
        ("POST /api/v1/devices/none/disconnect", 404),
        ("DELETE /api/v1/devices/none", 404),
    ] {
        let (status, problem) = ask(&server, request, None, "");
        assert_eq!((status, &problem["status"]), (expected, &json!(expected)), "{request}");
    }

    // To one; the same key again is the same message.
    let tell = |id: &str, text: &str, key: &str| {
        let request = format!("POST /api/v1/devices/{id}/messages");
        ask(&server, &request, Some(json!({ "text": text, "idempotency_key": key })), "")
    };
    let delivered = (200, json!({ "outcome": "delivered" }));
    assert_eq!(tell("d.1%40app", "hello", "order-7"), delivered);
    assert_eq!(tell("d.1%40app", "hello", "order-7"), delivered);
    assert_eq!(next(&mut one).await, "NF#hello");
    one.send("NO").await.unwrap();
    assert_eq!(tell("none", "hello", "order-8").0, 404);
    let wrong = Some(json!({ "message": "hello" }));
    let (status, problem) = ask(&server, "POST /api/v1/devices/d-2/messages", wrong, "");
    assert!(status == 422 && problem["detail"].as_str().unwrap().contains("text"), "{problem}");

    // To all of a user, and to several, of whom one is away and one is nobody.
    let many = |body| {
        let (status, told) = ask(&server, "POST /api/v1/messages", Some(body), "");
        let outcomes = told["outcomes"].as_array().cloned().unwrap_or_default();
        let pair = |it: &Value| {
            format!("{} {}", it["device"].as_str().unwrap(), it["outcome"].as_str().unwrap())
        };
        (status, outcomes.iter().map(pair).collect::<Vec<_>>())
    };
    let (_, told) = many(json!({ "user": "alice", "text": "all" }));
    assert_eq!(told, ["d-2 delivered", "d.1@app delivered"]);
    assert_eq!(next(&mut one).await, "NF#all");
    assert_eq!(next(&mut two).await, "NF#all");
    let disconnect = || ask(&server, "POST /api/v1/devices/d-3/disconnect", None, "").0;
    assert_eq!((disconnect(), close_code(&mut three).await), (204, 1012));
    server.wait_for_log(&["disconnected", "1012"]);
    let (_, told) = many(json!({ "devices": ["d-2", "d-3", "none"], "text": "some" }));
    assert_eq!(told, ["d-2 delivered", "d-3 stored", "none unknown"]);
    assert_eq!(many(json!({ "text": "to nobody" })).0, 400);
    let (_, away) = ask(&server, "GET /api/v1/devices/d-3", None, "");
    assert_eq!((&away["online"], &away["waiting"]["messages"]), (&json!(false), &json!(1)));
    assert_eq!(disconnect(), 404);
    let mut three = device(&server, "d-3", "bob-0123456789ab").await;
    assert_eq!(next(&mut three).await, "NF#some", "it waited");

    let (status, _) = ask(&server, "DELETE /api/v1/devices/d-2", None, "");
    assert_eq!(next(&mut two).await, "NF#some");
    assert_eq!((status, close_code(&mut two).await), (204, 1008), "revoked");
    assert_eq!(many(json!({ "devices": ["d-2"], "text": "gone" })).1, ["d-2 unknown"]);
}

#[tokio::test]
async fn events_that_no_backend_took_are_listed_sent_again_and_let_go() {
    let server = serve();
    let _one = device(&server, "d-1", "alice-0123456789").await;
    // The backend refuses it once, and that is enough.
    let began = Instant::now();
    let dead = loop {
        let dead = ask(&server, "GET /api/v1/dead-events?route=/", None, "").1;
        if dead["events"].as_array().is_some_and(|events| !events.is_empty()) {
            break dead;
        }
        assert!(began.elapsed() < PATIENCE, "{dead}");
        std::thread::yield_now();
    };
    let event = &dead["events"][0];
    assert_eq!(
        (&event["event"]["event"], &event["event"]["device"]),
        (&json!("connected"), &json!("d-1")),
        "{dead}"
    );
    let number = event["number"].as_u64().unwrap();
    let again = format!("POST /api/v1/dead-events/{number}/redeliver?route=/");
    assert_eq!(ask(&server, &again, None, "").0, 202);
    assert_eq!(ask(&server, &again, None, "").0, 404, "it is on its way");
    assert_eq!(ask(&server, "GET /api/v1/dead-events?route=/none", None, "").0, 404);
    assert_eq!(ask(&server, "DELETE /api/v1/dead-events/0?route=/", None, "").0, 404);
}
