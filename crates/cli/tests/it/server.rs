//! A server of one's own for each test, and the ways to speak to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tieline::{ClientStream, Connect, Message, WebSocket};

/// Longest time that anything may take before a test fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Socket = WebSocket<ClientStream>;

/// The program, not yet started, without the variables of whoever runs the tests.
pub(crate) fn tieline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tieline"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TIELINE_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).env("NO_COLOR", "1");
    command
}

/// Runs the program to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    tieline().args(args).output().unwrap()
}

/// A running server; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// What it said it listens on, without `listening on`; behind them the operator's side, and the ticket.
    pub(crate) addresses: Vec<String>,
    log: Arc<Log>,
}

/// The server's standard error, line by line.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    changed: Condvar,
}

impl Server {
    /// `tieline serve` on a free port, with these arguments more.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut all = vec!["--listen", "127.0.0.1:0"];
        all.extend(args);
        Self::start_as_told(&all, 1)
    }

    /// `tieline serve` with a configuration of one listener on a free port, and `routes`.
    pub(crate) fn with_routes(routes: &str) -> Self {
        let folder = folder();
        let file = folder.join("tieline.toml");
        std::fs::write(&file, format!("workers = 2\n{routes}")).unwrap();
        Self::start(&["--config", file.to_str().unwrap()])
    }

    /// `tieline serve` with these arguments and no others; waits for this many listeners, the
    /// operator's among them.
    pub(crate) fn start_as_told(args: &[&str], listeners: usize) -> Self {
        let mut command = tieline();
        command.arg("serve").args(["--log-level", "debug"]).args(args);
        Self::spawn(&mut command, listeners)
    }

    pub(crate) fn spawn(command: &mut Command, listeners: usize) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Log::default());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let filled = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                filled.lines.lock().unwrap().push(line);
                filled.changed.notify_all();
            }
        });
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let addresses: Vec<_> = stdout
            .lines()
            .map_while(Result::ok)
            .take(listeners)
            .map(|line| {
                let address = line.strip_prefix("listening on ");
                let address = address.or_else(|| line.strip_prefix("operator at "));
                address.or_else(|| line.strip_prefix("ticket ")).unwrap().to_owned()
            })
            .collect();
        assert_eq!(addresses.len(), listeners, "log: {:?}", log.lines.lock().unwrap());
        Self { child, addresses, log }
    }

    /// `ws://…` for a path, or `wss://…` where the first listener has TLS.
    pub(crate) fn url(&self, path: &str) -> String {
        let address = &self.addresses[0];
        format!("{}{path}", address.replacen("http", "ws", 1))
    }

    /// IP and port of the first listener.
    pub(crate) fn host(&self) -> &str {
        self.addresses[0].split_once("://").unwrap().1
    }

    pub(crate) async fn connect(&self, path: &str) -> Socket {
        tieline::connect(&self.url(path)).await.unwrap()
    }

    /// A request with this origin; the status of the answer, 101 for a line.
    pub(crate) async fn status_for_origin(&self, path: &str, origin: &str) -> u16 {
        status(Connect::to(self.url(path)).origin(origin)).await
    }

    /// Sends bytes over a connection of their own and answers all that comes back.
    pub(crate) fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.open();
        stream.write_all(bytes.as_ref()).unwrap();
        read_all(&mut stream)
    }

    /// A bare connection.
    pub(crate) fn open(&self) -> TcpStream {
        let stream = TcpStream::connect(self.host()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// One GET; the whole answer.
    pub(crate) fn get(&self, path: &str) -> String {
        let host = self.host();
        self.exchange(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for a line of the log that holds all of `words`, and answers it.
    pub(crate) fn wait_for_log(&self, words: &[&str]) -> String {
        let is_it = |line: &&String| words.iter().all(|word| line.contains(word));
        let lines = self.log.lines.lock().unwrap();
        let (lines, timeout) = self
            .log
            .changed
            .wait_timeout_while(lines, PATIENCE, |lines| !lines.iter().any(|line| is_it(&line)))
            .unwrap();
        assert!(!timeout.timed_out(), "no line with {words:?} in {lines:#?}");
        lines.iter().find(is_it).unwrap().clone()
    }

    /// Everything logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lines.lock().unwrap().join("\n")
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the kernel says that it holds in memory, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Most tests leave it running; those that do not have waited for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads to the end; a connection that is reset counts as ended.
pub(crate) fn read_all(stream: &mut impl Read) -> String {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status that answers an upgrade, 101 for a line.
pub(crate) async fn status(request: Connect) -> u16 {
    match request.open().await {
        Ok(_) => 101,
        Err(tieline::ConnectError::Refused(refused)) => refused.status.as_u16(),
        Err(error) => panic!("{error:?}"),
    }
}

/// The next message, as text.
pub(crate) async fn next(socket: &mut Socket) -> String {
    let message = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
    match message.unwrap().unwrap() {
        Message::Text(text) => text.to_string(),
        Message::Binary(bytes) => panic!("{} bytes, not text", bytes.len()),
    }
}

/// The code with which the server closes, once nothing more comes.
pub(crate) async fn close_code(socket: &mut Socket) -> u16 {
    let ended = async { while socket.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
    socket.closed().unwrap().code().get()
}

/// A folder of one's own, new and empty.
pub(crate) fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
