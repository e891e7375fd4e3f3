//! Every file in `examples/config` does what its first line says.

use std::path::{Path, PathBuf};

use crate::server::{Server, folder, next, run};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/config")
}

fn start(name: &str) -> Server {
    Server::start(&["--config", examples().join(name).to_str().unwrap()])
}

#[tokio::test]
async fn echo() {
    let server = start("echo.toml");
    let mut socket = server.connect("/echo").await;
    socket.send("hello").await.unwrap();
    assert_eq!(next(&mut socket).await, "hello");
}

#[tokio::test]
async fn counter_at_the_root_also_for_a_page_from_disk() {
    let server = start("counter.toml");
    assert_eq!(server.status_for_origin("/", "null").await, 101);
    let mut socket = server.connect("/").await;
    assert!(next(&mut socket).await.starts_with(r#"{"type":"users","count":"#));
    assert_eq!(next(&mut socket).await, r#"{"type":"state","value":0}"#);
}

#[tokio::test]
async fn chat() {
    let server = start("chat.toml");
    assert_eq!(server.status_for_origin("/chat", "null").await, 101);
    assert_eq!(next(&mut server.connect("/chat").await).await, "Welcome, 127.0.0.1 !");
}

#[tokio::test]
async fn room() {
    let server = start("room.toml");
    assert_eq!(server.status_for_origin("/room", "null").await, 101);
    assert_eq!(next(&mut server.connect("/room").await).await.len(), 32);
}

#[tokio::test]
async fn rpc() {
    let server = start("rpc.toml");
    for path in ["/rpc", "/both"] {
        let mut socket = server.connect(path).await;
        let call = r#"{"jsonrpc":"2.0","id":1.0,"method":"demo_sum","params":[1,2]}"#;
        socket.send(call).await.unwrap();
        assert_eq!(next(&mut socket).await, r#"{"jsonrpc":"2.0","id":1.0,"result":3}"#);
    }
    let mut socket = server.connect("/events/chat").await;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"rpc.on","params":["feed"]}"#;
    socket.send(call).await.unwrap();
    assert_eq!(next(&mut socket).await, r#"{"jsonrpc":"2.0","id":1,"result":{"feed":"ok"}}"#);
}

#[tokio::test]
async fn terminal() {
    let server = start("terminal.toml");
    for (path, may_type) in [("/shell", true), ("/top", false)] {
        let first = next(&mut server.connect(path).await).await;
        assert!(first.contains(&format!(r#""may_type":{may_type}"#)), "{path}: {first}");
    }
}

#[tokio::test]
async fn site() {
    let server = start("site.toml");
    assert!(server.get("/").contains("<h1>A counter</h1>"));
    assert!(server.get("/counter.js").contains("new WebSocket"));
    let mut socket = server.connect("/").await;
    assert_eq!(next(&mut socket).await, r#"{"type":"users","count":1}"#);
}

#[test]
fn legacy_speaks_hixie_75() {
    let folder = folder();
    let file = folder.join("legacy.toml");
    // On its own listener, whose `legacy` is what the example shows, and on a free port.
    let text = std::fs::read_to_string(examples().join("legacy.toml")).unwrap();
    std::fs::write(&file, text.replace("127.0.0.1:8080", "127.0.0.1:0")).unwrap();
    let server = Server::start_as_told(&["--config", file.to_str().unwrap()], 1);
    let mut stream = server.open();
    let head = "GET /echo HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
                Host: localhost\r\nOrigin: http://localhost\r\n\r\n";
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    std::io::Write::write_all(&mut stream, b"\0hello\xFF").unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"\0hello\xFF") {
        let mut byte = [0];
        std::io::Read::read_exact(&mut stream, &mut byte).unwrap();
        seen.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&seen);
    assert!(head.starts_with("HTTP/1.1 101 Web Socket Protocol Handshake\r\n"), "{head}");
    assert!(head.contains("WebSocket-Location: ws://localhost/echo\r\n"), "{head}");
}

#[tokio::test]
async fn tls_with_a_certificate_beside_it() {
    let folder = folder();
    std::fs::copy(examples().join("tls.toml"), folder.join("tls.toml")).unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let file = folder.join("tls.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("8443", "0");
    std::fs::write(&file, text).unwrap();
    let server = Server::start_as_told(&["--config", file.to_str().unwrap()], 1);
    let options = tieline::tls::TlsOptions {
        roots: tieline::tls::Roots::None,
        extra_roots_pem: made.cert.pem().into_bytes(),
        ..Default::default()
    };
    let mut socket = tieline::Connect::to(server.url("/chat")).tls(options).open().await.unwrap();
    assert_eq!(next(&mut socket).await, "Welcome, 127.0.0.1 !");
}

#[tokio::test]
async fn gateway_with_secrets_beside_it() {
    let folder = folder();
    std::fs::copy(examples().join("gateway.toml"), folder.join("gateway.toml")).unwrap();
    for name in ["device.secret", "backend.secret"] {
        std::fs::write(folder.join(name), "0123456789abcdef\n").unwrap();
    }
    let server = Server::start(&["--config", folder.join("gateway.toml").to_str().unwrap()]);
    let mut socket = server.connect("/websocket").await;
    socket.send("RG#ab12cd34@12344133").await.unwrap();
    let bound = next(&mut socket).await;
    assert!(bound.starts_with("RO#") && bound.ends_with("#25000"), "{bound}");
}

#[tokio::test]
async fn all_has_every_key_and_runs() {
    let server = start("all.toml");
    let mut socket = server.connect("/counter/").await;
    assert_eq!(next(&mut socket).await, r#"{"type":"users","count":1}"#);
    assert!(server.get("/counter/").contains("<h1>A counter</h1>"));
    assert!(server.get("/room").contains("<h1>A counter</h1>"));
    assert_eq!(server.status_for_origin("/echo", "https://example.com").await, 101);
}

#[test]
fn every_example_is_right() {
    for entry in std::fs::read_dir(examples()).unwrap() {
        let path = entry.unwrap().path();
        let is_checked = path.extension().is_some_and(|extension| extension == "toml")
            && !path.ends_with("channels.toml")
            && !path.ends_with("gateway.toml")
            && !path.ends_with("tls.toml");
        if is_checked {
            let output = run(&["config", "check", path.to_str().unwrap()]);
            assert!(output.status.success(), "{path:?}: {output:?}");
        }
    }
}
