//! `tieline exec`, `terminal` and `tail`: the address that they print, and who may come.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use tieline::{Connect, Message};

use crate::server::{PATIENCE, folder, read_all, run, status, tieline};

/// A running one-liner; killed when it is dropped.
struct Bridge {
    child: Child,
    /// `127.0.0.1:PORT`.
    host: String,
    ticket: String,
}

impl Bridge {
    fn start(args: &[&str]) -> Self {
        let mut command: Command = tieline();
        command.args(args);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.next().unwrap().unwrap();
        let advice = lines.next().unwrap().unwrap();
        assert!(advice.contains("Ctrl-C"), "{advice}");
        let (host, ticket) = address.strip_prefix("http://").unwrap().split_once("/#").unwrap();
        Self { child, host: host.to_owned(), ticket: ticket.to_owned() }
    }

    fn exchange(&self, request: String) -> String {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        read_all(&mut stream)
    }

    fn get(&self, path: &str) -> String {
        let host = &self.host;
        self.exchange(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
    }

    /// The cookie for the ticket.
    fn pass(&self) -> String {
        let Self { host, ticket, .. } = self;
        let answer = self.exchange(format!(
            "POST /_tieline/ticket HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{ticket}",
            ticket.len()
        ));
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    fn line(&self) -> Connect {
        Connect::to(format!("ws://{}/line", self.host))
    }

    fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes over the line until it holds `expected`.
async fn hears(request: Connect, expected: &str) -> String {
    let mut socket = request.open().await.unwrap();
    let mut heard = String::new();
    let listening = async {
        while !heard.contains(expected) {
            match socket.next().await.expect("the line is open").unwrap() {
                Message::Text(text) => heard += &text,
                Message::Binary(bytes) => heard += &String::from_utf8_lossy(&bytes),
            }
        }
    };
    let is_heard = tokio::time::timeout(PATIENCE, listening).await.is_ok();
    assert!(is_heard, "{heard}");
    heard
}

#[tokio::test]
async fn each_shows_its_page_to_everybody_and_its_line_to_whoever_has_the_ticket() {
    let log = folder().join("app.log");
    std::fs::write(&log, "a line of the log\n").unwrap();
    let log = log.to_str().unwrap();
    for (args, kind, expected) in [
        (&["exec", "--", "echo", "$HOME; said"][..], "command", "$HOME; said"),
        (&["terminal", "--", "sh", "-c", "echo s''hown; sleep 1000"], "terminal", "shown"),
        (&["tail", log], "tail", "a line of the log"),
    ] {
        let bridge = Bridge::start(args);
        assert!(bridge.host.starts_with("127.0.0.1:"), "{}", bridge.host);
        assert!(bridge.get("/").contains("<!doctype html>"), "{kind}");
        assert!(bridge.get("/bridge.json").contains(&format!("\"kind\":\"{kind}\"")), "{kind}");
        assert_eq!(status(bridge.line()).await, 403, "{kind}");
        let pass = bridge.pass();
        hears(bridge.line().header("cookie", &pass), expected).await;
        assert_eq!(bridge.stop(), Some(0), "{kind}");
    }
}

#[tokio::test]
async fn what_the_server_was_started_with_is_not_open_in_what_it_starts() {
    let program = tieline().get_program().to_owned();
    let script =
        "exec 9</dev/null; exec \"$0\" exec --shared -- sh -c 'ls /proc/self/fd; echo all; cat'";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(program);
    let bridge = Bridge::spawn(command);
    let heard = hears(bridge.line().header("cookie", bridge.pass()), "all").await;
    assert!(heard.contains('2') && !heard.contains('9'), "{heard}");
}

#[test]
fn other_machines_are_let_in_only_where_that_is_said() {
    let output = run(&["exec", "--listen", "0.0.0.0:0", "--", "echo"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("other machines reach 0.0.0.0:0") && said.contains("ssh -L"), "{said}");

    let mut command = tieline();
    command.args(["exec", "--listen", "0.0.0.0:0", "--danger-without-tls", "--", "echo"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("http://127.0.0.1:"));
    child.kill().unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    child.wait().unwrap();
    assert!(log.contains("there is no TLS"), "{log}");
}

#[test]
fn what_is_wrong_is_said_and_starts_nothing() {
    for wrong in [
        &["exec"][..],
        &["exec", "echo"],
        &["tail"],
        &["exec", "--listen", "here", "--", "echo"],
        &["exec", "--expires", "0s", "--", "echo"],
        &["exec", "--frame", "words", "--", "echo"],
        &["exec", "--frame", "bytes", "--stderr", "tag", "--", "echo"],
        &["terminal", "--read-only", "--typing", "all"],
    ] {
        let output = run(wrong);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{wrong:?}");
    }
}

#[test]
fn their_help_has_examples() {
    for command in ["exec", "terminal", "tail"] {
        let help = String::from_utf8(run(&[command, "--help"]).stdout).unwrap();
        for word in ["--listen", "--danger-without-tls", "--expires", "Examples:"] {
            assert!(help.contains(word), "{help}");
        }
    }
}
