//! Terminals over real lines: a shell in a real pseudo-terminal.

mod ending;
mod kept;
mod typing;

use std::path::Path;
use std::time::{Duration, Instant};

use tieline::{CloseCode, Message};

use crate::server::{PATIENCE, Server, Socket};

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
