//! Terminals over real lines: a shell in a real pseudo-terminal.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tieline::{CloseCode, Message};

use crate::server::{PATIENCE, Server, Socket, close_code, folder};

/// Somebody who watches, and may be let type.
struct Viewer {
    socket: Socket,
    /// The id of the session.
    id: String,
    may_type: bool,
    /// All that was written to the terminal, the first paint included.
    output: Vec<u8>,
    /// All that was told, but the first.
    news: Vec<String>,
}

impl Viewer {
    async fn join(server: &Server, path: &str) -> Self {
        let mut socket = server.connect(path).await;
        let first = crate::server::next(&mut socket).await;
        let session: serde_json::Value = serde_json::from_str(&first).unwrap();
        assert_eq!(session["type"], "session", "{first}");
        let id = session["id"].as_str().unwrap().to_owned();
        let may_type = session["may_type"].as_bool().unwrap();
        let mut viewer = Self { socket, id, may_type, output: Vec::new(), news: Vec::new() };
        viewer.step().await;
        assert!(!viewer.output.is_empty(), "the screen is painted first");
        viewer
    }

    /// Comes back to a session.
    async fn again(server: &Server, path: &str, id: &str) -> Self {
        let viewer = Self::join(server, &format!("{path}?session={id}")).await;
        assert_eq!(viewer.id, id);
        viewer
    }

    /// Hears the next message; whether there was one.
    async fn step(&mut self) -> bool {
        let message = tokio::time::timeout(PATIENCE, self.socket.next()).await;
        let heard = || (String::from_utf8_lossy(&self.output).into_owned(), &self.news);
        match message.unwrap_or_else(|_| panic!("nothing more comes after {:?}", heard())) {
            Some(Ok(Message::Text(text))) => self.news.push(text.to_string()),
            Some(Ok(Message::Binary(bytes))) => self.output.extend_from_slice(&bytes),
            Some(Err(error)) => panic!("{error}"),
            None => return false,
        }
        true
    }

    async fn until(&mut self, is_it: impl Fn(&Self) -> bool) {
        while !is_it(self) {
            assert!(self.step().await, "it ended after {:?}", self.news);
        }
    }

    /// Waits until the terminal has shown this.
    async fn sees(&mut self, words: &str) {
        self.until(|viewer| viewer.has_seen(words)).await;
    }

    /// Waits until it is told this.
    async fn is_told(&mut self, words: &str) {
        self.until(|viewer| viewer.news.iter().any(|news| news.contains(words))).await;
    }

    fn has_seen(&self, words: &str) -> bool {
        self.output.windows(words.len()).any(|window| window == words.as_bytes())
    }

    async fn types(&mut self, text: &str) {
        self.socket.send(text.as_bytes().to_vec()).await.unwrap();
    }

    async fn says(&mut self, text: &str) {
        self.socket.send(text).await.unwrap();
    }

    /// Leaves, and is sure that all that it said was heard.
    async fn leave(mut self) {
        self.socket.close(CloseCode::NORMAL, "").await.unwrap();
    }

    /// The number of the shell.
    async fn shell(&mut self) -> u32 {
        self.types("echo pid=$$.\n").await;
        let pid = |output: &[u8]| {
            let text = String::from_utf8_lossy(output);
            text.split("pid=").find_map(|rest| rest.split_once('.')?.0.parse().ok())
        };
        self.until(|viewer| pid(&viewer.output).is_some()).await;
        pid(&self.output).unwrap()
    }
}

/// A server with a shell at `/t`, with these settings more.
fn shell(settings: &str) -> Server {
    Server::with_routes(&format!(
        "[[route]]\npath = '/t'\n[route.service]\nkind = 'terminal'\n\
         argv = ['bash', '--norc', '--noprofile']\n\
         environment = {{ set = {{ PS1 = '$ ', HISTFILE = '' }} }}\n{settings}\n"
    ))
}

/// Waits until something is so.
fn wait_until(what: &str, is_it: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_it() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn is_running(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// The body of an answer that is 200.
fn body(answer: &str) -> &str {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    body
}

fn sessions(server: &Server) -> serde_json::Value {
    serde_json::from_str(body(&server.get("/t/sessions"))).unwrap()
}

#[tokio::test]
async fn what_is_typed_is_answered_and_colours_and_bytes_pass_as_they_are() {
    let server = shell("typing = 'first'");
    let mut viewer = Viewer::join(&server, "/t").await;
    assert!(viewer.may_type);
    viewer.types("echo $((6*7)).\n").await;
    viewer.sees("42.").await;
    viewer.types("printf '\\033[38;5;9mred\\033[0m\\377\\376\\n'\n").await;
    let shown = b"\x1B[38;5;9mred\x1B[0m\xFF\xFE";
    viewer.until(|it| it.output.windows(shown.len()).any(|seen| seen == shown)).await;
    viewer.types("echo $TERM,$COLORTERM,$PATH-\n").await;
    viewer.sees("xterm-256color,truecolor,/").await;
}

#[tokio::test]
async fn only_what_is_listed_of_the_servers_environment_is_there() {
    let file = folder().join("tieline.toml");
    fs::write(
        &file,
        "[[route]]\npath = '/t'\nservice = { kind = 'terminal', argv = ['env'], keep = '0s' }\n",
    )
    .unwrap();
    let mut command = crate::server::tieline();
    command.args(["serve", "--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()]);
    command.env("CANARY_SECRET", "canary-5e1f").env("HOME", "/canary-home");
    let server = Server::spawn(&mut command, 1);
    let mut viewer = Viewer::join(&server, "/t").await;
    viewer.is_told(r#"{"type":"ended","code":0}"#).await;
    assert!(viewer.has_seen("HOME=/canary-home") && viewer.has_seen("TERM=xterm-256color"));
    assert!(!viewer.has_seen("CANARY_SECRET") && !viewer.has_seen("canary-5e1f"));
}

#[tokio::test]
async fn the_size_is_that_of_who_may_type_and_asked_last() {
    let server = shell("typing = 'first'");
    let mut viewer = Viewer::join(&server, "/t").await;
    let mut other = Viewer::again(&server, "/t", &viewer.id).await;
    viewer.types("stty size\n").await;
    viewer.sees("24 80").await;
    other.says(r#"{"type":"size","columns":50,"rows":5}"#).await;
    other.leave().await;
    viewer.says(r#"{"type":"size","columns":1001,"rows":5}"#).await;
    viewer.says(r#"{"type":"size","columns":100,"rows":30}"#).await;
    viewer.is_told(r#"{"type":"size","columns":100,"rows":30}"#).await;
    viewer.types("stty size\n").await;
    viewer.sees("30 100").await;
    assert!(!viewer.has_seen("5 50"));
}

#[tokio::test]
async fn who_comes_back_finds_the_same_screen_and_types_on() {
    let server = shell("typing = 'first'");
    let mut viewer = Viewer::join(&server, "/t").await;
    let shell = viewer.shell().await;
    viewer.types("echo marker-$((40+2)); echo -e '\\033[32mgreen\\033[0m'; X=kept\n").await;
    viewer.sees("marker-42").await;
    viewer.sees("\u{1B}[32mgreen").await;
    let id = viewer.id.clone();
    viewer.leave().await;
    let mut viewer = Viewer::again(&server, "/t", &id).await;
    assert!(viewer.may_type && viewer.has_seen("marker-42") && viewer.has_seen("\u{1B}[32mgreen"));
    viewer.types("echo $X-$$.\n").await;
    viewer.sees(&format!("kept-{shell}.")).await;
}

#[tokio::test]
async fn a_second_viewer_sees_all_and_types_nothing() {
    let server = shell("typing = 'first'");
    let mut first = Viewer::join(&server, "/t").await;
    let mut second = Viewer::again(&server, "/t", &first.id).await;
    assert!(first.may_type && !second.may_type);
    first.is_told(r#""names":["127.0.0.1","127.0.0.1"]"#).await;
    let listed = sessions(&server);
    assert_eq!(listed[0]["command"], "bash");
    assert_eq!(listed[0]["viewers"].as_array().unwrap().len(), 2);
    assert_eq!(listed[0]["id"], first.id.as_str());
    second.types("echo intruder-$((1+1))\n").await;
    second.says(r#"{"type":"end"}"#).await;
    second.leave().await;
    let mut second = Viewer::again(&server, "/t", &first.id).await;
    first.types("echo first-$((2+2))\n").await;
    first.sees("first-4").await;
    second.sees("first-4").await;
    assert!(!first.has_seen("intruder") && !second.has_seen("intruder"));
    // When the first is gone, the next line of the same person types.
    first.leave().await;
    second.is_told(r#""may_type":true"#).await;
    second.types("echo second-$((3+3))\n").await;
    second.sees("second-6").await;
}

#[tokio::test]
async fn nobody_types_unless_that_is_written() {
    let server = shell("");
    let mut viewer = Viewer::join(&server, "/t").await;
    assert!(!viewer.may_type);
    viewer.types("exit 7\n").await;
    viewer.says(r#"{"type":"end"}"#).await;
    let id = viewer.id.clone();
    viewer.leave().await;
    let viewer = Viewer::again(&server, "/t", &id).await;
    assert!(!viewer.has_seen("exit"));
}

#[tokio::test]
async fn the_end_of_a_program_is_told_with_its_code() {
    let server = shell("typing = 'all'");
    for (command, told) in [
        ("exit 3\n", r#"{"type":"ended","code":3}"#),
        ("kill -9 $$\n", r#"{"type":"ended","signal":"KILL"}"#),
    ] {
        let mut viewer = Viewer::join(&server, "/t").await;
        viewer.types(command).await;
        viewer.is_told(told).await;
        assert!(!viewer.step().await, "it is the last");
        assert_eq!(close_code(&mut viewer.socket).await, 1000);
        assert_eq!(sessions(&server), serde_json::json!([]));
        server.wait_for_log(&[r#""audit":"ended""#, &viewer.id[..8]]);
    }
}

#[tokio::test]
async fn who_may_type_can_end_a_session_whatever_runs_in_it() {
    let server =
        shell("typing = 'first'\nending = { stdin_within = '50ms', term_within = '50ms' }");
    let mut viewer = Viewer::join(&server, "/t").await;
    let shell = viewer.shell().await;
    // One that ignores every signal it can, and one that has left the session.
    viewer.types("trap '' HUP TERM INT; setsid -f sleep 1234; echo ready-$((1+1))\n").await;
    viewer.sees("ready-2").await;
    viewer.says(r#"{"type":"end"}"#).await;
    viewer.is_told(r#"{"type":"ended","signal":"KILL"}"#).await;
    assert!(!viewer.step().await);
    wait_until("the shell is gone", || !is_running(shell));
    let left = |entry: fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let own = format!("PPid:\t{}\n", server.pid());
        line == b"sleep\01234\0"
            && fs::read_to_string(entry.path().join("status")).is_ok_and(|it| it.contains(&own))
    };
    wait_until("who left it is gone", || {
        !fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(left)
    });
    server.wait_for_log(&[r#""audit":"asked_to_end""#]);
    server.wait_for_log(&[r#""audit":"ended""#, r#""why":"asked for""#]);
}

#[tokio::test]
async fn a_session_ends_when_nobody_watches_for_too_long() {
    let server = shell("typing = 'first'\nkeep = '200ms'");
    let mut viewer = Viewer::join(&server, "/t").await;
    let shell = viewer.shell().await;
    let id = viewer.id.clone();
    viewer.leave().await;
    wait_until("the shell is gone", || !is_running(shell));
    wait_until("it is not listed", || sessions(&server) == serde_json::json!([]));
    server.wait_for_log(&[r#""audit":"ended""#, r#""why":"nobody watched""#]);
    let mut socket = server.connect(&format!("/t?session={id}")).await;
    assert_eq!(close_code(&mut socket).await, 4404);
}

#[tokio::test]
async fn a_session_lives_no_longer_than_it_may() {
    let server = shell("lifetime = '300ms'");
    let mut viewer = Viewer::join(&server, "/t").await;
    viewer.is_told(r#"{"type":"ended""#).await;
    server.wait_for_log(&[r#""audit":"ended""#, r#""why":"lifetime""#]);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_a_reason() {
    let server = Server::with_routes(
        "[[route]]\npath = '/t'\nservice = { kind = 'terminal', argv = ['cat'], max_sessions = 2, max_viewers = 1 }\n\
         [[route]]\npath = '/broken'\nservice = { kind = 'terminal', argv = ['/not/there/canary'] }\n",
    );
    for (path, code, reason) in [
        ("/t?session=", 4404, "there is no such session"),
        ("/t?session=0123456789abcdef0123456789abcdef", 4404, "there is no such session"),
        ("/t?session=../../etc/passwd", 4404, "there is no such session"),
        ("/broken", 1011, "the program was not started"),
    ] {
        let mut socket = server.connect(path).await;
        assert_eq!(close_code(&mut socket).await, code, "{path}");
        let said = socket.closed().unwrap().reason().to_owned();
        assert!(said.contains(reason) && !said.contains("canary"), "{path}: {said}");
    }
    let first = Viewer::join(&server, "/t").await;
    let _second = Viewer::join(&server, "/t").await;
    let mut third = server.connect("/t").await;
    assert_eq!(close_code(&mut third).await, 1013);
    assert!(third.closed().unwrap().reason().contains("max_sessions"));
    let mut third = server.connect(&format!("/t?session={}", first.id)).await;
    assert_eq!(close_code(&mut third).await, 1013);
    assert!(third.closed().unwrap().reason().contains("max_viewers"));
    let upgrade = tieline::Connect::to(server.url("/t/sessions"));
    assert_eq!(crate::server::status(upgrade).await, 404);
    assert!(server.get("/t").starts_with("HTTP/1.1 426"));
    assert!(server.get("/t/other").starts_with("HTTP/1.1 404"));
    assert!(server.get("/t/recordings").starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn where_there_is_one_session_only_all_share_it() {
    let server = shell("typing = 'all'\nmax_sessions = 1");
    let mut first = Viewer::join(&server, "/t").await;
    let mut second = Viewer::join(&server, "/t").await;
    assert_eq!(first.id, second.id);
    second.types("echo both-$((4+4))\n").await;
    first.sees("both-8").await;
}

#[tokio::test]
async fn a_flood_keeps_memory_flat_and_who_did_not_read_is_painted_the_screen() {
    let line = "x".repeat(70);
    let server = Server::with_routes(&format!(
        "[[route]]\npath = '/t'\n[route.service]\nkind = 'terminal'\noutput = '67108864/1s'\n\
         argv = ['sh', '-c', 'read go; yes {line} | head -c 33554432; echo; echo done-$((3+4)); read go']\n\
         typing = 'first'\nmax_sessions = 1\n",
    ));
    let mut reader = Viewer::join(&server, "/t").await;
    let mut sleeper = Viewer::join(&server, "/t").await;
    let before = server.resident_kib();
    reader.types("\n").await;
    let mut most = before;
    while !reader.has_seen("done-7") {
        reader.output.drain(..reader.output.len().saturating_sub(64));
        assert!(reader.step().await);
        most = most.max(server.resident_kib());
    }
    // 32 MiB went by, and the sleeper has taken none of it.
    assert!(most - before < 12 << 10, "{before} KiB before, {most} KiB then");
    sleeper.sees("done-7").await;
    assert!(sleeper.output.len() < 16 << 20, "{}", sleeper.output.len());
    sleeper.is_told(r#"{"type":"size","columns":80,"rows":24}"#).await;
}

#[tokio::test]
async fn sessions_are_recorded_and_nothing_else_is_fetched() {
    let casts = folder().join("casts");
    let server = shell(&format!(
        "typing = 'first'\nrecord = {{ folder = '{}', input = true }}",
        casts.display()
    ));
    assert_eq!(body(&server.get("/t/recordings")), "[]");
    let mut viewer = Viewer::join(&server, "/t").await;
    assert_eq!(sessions(&server)[0]["recorded"], true);
    viewer.says(r#"{"type":"size","columns":100,"rows":30}"#).await;
    viewer.is_told(r#""columns":100"#).await;
    viewer.types("echo cast-$((5+5)); exit\n").await;
    viewer.is_told(r#"{"type":"ended","code":0}"#).await;
    let list: serde_json::Value = serde_json::from_str(body(&server.get("/t/recordings"))).unwrap();
    let name = list[0]["name"].as_str().unwrap();
    assert!(!name.contains(&viewer.id[..8]), "a name opens no session");
    let answer = server.get(&format!("/t/recordings/{name}"));
    assert!(answer.contains("application/x-asciicast"), "{answer}");
    let cast = body(&answer);
    assert_eq!(cast.len() as u64, list[0]["bytes"].as_u64().unwrap());
    let lines: Vec<serde_json::Value> =
        cast.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["version"], &lines[0]["width"]), (&2.into(), &80.into()));
    let of = |kind: &str| -> String {
        let events = lines[1..].iter().filter(|line| line[1] == kind);
        events.map(|line| line[2].as_str().unwrap()).collect()
    };
    assert!(of("o").contains("cast-10"), "{cast}");
    assert_eq!(of("i"), "echo cast-$((5+5)); exit\n");
    assert_eq!(of("r"), "100x30");

    fs::write(casts.join("../secret"), "canary-secret").unwrap();
    fs::write(casts.join("secret"), "canary-secret").unwrap();
    for path in [
        "/t/recordings/secret",
        "/t/recordings/../secret",
        "/t/recordings/..%2fsecret",
        "/t/recordings/%2e%2e/secret",
        "/t/recordings/..%5csecret",
        "/t/recordings//etc/passwd",
        "/t/recordings/%2fetc%2fpasswd",
        "/t/recordings/",
        "/t/recordingsx",
        &format!("/t/recordings/{name}/"),
        &format!("/t/recordings/{name}%00"),
    ] {
        let answer = server.get(path);
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
        assert!(!answer.contains("canary"), "{path}");
    }
}

#[tokio::test]
async fn everything_is_behind_the_routes_access_and_origins() {
    let tokens = folder().join("tokens");
    fs::write(&tokens, "alice alice-0123456789\nbob bob-0123456789ab\n").unwrap();
    let server = Server::with_routes(&format!(
        "[[route]]\npath = '/t'\naccess = {{ kind = 'token', file = '{}' }}\n\
         service = {{ kind = 'terminal', argv = ['cat'], typing = 'first' }}\n",
        tokens.display()
    ));
    for path in ["/t", "/t/sessions", "/t/recordings"] {
        assert!(server.get(path).starts_with("HTTP/1.1 401"), "{path}");
    }
    assert_eq!(server.status_for_origin("/t", "https://evil.test").await, 403);
    let join = async |token: &str, path: &str| {
        let request = tieline::Connect::to(server.url(path));
        let request = request.header("authorization", format!("Bearer {token}"));
        let mut socket = request.open().await.unwrap();
        (crate::server::next(&mut socket).await, socket)
    };
    let (first, _alice) = join("alice-0123456789", "/t").await;
    assert!(first.contains(r#""may_type":true"#));
    let id = serde_json::from_str::<serde_json::Value>(&first).unwrap()["id"].clone();
    let path = format!("/t?session={}", id.as_str().unwrap());
    let (second, _bob) = join("bob-0123456789ab", &path).await;
    assert!(second.contains(r#""may_type":false"#), "{second}");
    server.wait_for_log(&[r#""audit":"opened""#, r#""name":"alice""#]);
    server.wait_for_log(&[r#""audit":"joined""#, r#""name":"bob""#]);
    assert!(!server.log().contains(id.as_str().unwrap()), "an id is not in the log");
}

#[tokio::test]
async fn what_is_typed_is_logged_only_where_that_is_wanted() {
    for (setting, is_logged) in [("", false), ("audit_input = true", true)] {
        let server = shell(&format!("typing = 'first'\n{setting}"));
        let mut viewer = Viewer::join(&server, "/t").await;
        viewer.types("echo canary-$((6+6))\n").await;
        viewer.sees("canary-12").await;
        viewer.leave().await;
        server.wait_for_log(&[r#""audit":"left""#]);
        assert_eq!(server.log().contains(r"echo canary-$((6+6))\\n"), is_logged, "{setting}");
        assert!(!server.log().contains("canary-12"));
    }
}

#[tokio::test]
async fn when_the_server_stops_its_sessions_end() {
    let mut server = shell("typing = 'first'");
    let mut viewer = Viewer::join(&server, "/t").await;
    let shell = viewer.shell().await;
    server.signal("TERM");
    assert_eq!(close_code(&mut viewer.socket).await, 1001);
    assert!(server.wait().success());
    assert!(!is_running(shell), "the shell has outlived the server");
}
