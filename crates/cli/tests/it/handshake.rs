//! Who gets in, and what everybody else is told.

use std::io::Write;

use crate::server::{Server, read_all};

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n";

fn request(path: &str, host: &str, lines: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{UPGRADE}{KEY}{lines}\r\n")
}

/// The status, and the words that the body must hold.
fn expect(answer: &str, status: u16, words: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains("Connection: close") || status == 101, "{answer}");
    assert!(answer.contains("X-Content-Type-Options: nosniff") || status == 101, "{answer}");
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    assert!(body.contains(words), "{answer}");
}

#[test]
fn each_bad_request_is_told_what_would_be_right() {
    let server = Server::start(&[]);
    let v13 = "Sec-WebSocket-Version: 13\r\n";
    let long = format!("X-Long: {}\r\n", "x".repeat(17 << 10));
    let many = "X: y\r\n".repeat(101);
    let ok = "localhost";
    for (request, status, words) in [
        ("\x16\x03\x01\x02\x00 no HTTP\r\n\r\n".into(), 400, "not HTTP"),
        ("HELO example\r\n\r\n".into(), 400, "not HTTP"),
        (format!("GET / HTTP/1.1\r\n{UPGRADE}\r\n"), 400, "Host"),
        (request("/echo", ok, &format!("{v13}{long}")), 431, "max_head_bytes"),
        (request("/echo", ok, &format!("{v13}{many}")), 431, "max_headers"),
        (request("/echo", ok, "Sec-WebSocket-Version: 12\r\n"), 426, "13, 8, 7"),
        (request("/nowhere", ok, v13), 404, "no WebSocket service"),
        (request("/", ok, v13), 404, "no WebSocket service"),
        (request("/echo", "attacker.test", v13), 403, "hosts"),
        (request("/echo", ok, &format!("{v13}Origin: https://evil.test\r\n")), 403, "origins"),
        (request("/echo", ok, v13).replace("GET", "POST"), 405, "GET"),
        (request("/echo", ok, v13).replace(KEY, ""), 400, "Sec-WebSocket-Key"),
        (format!("GET /chat HTTP/1.1\r\nHost: {ok}\r\n{UPGRADE}\r\n"), 426, "legacy"),
    ] {
        expect(&server.exchange(&request), status, words);
    }
}

#[test]
fn a_wrong_version_is_told_the_versions_spoken() {
    let server = Server::start(&[]);
    let answer = server.exchange(request("/echo", "localhost", "Sec-WebSocket-Version: 99\r\n"));
    assert!(answer.contains("Sec-WebSocket-Version: 13, 8, 7\r\n"), "{answer}");
}

#[test]
fn versions_7_8_and_13_are_spoken_always() {
    let server = Server::start(&[]);
    for version in [7, 8, 13] {
        let mut stream = server.open();
        let lines = format!("Sec-WebSocket-Version: {version}\r\n");
        // The head, a masked "Hello", and a close.
        stream.write_all(request("/echo", "localhost", &lines).as_bytes()).unwrap();
        stream
            .write_all(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58])
            .unwrap();
        stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]).unwrap();
        let answer = read_all(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
        assert!(answer.contains("\r\n\r\n\u{FFFD}\u{5}Hello"), "{answer:?}");
    }
}

#[test]
fn hixie_76_is_spoken_only_where_it_was_let_in() {
    // The example of the draft: its keys, its eight bytes, its answer.
    let head = "GET /chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nUpgrade: WebSocket\r\n\
                Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nOrigin: http://localhost\r\n\r\n";
    let refused = Server::start(&[]).exchange(head);
    expect(&refused, 426, "legacy");

    let server = Server::start(&["--legacy"]);
    let mut stream = server.open();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"^n:ds[4U\x00quit\xFF\xFF\x00").unwrap();
    let answer = read_all(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 101 WebSocket Protocol Handshake\r\n"), "{answer}");
    assert!(answer.contains("Sec-WebSocket-Location: ws://localhost/chat\r\n"), "{answer}");
    assert!(answer.contains("8jKS'y:G*Co,Wxa-"), "{answer}");
    assert!(answer.contains("\0Welcome, 127.0.0.1 !"), "{answer:?}");
    assert!(answer.contains("\x00127.0.0.1 Logout"), "{answer:?}");
}

#[test]
fn only_the_same_origin_gets_in_by_default() {
    let server = Server::start(&[]);
    let host = server.host().to_owned();
    let port = host.rsplit_once(':').unwrap().1;
    for (origin, status) in [
        (format!("http://{host}"), 101),
        (format!("HTTP://{host}"), 101),
        (format!("https://{host}"), 403),
        ("http://127.0.0.1".into(), 403),
        (format!("http://localhost:{port}"), 403),
        (format!("http://{host}.evil.test"), 403),
        (format!("http://evil.test:{port}"), 403),
        (format!("http://user@{host}"), 403),
        (format!("http://{host}/"), 403),
        (host.clone(), 403),
        ("null".into(), 403),
    ] {
        let lines = format!("Sec-WebSocket-Version: 13\r\nOrigin: {origin}\r\n");
        let mut stream = server.open();
        stream.write_all(request("/echo", &host, &lines).as_bytes()).unwrap();
        stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
        let answer = read_all(&mut stream);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{origin}: {answer}");
    }
}

#[tokio::test]
async fn a_list_of_origins_is_exact_and_may_name_null() {
    let server = Server::with_routes(
        "[[route]]\npath = '/list'\nservice = { kind = 'echo' }\n\
         origins = ['https://app.example', 'null']\n\
         [[route]]\npath = '/own'\nservice = { kind = 'echo' }\n\
         origins = ['same-origin', 'null']\n\
         [[route]]\npath = '/any'\nservice = { kind = 'echo' }\ndanger_accept_any_origin = true\n",
    );
    let own = format!("http://{}", server.host());
    for (path, origin, expected) in [
        ("/list", "https://app.example", 101),
        ("/list", "null", 101),
        ("/list", "http://app.example", 403),
        ("/list", "https://evil-app.example", 403),
        ("/list", "https://app.example.evil.test", 403),
        ("/list", &own, 403),
        ("/own", &own, 101),
        ("/own", "null", 101),
        ("/own", "https://app.example", 403),
        ("/any", "https://evil.test", 101),
    ] {
        assert_eq!(server.status_for_origin(path, origin).await, expected, "{path} {origin}");
    }
}

#[test]
fn two_origins_are_none() {
    let server = Server::start(&[]);
    let own = format!("Origin: http://{}\r\n", server.host());
    let lines = format!("Sec-WebSocket-Version: 13\r\n{own}Origin: https://evil.test\r\n");
    let answer = server.exchange(request("/echo", server.host(), &lines));
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[test]
fn a_loopback_listener_answers_to_its_own_names_for_pages_and_lines() {
    let file = crate::server::folder().join("hosts.toml");
    std::fs::write(
        &file,
        "[[listener]]\naddress = '127.0.0.1:0'\nhosts = ['tieline.test']\n\
         [[route]]\npath = '/'\nservice = { kind = 'echo' }\npage = { kind = 'console' }\n",
    )
    .unwrap();
    let server = Server::start_as_told(&["--config", file.to_str().unwrap()], 1);
    for (host, allowed) in [
        ("localhost", true),
        ("127.0.0.1:1", true),
        ("[::1]", true),
        ("tieline.test", true),
        ("TIELINE.test:80", true),
        ("attacker.test", false),
        ("tieline.test.attacker.test", false),
    ] {
        let page = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let health = page.replace("GET /", "GET /healthz");
        let expected = if allowed { "HTTP/1.1 200 " } else { "HTTP/1.1 403 " };
        for request in [page, health] {
            let answer = server.exchange(&request);
            assert!(answer.starts_with(expected), "{host}: {answer}");
        }
        let line = request("/", host, "Sec-WebSocket-Version: 13\r\n");
        let mut stream = server.open();
        stream.write_all(line.as_bytes()).unwrap();
        stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
        let expected = if allowed { "HTTP/1.1 101 " } else { "HTTP/1.1 403 " };
        let answer = read_all(&mut stream);
        assert!(answer.starts_with(expected), "{host}: {answer}");
    }
}

#[test]
fn a_request_that_takes_too_long_is_told_so() {
    let file = crate::server::folder().join("slow.toml");
    std::fs::write(
        &file,
        "[[listener]]\naddress = '127.0.0.1:0'\nlimits = { handshake_within = '300ms' }\n\
         [[route]]\npath = '/'\nservice = { kind = 'echo' }\n",
    )
    .unwrap();
    let server = Server::start_as_told(&["--config", file.to_str().unwrap()], 1);
    expect(&server.exchange("GET / HTTP/1.1\r\nHost: local"), 408, "handshake_within");
    expect(&server.exchange(""), 408, "handshake_within");
}

#[test]
fn a_kept_alive_connection_may_be_upgraded_later() {
    let server = Server::start(&[]);
    let mut stream = server.open();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let upgrade = request("/echo", "localhost", "Sec-WebSocket-Version: 13\r\n");
    stream.write_all(upgrade.as_bytes()).unwrap();
    stream.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).unwrap();
    stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
    let answer = read_all(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("HTTP/1.1 101 Switching Protocols"), "{answer}");
    assert!(answer.contains("\r\n\r\n\u{FFFD}\u{2}hi"), "{answer:?}");
    server.wait_for_log(&["disconnected"]);
}

#[test]
fn a_refused_upgrade_ends_a_kept_alive_connection() {
    let server = Server::start(&["--legacy"]);
    let health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let v13 = "Sec-WebSocket-Version: 13\r\n";
    let foreign = request("/echo", "localhost", &format!("{v13}Origin: https://evil.test\r\n"));
    let draft = request("/echo", "localhost", "Origin: http://localhost\r\n").replace(KEY, "");
    for (refused, status, words) in [
        (foreign, 403, "origins"),
        (draft, 426, "new connection"),
        (request("/nowhere", "localhost", v13), 404, "no WebSocket service"),
        (health.replace("localhost", "attacker.test"), 403, "hosts"),
        (health.replace("\r\n\r\n", "\r\nHost: localhost\r\n\r\n"), 400, "more than once"),
        (health.replace("Host: localhost\r\n", ""), 400, "missing"),
    ] {
        let answer = server.exchange(format!("{health}{refused}{health}"));
        let (first, second) = answer.split_once("ok\n").unwrap();
        assert!(first.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(second.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(second.to_lowercase().contains("\r\nconnection: close"), "{answer}");
        assert!(second.contains(words), "{answer}");
        assert!(!second.contains(" 200 OK"), "{answer}");
    }
}

#[test]
fn a_target_and_a_host_that_differ_are_refused() {
    let server = Server::start(&[]);
    let v13 = "Sec-WebSocket-Version: 13\r\n";
    let own = format!("{v13}Origin: http://attacker.test\r\n");
    let upgrade = request("http://localhost/echo", "attacker.test", &own);
    expect(&server.exchange(&upgrade), 400, "different hosts");
    let page = "GET http://localhost/healthz HTTP/1.1\r\nHost: attacker.test\r\n\r\n";
    expect(&server.exchange(page), 400, "different hosts");
    let same = "GET http://LOCALHOST/healthz HTTP/1.1\r\nHost: localhost\r\n\
                Connection: close\r\n\r\n";
    assert!(server.exchange(same).starts_with("HTTP/1.1 200 "));
}
