//! `tieline connect` and `tieline replay` from a script: what goes in, what comes out, how it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use serde_json::Value;
use tieline::{AcceptOptions, Answer, CloseCode};

use crate::server::{Server, folder, tieline};
use crate::tls;

const ROUTES: &str = "
[namespace.chat]
publish = 'all'
[[route]]
path = '/echo'
service = { kind = 'echo' }
compression = {}
[[route]]
path = '/chat'
service = { kind = 'chat' }
[[route]]
path = '/rpc'
service = { kind = 'rpc', demo = true }
[[route]]
path = '/tieline'
service = { kind = 'channels' }
";

/// The program at work on a path of the server.
fn connect(server: &Server, path: &str, args: &[&str]) -> Command {
    let mut command = tieline();
    command.args(["connect", &server.url(path)]).args(args).stdin(Stdio::null());
    command
}

/// Its output when standard input says this.
fn saying(command: &mut Command, input: &[u8]) -> Output {
    let (piped, out) = (Stdio::piped(), Stdio::piped());
    let mut child = command.stdin(piped).stdout(out).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Beside reading: what is said and what is heard are each more than a pipe holds.
    let says = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // Who has ended does not read any more.
    let _ = says.join().unwrap();
    output
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

fn expect_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
}

/// The value of a key in each line.
fn values(output: &Output, key: &str) -> Vec<Value> {
    let lines = text(&output.stdout).lines();
    lines.map(|line| serde_json::from_str::<Value>(line).unwrap()[key].take()).collect()
}

#[test]
fn each_line_is_a_message_and_each_message_a_line() {
    let server = Server::with_routes(ROUTES);
    let many: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
    for input in ["hello\n", "without an end", "", "\n\n", "你好\n", &many] {
        let output = saying(&mut connect(&server, "/echo", &[]), input.as_bytes());
        expect_code(&output, 0);
        let expected = if input.is_empty() || input.ends_with('\n') {
            input.to_owned()
        } else {
            format!("{input}\n")
        };
        assert!(text(&output.stdout) == expected, "{} bytes", input.len());
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn bytes_go_through_as_they_are_in_each_framing() {
    let server = Server::with_routes(ROUTES);
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(n) >> 3) as u8).collect();
    let raw = saying(&mut connect(&server, "/echo", &["--binary", "--framing", "raw"]), &bytes);
    expect_code(&raw, 0);
    assert!(raw.stdout == bytes);
    let framed = b"\0\0\0\x03a\nb\0\0\0\0\0\0\0\x01\xff";
    let args = ["--binary", "--framing", "length", "--deflate"];
    let output = saying(&mut connect(&server, "/echo", &args), framed);
    expect_code(&output, 0);
    assert_eq!(output.stdout, framed);

    let cut = saying(&mut connect(&server, "/echo", &args), b"\0\0\0\x09abc");
    expect_code(&cut, 2);
    assert!(text(&cut.stderr).contains("9 bytes were announced, 3 came"), "{cut:?}");
    let latin = saying(&mut connect(&server, "/echo", &[]), b"fine\ncaf\xe9\n");
    expect_code(&latin, 2);
    assert!(text(&latin.stderr).contains("message 2 of standard input is not UTF-8"), "{latin:?}");
}

#[test]
fn a_script_waits_for_what_it_expects() {
    let server = Server::with_routes(ROUTES);
    let run = |args: &[&str]| connect(&server, "/echo", args).output().unwrap();
    let met = run(&["-m", "one", "-m", "two", "--expect", "^o", "--expect", "w"]);
    expect_code(&met, 0);
    assert_eq!(text(&met.stdout), "one\ntwo\n");
    expect_code(&run(&["-m", "a", "-m", "b", "-m", "c", "--count", "3"]), 0);

    let unmet = run(&["-m", "one", "--expect", "two", "--timeout", "200ms"]);
    expect_code(&unmet, 1);
    assert!(text(&unmet.stderr).contains("no message matched /two/ within 200ms"), "{unmet:?}");
    let few = run(&["-m", "one", "--count", "3", "--timeout", "200ms"]);
    expect_code(&few, 1);
    assert!(text(&few.stderr).contains("2 messages were missing"), "{few:?}");
    // The chat closes the line of who says so.
    let ended = connect(&server, "/chat", &["-m", "quit", "--expect", "never"]).output().unwrap();
    expect_code(&ended, 1);
    assert!(text(&ended.stderr).contains("before the line ended"), "{ended:?}");
}

#[test]
fn all_that_happens_is_told_as_json() {
    let server = Server::with_routes(ROUTES);
    let args = ["--json", "-m", "hello", "--deflate"];
    let output = connect(&server, "/echo", &args).output().unwrap();
    expect_code(&output, 0);
    assert_eq!(values(&output, "event"), ["open", "message", "close"]);
    assert_eq!(values(&output, "text")[1], "hello");
    assert_eq!(values(&output, "code")[2], 1000);
    assert_eq!(values(&output, "extensions")[0], "permessage-deflate");
    let output = saying(&mut connect(&server, "/echo", &["--json", "-b"]), b"\xff\x00\n");
    assert_eq!(values(&output, "hex")[1], "ff00");
}

#[test]
fn each_failure_has_its_code_and_says_what_to_do() {
    let server = Server::with_routes(ROUTES);
    // A server that does not know the answer to the key.
    let liar = TcpListener::bind("127.0.0.1:0").unwrap();
    let lies = format!("ws://{}/", liar.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = liar.accept().unwrap();
        let head = b"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
        stream.write_all(head).unwrap();
        // It waits for the end.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let echo = server.url("/echo");
    for (args, code, words) in [
        (&["ws://127.0.0.1:1/", "-m", "a"][..], 3, "is a server running there?"),
        (&[&server.url("/nowhere"), "-m", "a"], 3, "is the path right?"),
        (&["http://127.0.0.1/"], 2, "ws://HOST:PORT/PATH"),
        (&[], 2, "<URL>"),
        (&[&echo, "-H", "no header"], 2, "write 'Name: value'"),
        (&[&echo, "-H", "Host: a b"], 2, "invalid"),
        (&[&echo, "--origin", "example.com"], 2, "example.com"),
        (&[&echo, "--expect", "("], 2, "regex"),
        (&[&echo, "--token-file", "/none"], 2, "/none"),
        (&[&echo, "--user", "me"], 2, "--password-file"),
        (&[&echo, "-m", "a", "--ca", "/none"], 1, "/none"),
        (&[&echo, "-m", &"x".repeat(3_000), "--max-message", "1K"], 4, "--max-message"),
        (&[&echo, "-m", &"x".repeat(70_000)], 1, "1009"),
        (&[&lies, "-m", "a"], 4, "is it the right port?"),
        (&["--listen", "9000"], 2, "write HOST:PORT"),
    ] {
        let output = tieline().arg("connect").args(args).stdin(Stdio::null()).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
}

/// A server of one's own, which says what it was asked.
#[tokio::test]
async fn the_request_says_what_the_flags_say() {
    let folder = folder();
    fs::write(folder.join("token"), "s3cret\n").unwrap();
    fs::write(folder.join("password"), "pass\n").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/a?b", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let options = AcceptOptions { protocols: vec!["two".into()], ..AcceptOptions::default() };
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut heads = String::new();
            let accepted = tieline::accept_with(stream, &options, |request| {
                for name in ["authorization", "x-team", "origin", "sec-websocket-protocol"] {
                    heads.push_str(&format!("{} / ", request.header(name).unwrap_or("-")));
                }
                Ok(Answer::default())
            });
            let mut socket = accepted.await.unwrap();
            socket.send(heads).await.unwrap();
            socket.close(CloseCode::NORMAL, "").await.unwrap();
        }
    });
    let said = |args: Vec<String>| {
        let mut command = tieline();
        command.args(["connect", &url, "--count", "1"]).args(args).stdin(Stdio::null());
        async move {
            let output = tokio::task::spawn_blocking(move || command.output().unwrap());
            let output = output.await.unwrap();
            expect_code(&output, 0);
            text(&output.stdout).to_owned()
        }
    };
    let words = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let origin = url.replace("ws://", "http://").replace("/a?b", "");
    let args = words(&format!("-H X-Team:blue --origin {origin} -s one -s two"));
    assert_eq!(said(args).await, format!("- / blue / {origin} / one, two / \n"));
    let args = words(&format!("--token-file {}", path("token")));
    assert_eq!(said(args).await, "Bearer s3cret / - / - / - / \n");
    let args = words(&format!("--user me --password-file {}", path("password")));
    assert_eq!(said(args).await, "Basic bWU6cGFzcw== / - / - / - / \n");
}

#[test]
fn wss_wants_a_certificate_that_is_trusted_and_may_write_its_secrets_down() {
    let (folder, authority) = (folder(), tls::authority());
    tls::write_certificate(&folder, &authority);
    let server = tls::start(&folder, "");
    let (ca, log) = (folder.join("ca.pem"), folder.join("keys.log"));
    fs::write(&ca, authority.pem()).unwrap();
    let untrusted = connect(&server, "/", &["-m", "a"]).output().unwrap();
    expect_code(&untrusted, 3);
    assert!(text(&untrusted.stderr).contains("--ca FILE"), "{untrusted:?}");
    let args = ["-m", "a", "--ca", ca.to_str().unwrap()];
    let trusted = connect(&server, "/", &args).env("SSLKEYLOGFILE", &log).output().unwrap();
    expect_code(&trusted, 0);
    assert_eq!(text(&trusted.stdout), "a\n");
    assert!(fs::read_to_string(&log).unwrap().contains("CLIENT_TRAFFIC_SECRET_0 "));
}

/// The other end of a conversation, listening.
fn listen(args: &[&str]) -> (Child, String) {
    let mut command = tieline();
    command.args(["connect", "--listen", "127.0.0.1:0"]).args(args);
    let (piped, out) = (Stdio::piped(), Stdio::piped());
    let mut child = command.stdin(piped).stdout(out).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    let url = said.trim_end().strip_prefix("listening at ").unwrap().to_owned();
    (child, url)
}

#[test]
fn it_can_be_the_server() {
    let (mut server, url) = listen(&["--stay"]);
    server.stdin.take().unwrap().write_all(b"welcome\n").unwrap();
    let args = ["connect", &url, "-m", "hello", "--expect", "welcome"];
    let client = tieline().args(args).stdin(Stdio::null()).output().unwrap();
    expect_code(&client, 0);
    let server = server.wait_with_output().unwrap();
    expect_code(&server, 0);
    assert_eq!((text(&client.stdout), text(&server.stdout)), ("welcome\n", "hello\n"));
}

#[test]
fn it_comes_back_when_the_line_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            for word in ["first", "second"] {
                let (stream, _) = listener.accept().await.unwrap();
                let mut socket = tieline::accept(stream).await.unwrap();
                socket.send(word).await.unwrap();
                socket.close(CloseCode::RESTART, "").await.unwrap();
            }
        });
    });
    let args = ["connect", &url, "--reconnect", "--expect", "first", "--expect", "second"];
    let output = tieline().args(args).stdin(Stdio::null()).output().unwrap();
    expect_code(&output, 0);
    assert_eq!(text(&output.stdout), "first\nsecond\n");
    assert!(text(&output.stderr).contains("1012 (service restart); tries again in"), "{output:?}");
    server.join().unwrap();
}

#[test]
fn a_chat_that_was_recorded_has_the_same_answers_again() {
    let (folder, server) = (folder(), Server::with_routes(ROUTES));
    let file = folder.join("chat.jsonl");
    let file = file.to_str().unwrap();
    let args = ["--record", file, "-m", "hello", "-m", "你好", "-m", "quit", "--stay"];
    let recorded = connect(&server, "/chat", &args).output().unwrap();
    expect_code(&recorded, 0);
    assert_eq!(text(&recorded.stdout).lines().count(), 4);

    let replay = |path: &str, args: &[&str]| {
        let mut command = tieline();
        command.args(["replay", file, &server.url(path)]).args(args).output().unwrap()
    };
    for args in [&[][..], &["--fast"]] {
        let same = replay("/chat", args);
        expect_code(&same, 0);
        assert_eq!(text(&same.stdout), "all 4 answers are the same\n");
    }
    let other = replay("/echo", &["--within", "200ms"]);
    expect_code(&other, 1);
    let said = text(&other.stdout);
    assert!(said.contains("- Welcome, 127.0.0.1 !") && said.contains("+ hello"), "{said}");
    assert!(text(&other.stderr).contains("of 4 that were recorded 4 did not come"), "{other:?}");
    let ignored = replay("/echo", &["--json", "--within", "200ms", "--ignore", "127.0.0.1:"]);
    expect_code(&ignored, 1);
    assert_eq!(values(&ignored, "missing")[0].as_array().unwrap().len(), 4);

    let again = connect(&server, "/chat", &args).output().unwrap();
    expect_code(&again, 1);
    assert!(text(&again.stderr).contains("cannot write a recording"), "{again:?}");
    fs::write(file, "{\"tieline\":2,\"url\":\"\",\"protocol\":\"\"}\n").unwrap();
    assert!(text(&replay("/chat", &[]).stderr).contains("this program reads form 1"));
    fs::write(file, "hello\n").unwrap();
    assert!(text(&replay("/chat", &[]).stderr).contains("is no recording"));
}

#[test]
fn a_method_is_called_and_its_result_printed() {
    let server = Server::with_routes(ROUTES);
    let call = |args: &[&str]| connect(&server, "/rpc", args).output().unwrap();
    let sum = call(&["--rpc", "demo_sum", "[1, 2, 3]"]);
    expect_code(&sum, 0);
    assert_eq!(text(&sum.stdout), "6\n");
    let unknown = call(&["--rpc", "demo_nothing"]);
    expect_code(&unknown, 1);
    assert!(text(&unknown.stderr).contains("(-32601)"), "{unknown:?}");
    let wrong = call(&["--rpc", "demo_sum", "{1"]);
    expect_code(&wrong, 2);
    assert!(text(&wrong.stderr).contains("the parameters are no JSON"), "{wrong:?}");
}

#[test]
fn a_channel_is_talked_on() {
    let server = Server::with_routes(ROUTES);
    let args = ["--channel", "chat:lobby", "-m", "hello", "--count", "1"];
    let output = connect(&server, "/tieline", &args).output().unwrap();
    expect_code(&output, 0);
    assert_eq!(text(&output.stdout), "chat:lobby 1 hello\n");
    let nowhere = connect(&server, "/tieline", &["--channel", "none:x"]).output().unwrap();
    expect_code(&nowhere, 1);
    assert!(text(&nowhere.stderr).contains("[namespace.NAME]"), "{nowhere:?}");
}
