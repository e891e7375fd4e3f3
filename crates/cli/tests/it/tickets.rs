//! Access by the ticket that the server prints: by hand-written requests, as other pages and programs
//! would make them.

use std::process::Command;

use tieline::Connect;

use crate::server::{Server, close_code, folder, next, status, tieline};

const ROUTES: &str = "workers = 2\n\
     [[route]]\npath = '/echo'\nservice = { kind = 'echo' }\naccess = { kind = 'ticket' }\n\
     [[route]]\npath = '/rpc'\nservice = { kind = 'rpc', demo = true }\naccess = { kind = 'ticket' }\n";

/// A server with these routes, and its ticket.
fn start(routes: &str) -> (Server, String) {
    let file = folder().join("tieline.toml");
    std::fs::write(&file, routes).unwrap();
    let mut command: Command = tieline();
    command.args(["serve", "--listen", "127.0.0.1:0", "--log-level", "trace", "--config"]);
    let server = Server::spawn(command.arg(file), 2);
    let ticket = server.addresses[1].clone();
    (server, ticket)
}

/// What a POST of the ticket is answered, with these headers more.
fn exchange(server: &Server, ticket: &str, headers: &str) -> String {
    post(server, server.host(), ticket, headers)
}

fn post(server: &Server, host: &str, ticket: &str, headers: &str) -> String {
    let len = ticket.len();
    server.exchange(format!(
        "POST /_tieline/ticket HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len}\r\n{headers}\
         Connection: close\r\n\r\n{ticket}"
    ))
}

fn code(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The cookie of an answer: its name and value, and what else is said of it.
fn cookie(answer: &str) -> (&str, &str) {
    let line = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    line.split_once("; ").unwrap()
}

fn line(server: &Server, cookie: &str) -> Connect {
    Connect::to(server.url("/echo")).header("cookie", cookie)
}

#[tokio::test]
async fn a_ticket_is_exchanged_once_for_a_cookie_that_opens_lines_and_nothing_is_logged() {
    let (server, ticket) = start(ROUTES);
    let own = format!("Origin: {}\r\n", server.addresses[0]);
    let answer = exchange(&server, &ticket, &own);
    assert_eq!(code(&answer), 204, "{answer}");
    let (pass, rest) = cookie(&answer);
    assert_eq!(rest, "Path=/; HttpOnly; SameSite=Strict");
    let port = server.host().rsplit_once(':').unwrap().1;
    assert!(pass.starts_with(&format!("tieline-{port}=")), "{pass}");

    let mut socket = line(&server, pass).origin(server.addresses[0].as_str()).open().await.unwrap();
    socket.send("hi").await.unwrap();
    assert_eq!(next(&mut socket).await, "hi");
    socket.close(tieline::CloseCode::NORMAL, "").await.unwrap();
    // It is void now, and the pass stays good.
    assert_eq!(code(&exchange(&server, &ticket, &own)), 403);
    assert_eq!(code(&exchange(&server, &ticket, "")), 403);
    assert_eq!(status(line(&server, pass)).await, 101, "as after a reload");
    let asked = |cookie: &str| {
        let host = server.host();
        server.exchange(format!(
            "GET /_tieline/ticket HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\
             Connection: close\r\n\r\n"
        ))
    };
    assert_eq!((code(&asked(pass)), code(&asked("a=b"))), (204, 403));

    server.wait_for_log(&["disconnected"]);
    let secret = pass.split_once('=').unwrap().1;
    for secret in [ticket.as_str(), secret] {
        assert!(!server.log().contains(secret), "{}", server.log());
    }
}

#[tokio::test]
async fn who_has_no_pass_opens_nothing() {
    let (server, ticket) = start(ROUTES);
    let port = server.host().rsplit_once(':').unwrap().1;
    let name = format!("tieline-{port}");
    for cookie in ["a=b", &format!("{name}={ticket}"), &format!("{name}=")] {
        assert_eq!(status(line(&server, cookie)).await, 403, "{cookie}");
    }
    assert_eq!(status(Connect::to(server.url("/echo"))).await, 403);
    let bearer = format!("Bearer {ticket}");
    let bearer = Connect::to(server.url("/echo")).header("authorization", bearer);
    assert_eq!(status(bearer).await, 403, "a ticket is exchanged, not shown");
    for method in ["GET", "POST", "OPTIONS"] {
        let answer = server.exchange(format!(
            "{method} /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n"
        ));
        assert_eq!(code(&answer), 403, "{answer}");
    }
    for wrong in ["", "x", &ticket[1..], &format!("{ticket}\n"), &"x".repeat(1024)] {
        assert_eq!(code(&exchange(&server, wrong, "")), 403);
    }
    assert_eq!(code(&exchange(&server, &"x".repeat(1025), "")), 413);
    assert_eq!(code(&server.get("/_tieline/ticket")), 403, "there is no pass");
    let answer = server
        .exchange("PUT /_tieline/ticket HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(code(&answer), 405);
    assert_eq!(status(Connect::to(server.url("/_tieline/ticket"))).await, 404);
    assert_eq!(code(&exchange(&server, &ticket, "")), 204, "no guess has used it up");
}

#[tokio::test]
async fn a_page_of_another_origin_and_a_name_that_is_not_ours_get_403() {
    let (server, ticket) = start(ROUTES);
    let foreign = ["http://evil.test", "null", "http://127.0.0.1:1", "https://127.0.0.1"];
    for origin in foreign {
        let answer = exchange(&server, &ticket, &format!("Origin: {origin}\r\n"));
        assert_eq!(code(&answer), 403, "{origin}");
    }
    // A name of somebody else's that leads here: DNS rebinding.
    for host in ["evil.test", "evil.test:80", "127.0.0.1.evil.test"] {
        let origin = format!("Origin: http://{host}\r\n");
        assert_eq!(code(&post(&server, host, &ticket, &origin)), 403, "{host}");
        assert_eq!(code(&post(&server, host, &ticket, "")), 403, "{host}");
    }
    let answer = exchange(&server, &ticket, &format!("Origin: {}\r\n", server.addresses[0]));
    assert_eq!(code(&answer), 204, "none of them has used it up: {answer}");

    let (pass, _) = cookie(&answer);
    for origin in foreign {
        assert_eq!(status(line(&server, pass).origin(origin)).await, 403, "{origin}");
    }
    let rebound = server.exchange(format!(
        "GET /echo HTTP/1.1\r\nHost: evil.test\r\nOrigin: http://evil.test\r\nCookie: {pass}\r\n\
         Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ));
    assert_eq!(code(&rebound), 403);
    // Another page on this machine is of the same site: its requests bring the cookie.
    let host = server.host();
    let same_site = server.exchange(format!(
        "GET /rpc HTTP/1.1\r\nHost: {host}\r\nCookie: {pass}\r\nSec-Fetch-Site: same-site\r\n\
         Connection: close\r\n\r\n"
    ));
    assert_eq!(code(&same_site), 403);
}

#[tokio::test]
async fn a_line_ends_with_its_pass() {
    let (server, ticket) = start(
        "[[route]]\npath = '/echo'\nservice = { kind = 'echo' }\n\
         access = { kind = 'ticket', expires = '5s' }\n",
    );
    let answer = exchange(&server, &ticket, "");
    let (pass, _) = cookie(&answer);
    let mut socket = line(&server, pass).open().await.unwrap();
    assert_eq!(close_code(&mut socket).await, 4401);
    assert_eq!(status(line(&server, pass)).await, 403);
}

#[test]
fn a_route_of_any_origin_takes_no_ticket() {
    let file = folder().join("tieline.toml");
    let text = "[[route]]\npath = '/'\nservice = { kind = 'echo' }\n\
                danger_accept_any_origin = true\naccess = { kind = 'ticket' }\n";
    std::fs::write(&file, text).unwrap();
    let output = crate::server::run(&["config", "check", file.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("any page may"), "{said}");
}
