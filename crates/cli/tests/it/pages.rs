//! What a browser is shown.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;

use crate::server::{Server, folder};

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let line = answer.lines().find(|line| line.starts_with(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name}: {answer}")).split_once(": ").unwrap().1
}

#[test]
fn the_server_says_that_it_lives() {
    let answer = Server::start(&[]).get("/healthz");
    assert_eq!((status(&answer), body(&answer)), (200, "ok\n"));
}

#[test]
fn the_page_is_there_and_hardened() {
    let server = Server::start(&[]);
    let answer = server.get("/");
    assert_eq!(status(&answer), 200);
    assert!(body(&answer).starts_with("<!doctype html>"));
    assert!(header(&answer, "content-security-policy").starts_with("default-src 'self'; "));
    assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    assert_eq!(header(&answer, "referrer-policy"), "no-referrer");
    assert_eq!(header(&answer, "x-frame-options"), "DENY");
}

#[test]
fn a_page_that_is_known_is_not_sent_again() {
    let server = Server::start(&[]);
    let etag = header(&server.get("/"), "etag").to_owned();
    let again = server.exchange(format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"old\", {etag}\r\nConnection: close\r\n\r\n"
    ));
    assert_eq!((status(&again), body(&again)), (304, ""));
}

#[test]
fn what_is_not_there_and_what_may_not_be_done_is_said() {
    let server = Server::start(&[]);
    let answer = server.get("/nowhere");
    assert_eq!((status(&answer), body(&answer)), (404, "there is nothing at this path\n"));
    let answer = server.exchange("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!((status(&answer), header(&answer, "allow")), (405, "GET, HEAD"));
    let answer = server.get("/echo");
    assert_eq!((status(&answer), header(&answer, "upgrade")), (426, "websocket"));
    let answer = server.exchange("HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!((status(&answer), body(&answer)), (200, ""));
}

#[test]
fn a_client_that_never_reads_its_page_is_given_up() {
    let folder = folder();
    fs::File::create(folder.join("big.bin")).unwrap().set_len(64 << 20).unwrap();
    let config = "[[listener]]\naddress = '127.0.0.1:0'\nlimits = { handshake_within = '1s' }\n\
                  [[route]]\npath = '/big'\npage = { kind = 'file', path = 'big.bin' }\n";
    let file = folder.join("tieline.toml");
    fs::write(&file, config).unwrap();
    let server = Server::start_as_told(&["--config", file.to_str().unwrap()], 1);
    let mut stuck = server.open();
    stuck.write_all(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    server.wait_for_log(&["HTTP connection failed"]);
}

#[tokio::test]
async fn one_path_serves_a_page_to_a_browser_and_a_service_to_its_websocket() {
    let folder = folder();
    fs::create_dir(folder.join("site")).unwrap();
    fs::write(folder.join("secret.txt"), "secret").unwrap();
    fs::write(folder.join("site/index.html"), "<p>mine").unwrap();
    fs::write(folder.join("site/big.bin"), vec![b'x'; 300_000]).unwrap();
    symlink("../secret.txt", folder.join("site/link.txt")).unwrap();
    let config = "[[route]]\npath = '/app'\npage = { kind = 'folder', path = 'site' }\n\
                  service = { kind = 'echo' }\n\
                  [[route]]\npath = '/one'\npage = { kind = 'file', path = 'site/index.html' }\n";
    fs::write(folder.join("tieline.toml"), config).unwrap();
    let file = folder.join("tieline.toml");
    let server = Server::start(&["--config", file.to_str().unwrap()]);

    let mut socket = server.connect("/app").await;
    socket.send("hi").await.unwrap();
    assert_eq!(crate::server::next(&mut socket).await, "hi");
    let moved = server.get("/app");
    assert_eq!((status(&moved), header(&moved, "location")), (308, "./app/"));
    assert_eq!(body(&server.get("/app/")), "<p>mine");
    assert_eq!(body(&server.get("/one")), "<p>mine");
    assert_eq!(header(&server.get("/one"), "content-type"), "text/html; charset=utf-8");
    assert_eq!(body(&server.get("/app/big.bin")).len(), 300_000);
    for path in
        ["/app/../secret.txt", "/app/%2e%2e/secret.txt", "/app/link.txt", "/app/..%2fsecret.txt"]
    {
        let answer = server.get(path);
        assert_eq!(status(&answer), 404, "{path}");
        assert!(!answer.contains("secret"), "{path}");
    }
}
