//! Programs on a line: one for each peer, or one for all.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tieline::{CloseCode, Connect, Message};

use crate::http2_client::Client;
use crate::server::{PATIENCE, Server, Socket, close_code, folder, next};

/// A server with one route, `/run`, whose command this is. A peer that is not read for a while is not
/// given up.
fn server(settings: &str) -> Server {
    Server::with_routes(&format!(
        "[[route]]\npath = '/run'\nlimits = {{ ping_after = '0s', close_within = '10m' }}\n\
         [route.service]\nkind = 'command'\n{settings}\n"
    ))
}

/// The same for a script of the shell, which is ended at once when it is to end.
fn script(script: &str, settings: &str) -> Server {
    server(&format!(
        "argv = ['/bin/sh', '-c', '''{script}''']\n{settings}\n\
         ending = {{ stdin_within = '20ms', term_within = '100ms' }}"
    ))
}

async fn next_message(socket: &mut Socket) -> Message {
    tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap()
}

/// Code and reason with which the server closes.
async fn closed(socket: &mut Socket) -> (u16, String) {
    let code = close_code(socket).await;
    (code, socket.closed().unwrap().reason().to_owned())
}

/// Waits until this is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "still not so: {what}");
        sleep(Duration::from_millis(10));
    }
}

fn is_gone(pid: &str) -> bool {
    !Path::new(&format!("/proc/{pid}")).exists()
}

/// Numbers of the server's children, those included that have ended and were not waited for.
fn children(server: &Server) -> Vec<u32> {
    let pid = server.pid().to_string();
    let is_child = |id: &u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        rest.split(' ').nth(1) == Some(&pid)
    };
    let all =
        fs::read_dir("/proc").unwrap().filter_map(|it| it.ok()?.file_name().into_string().ok());
    all.filter_map(|name| name.parse().ok()).filter(is_child).collect()
}

fn descriptors(server: &Server) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count()
}

#[tokio::test]
async fn lines_go_in_and_out_and_the_exit_code_is_told() {
    let server = script("head -n 3; exit 5", "");
    let mut socket = server.connect("/run").await;
    socket.send("one").await.unwrap();
    socket.send("").await.unwrap();
    socket.send(b"\xff\xfe".to_vec()).await.unwrap();
    assert_eq!(next(&mut socket).await, "one");
    assert_eq!(next(&mut socket).await, "");
    // What is no text comes as it is.
    assert_eq!(next_message(&mut socket).await.as_bytes(), b"\xff\xfe");
    assert_eq!(closed(&mut socket).await, (1000, "exited with 5".into()));
}

#[tokio::test]
async fn bytes_and_messages_with_a_length_are_binary_both_ways() {
    for (frame, said) in [("bytes", "a\nb"), ("length", "a\nb")] {
        let server = server(&format!("argv = ['cat']\nframe = '{frame}'"));
        let mut socket = server.connect("/run").await;
        socket.send(said).await.unwrap();
        let heard = next_message(&mut socket).await;
        assert!(matches!(&heard, Message::Binary(bytes) if bytes == said.as_bytes()), "{heard:?}");
    }
}

#[tokio::test]
async fn standard_error_is_told_apart_merged_or_logged() {
    let both = "echo out; read go; printf \"err \\\\033[1m\\n\" >&2; cat >/dev/null";
    let tagged = script(both, "stderr = 'tag'");
    let mut socket = tagged.connect("/run").await;
    assert_eq!(next(&mut socket).await, r#"{"stream":"stdout","line":"out"}"#);
    socket.send("go").await.unwrap();
    assert_eq!(next(&mut socket).await, r#"{"stream":"stderr","line":"err \u001b[1m"}"#);

    let merged = script(both, "stderr = 'merge'");
    let mut socket = merged.connect("/run").await;
    assert_eq!(next(&mut socket).await, "out");
    socket.send("go").await.unwrap();
    assert_eq!(next(&mut socket).await, "err \u{1b}[1m");

    let logged = script(both, "");
    let mut socket = logged.connect("/run").await;
    assert_eq!(next(&mut socket).await, "out");
    socket.send("go").await.unwrap();
    let line = logged.wait_for_log(&["a command says", "err "]);
    assert!(!line.contains('\u{1b}'), "{line:?}");
}

#[tokio::test]
async fn a_command_finds_what_cgi_says_and_nothing_of_the_servers_own() {
    let server = server("argv = ['env']\nbelow = true\nheaders = ['User-Agent']");
    let request = Connect::to(server.url("/run/a%20b?x=$(id)"))
        .header("User-Agent", "`id`")
        .header("Cookie", "secret=1")
        .header("Authorization", "Bearer secret");
    let mut socket = request.open().await.unwrap();
    let mut lines = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        lines.push(message.text().unwrap().to_owned());
    }
    for line in [
        "REQUEST_URI=/run/a%20b?x=$(id)",
        "PATH_INFO=/a b",
        "QUERY_STRING=x=$(id)",
        "HTTP_USER_AGENT=`id`",
        "REMOTE_ADDR=127.0.0.1",
        "GATEWAY_INTERFACE=CGI/1.1",
    ] {
        assert!(lines.iter().any(|it| it == line), "{line} in {lines:#?}");
    }
    // The server itself runs with this variable of the tests, and these headers were sent.
    let all = lines.join("\n");
    assert!(!all.contains("NO_COLOR") && !all.contains("secret"), "{all}");
}

#[tokio::test]
async fn what_cannot_start_is_told_with_1011_and_without_a_path() {
    let server = server("argv = ['/nonexistent/secret']");
    let mut socket = server.connect("/run").await;
    let told = closed(&mut socket).await;
    assert_eq!(told, (1011, "the command could not be started".into()));
}

#[tokio::test]
async fn processes_their_time_and_their_lines_are_bounded() {
    let server = script("cat", "max_processes = 1");
    let _first = server.connect("/run").await;
    until("the process runs", || !children(&server).is_empty());
    let mut second = server.connect("/run").await;
    assert_eq!(closed(&mut second).await.0, 1013);

    let server = script("cat", "run_within = '50ms'");
    let mut socket = server.connect("/run").await;
    let (code, reason) = closed(&mut socket).await;
    assert!(code == 1008 && reason.contains("run_within"), "{code} {reason}");

    let server = script("echo 12345; cat", "max_line_bytes = 4");
    let mut socket = server.connect("/run").await;
    let (code, reason) = closed(&mut socket).await;
    assert!(code == 1011 && reason.contains("max_line_bytes"), "{code} {reason}");
}

/// What a process has written so far.
fn written(pid: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.map_or(0, |count| count.parse().unwrap())
}

/// Waits until a process writes no more, and says how much it has written.
fn stuck(pid: u32) -> u64 {
    let mut last = (0, 0);
    until("it writes no more", || {
        sleep(Duration::from_millis(200));
        let now = written(pid);
        last = if now == last.0 && now > 0 { (now, last.1 + 1) } else { (now, 0) };
        last.1 == 3
    });
    last.0
}

#[tokio::test]
async fn a_peer_that_does_not_read_stops_the_pipe_and_loses_nothing() {
    let server = server("argv = ['seq', '1', '3000000']");
    let before = server.resident_kib();
    let mut stream = open(&server, "/run");
    until("the process runs", || !children(&server).is_empty());
    let pid = children(&server)[0];
    let written = stuck(pid);
    // All of it were 22 MB; sockets and backlog hold far less.
    assert!(written < 20_000_000, "{written}");
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 24 << 10, "grew by {grown} KiB");
    // Then it is read, and all of it comes.
    let frames = read_frames(&mut stream);
    let mut expected = 1;
    for (opcode, payload) in frames {
        if opcode == 0x8 {
            assert_eq!(&payload[..2], &1000_u16.to_be_bytes());
            break;
        }
        assert_eq!(payload, expected.to_string().into_bytes());
        expected += 1;
    }
    assert_eq!(expected, 3_000_001);
}

/// A line by hand, of which nothing is read.
fn open(server: &Server, path: &str) -> TcpStream {
    let mut stream = server.open();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// What a line by hand was sent, behind the head: opcodes and short payloads.
fn read_frames(stream: &mut TcpStream) -> impl Iterator<Item = (u8, Vec<u8>)> + '_ {
    let mut reader = std::io::BufReader::with_capacity(1 << 20, stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        reader.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    std::iter::from_fn(move || {
        let mut header = [0; 2];
        reader.read_exact(&mut header).ok()?;
        assert!(header[1] < 126, "a short frame");
        let mut payload = vec![0; header[1].into()];
        reader.read_exact(&mut payload).ok()?;
        Some((header[0] & 0xF, payload))
    })
}

#[tokio::test]
async fn over_http2_nothing_is_lost_either() {
    let server = server("argv = ['seq', '1', '200000']");
    let mut client = Client::to(&server).await;
    let mut line = client.open("/run").await;
    until("the process runs", || !children(&server).is_empty());
    stuck(children(&server)[0]);
    for expected in 1..=200_000 {
        let message = tokio::time::timeout(PATIENCE, line.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(message.text(), Some(expected.to_string().as_str()));
    }
    assert!(line.next().await.is_none());
    assert_eq!(line.closed().unwrap().reason(), "exited with 0");
}

#[tokio::test]
async fn who_is_not_read_by_its_command_is_not_read_by_the_server_and_loses_nothing() {
    let gate = folder().join("gate");
    let wait = format!("while [ ! -e {} ]; do sleep 0.02; done; wc -c", gate.display());
    // Of the end of its input it hears nothing: it is told how much comes.
    let (count, message) = (2_000, "x".repeat(16 << 10));
    let all = count * (message.len() + 1);
    let server = script(&wait.replace("wc -c", &format!("head -c {all} | wc -c")), "");
    let before = server.resident_kib();
    let socket = server.connect("/run").await;
    let (mut sender, mut receiver) = socket.split();
    let sending = tokio::spawn(async move {
        for _ in 0..count {
            sender.send(message.as_str()).await.unwrap();
        }
        sender
    });
    until("the process runs", || !children(&server).is_empty());
    let mut last = 0;
    let mut same = 0;
    while same < 3 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = server.resident_kib();
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    assert!(!sending.is_finished(), "32 MB were taken from it");
    let grown = last.saturating_sub(before);
    assert!(grown < 16 << 10, "grew by {grown} KiB");
    fs::write(&gate, "").unwrap();
    let heard = tokio::time::timeout(PATIENCE, receiver.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(heard.text().unwrap().trim(), all.to_string());
    drop(sending);
}

#[tokio::test]
async fn who_leaves_leaves_no_process_behind() {
    // It has forked, left its group, forked again, and ignores SIGTERM.
    let inner = "trap \"\" TERM HUP; echo $$; while :; do sleep 1; done";
    let server = script(&format!("(setsid sh -c '(sh -c \"$0\" &)' '{inner}' &); cat"), "");
    let mut socket = server.connect("/run").await;
    let pid = next(&mut socket).await;
    assert!(!is_gone(&pid));
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    until("the descendant is gone", || is_gone(&pid));
    until("no child is left", || children(&server).is_empty());
}

#[tokio::test]
async fn many_that_come_and_go_leave_neither_zombies_nor_descriptors() {
    let server = script("echo here; cat", "");
    // What is open once and for all is open after the first.
    let mut socket = server.connect("/run").await;
    next(&mut socket).await;
    drop(socket);
    until("the first is gone", || children(&server).is_empty());
    let before = descriptors(&server);
    for _ in 0..20 {
        let mut sockets = Vec::new();
        for _ in 0..10 {
            sockets.push(server.connect("/run").await);
        }
        for socket in &mut sockets {
            assert_eq!(next(socket).await, "here");
        }
    }
    until("no child is left", || children(&server).is_empty());
    until("no descriptor is left", || descriptors(&server) <= before);
}

#[tokio::test]
async fn a_server_that_stops_ends_its_processes_first() {
    let mut server = script("trap \"\" TERM; echo $$; while :; do sleep 1; done", "");
    let mut socket = server.connect("/run").await;
    let pid = next(&mut socket).await;
    server.signal("TERM");
    assert_eq!(closed(&mut socket).await.0, 1001);
    assert_eq!(server.wait().code(), Some(0));
    assert!(is_gone(&pid));
}

#[tokio::test]
async fn a_shared_process_begins_with_the_first_and_ends_with_the_last() {
    let server = script("echo $$; exec cat", "shared = true\ninput = true\nreplay = 2");
    let mut first = server.connect("/run").await;
    let pid = next(&mut first).await;
    first.send("one").await.unwrap();
    assert_eq!(next(&mut first).await, "one");
    let mut second = server.connect("/run").await;
    // Who comes later hears what was last.
    assert_eq!(next(&mut second).await, pid);
    assert_eq!(next(&mut second).await, "one");
    second.send("two").await.unwrap();
    assert_eq!(next(&mut second).await, "two");
    assert_eq!(next(&mut first).await, "two");
    let mut third = server.connect("/run").await;
    assert_eq!(next(&mut third).await, "one");
    drop((first, third));
    second.send("three").await.unwrap();
    assert_eq!(next(&mut second).await, "three");
    assert_eq!(children(&server).len(), 1);
    drop(second);
    until("it is gone", || is_gone(&pid));
    // The next is another, and nobody hears of the last.
    let mut again = server.connect("/run").await;
    assert_ne!(next(&mut again).await, pid);
}

#[tokio::test]
async fn all_viewers_are_told_how_a_shared_process_ended() {
    let gate = folder().join("gate");
    let wait =
        format!("echo up; while [ ! -e {} ]; do sleep 0.02; done; kill -9 $$", gate.display());
    let server = script(&wait, "shared = true");
    let (mut a, mut b) = (server.connect("/run").await, server.connect("/run").await);
    assert_eq!((next(&mut a).await, next(&mut b).await), ("up".into(), "up".into()));
    // It has no input: what is said to it is let be.
    a.send("unheard").await.unwrap();
    fs::write(gate, "").unwrap();
    for socket in [&mut a, &mut b] {
        assert_eq!(closed(socket).await, (1000, "ended by SIGKILL".into()));
    }
}

#[tokio::test]
async fn a_slow_viewer_of_a_shared_process_misses_the_oldest_and_is_told() {
    let server = server("argv = ['seq', '1', '3000000']\nshared = true\ngap = 'gap'");
    let mut slow = open(&server, "/run");
    let mut quick = server.connect("/run").await;
    // The quick one hears all that there was from when it came, up to the end.
    let mut last = 0_u32;
    while let Some(Ok(message)) = quick.next().await {
        let text = message.text().unwrap();
        if text != "gap" {
            last = text.parse().unwrap();
        }
    }
    assert_eq!((last, quick.closed().unwrap().code().get()), (3_000_000, 1000));
    let mut expected = 1_u32;
    let mut gaps = 0;
    for (opcode, payload) in read_frames(&mut slow) {
        if opcode == 0x8 {
            break;
        }
        match std::str::from_utf8(&payload).unwrap() {
            "gap" => gaps += 1,
            number => {
                let number: u32 = number.parse().unwrap();
                assert!(number == expected || (number > expected && gaps > 0), "{number}");
                expected = number + 1;
            }
        }
    }
    assert!(gaps > 0 && expected == 3_000_001, "{gaps} {expected}");
}

#[tokio::test]
async fn only_pages_of_the_server_itself_run_a_command() {
    let server = script("echo $$; cat", "");
    assert_eq!(server.status_for_origin("/run", "https://evil.example").await, 403);
    assert_eq!(server.status_for_origin("/run", "null").await, 403);
    let rebound = "GET /run HTTP/1.1\r\nHost: attacker.test\r\nUpgrade: websocket\r\n\
                   Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    assert!(server.exchange(rebound).starts_with("HTTP/1.1 403 "));
    assert!(children(&server).is_empty());
}

#[tokio::test]
async fn a_shell_runs_what_its_list_names() {
    let server = Server::with_routes(
        "[[route]]\npath = '/shell'\n\
         service = { kind = 'shell', commands = { hi = ['/bin/sh', '-c', 'echo hi; echo no >&2'] } }\n",
    );
    let (mut a, mut b) = (server.connect("/shell").await, server.connect("/shell").await);
    for _ in 0..2 {
        next(&mut b).await;
    }
    a.send(r#"{"action":"cmd","cmdStr":"hi"}"#).await.unwrap();
    let told = r#"{"type":"cmd","cmdStr":"hi","cmdRet":"[stdout]\nhi\n[stderr]\nno\n"}"#;
    assert_eq!(next(&mut b).await, told);
    while next(&mut a).await != told {}
    a.send(r#"{"action":"cmd","cmdStr":"hi; id"}"#).await.unwrap();
    assert!(next(&mut a).await.contains("not in the list"));
}
