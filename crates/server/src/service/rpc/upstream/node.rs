//! A node for tests: a real server in the same process, with a chain that tests lengthen by hand.
//!
//! It hears WebSockets or a Unix socket, and knows `eth_chainId`, `eth_getBlockByNumber`,
//! `eth_getLogs`, `eth_subscribe` for `newHeads` and `logs`, and `eth_unsubscribe`. What else it is
//! asked waits until the test answers it. It remembers all that it is asked.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tieline::Message;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::options::Address;

/// A node.
pub(super) struct Node {
    ears: Ears,
    place: Place,
    lines: Option<JoinSet<()>>,
}

/// What all its lines share.
#[derive(Clone)]
struct Ears {
    state: Arc<Mutex<State>>,
    /// Raised with everything that is asked.
    asked: watch::Sender<usize>,
}

enum Place {
    Tcp(std::net::SocketAddr),
    Unix(PathBuf),
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

#[derive(Default)]
struct State {
    chain: Vec<Block>,
    requests: Vec<Value>,
    next_subscription: u64,
    subscriptions: Vec<Placed>,
    /// Asked, and left for the test to answer.
    open: Vec<(Value, mpsc::UnboundedSender<String>)>,
}

struct Placed {
    id: String,
    name: String,
    to: mpsc::UnboundedSender<String>,
}

#[derive(Clone)]
struct Block {
    hash: String,
    logs: usize,
}

impl Node {
    /// A node that hears WebSockets, its chain at block 0.
    pub(super) async fn websocket() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = Place::Tcp(listener.local_addr().unwrap());
        let mut node = Self::at(place);
        node.listen(Listener::Tcp(listener));
        node
    }

    /// A node that hears a Unix socket.
    pub(super) fn ipc(name: &str) -> Self {
        let name = format!("tieline-node-{}-{name}.ipc", std::process::id());
        let path = std::env::temp_dir().join(name);
        let listener = listen_at(&path);
        let mut node = Self::at(Place::Unix(path));
        node.listen(listener);
        node
    }

    fn at(place: Place) -> Self {
        let ears = Ears { state: Arc::default(), asked: watch::Sender::new(0) };
        let node = Self { ears, place, lines: None };
        node.lock().chain.push(Block { hash: "0xa0".into(), logs: 0 });
        node
    }

    pub(super) fn address(&self) -> Address {
        match &self.place {
            Place::Tcp(address) => Address::WebSocket(format!("ws://{address}/")),
            Place::Unix(path) => Address::Ipc(path.clone()),
        }
    }

    /// Goes away: all lines break, and nobody listens.
    pub(super) async fn go_away(&mut self) {
        if let Some(mut lines) = self.lines.take() {
            lines.shutdown().await;
        }
        let mut state = self.lock();
        state.subscriptions.clear();
        state.open.clear();
    }

    /// Comes back at the same place.
    pub(super) async fn come_back(&mut self) {
        let listener = match &self.place {
            Place::Tcp(address) => {
                let socket = tokio::net::TcpSocket::new_v4().unwrap();
                socket.set_reuseaddr(true).unwrap();
                socket.bind(*address).unwrap();
                Listener::Tcp(socket.listen(64).unwrap())
            }
            Place::Unix(path) => listen_at(path),
        };
        self.listen(listener);
    }

    fn listen(&mut self, listener: Listener) {
        let ears = self.ears.clone();
        let mut lines = JoinSet::new();
        lines.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let ears = ears.clone();
                match &listener {
                    Listener::Tcp(listener) => {
                        let (stream, _) = listener.accept().await.unwrap();
                        open.spawn(ears.on_websocket(stream));
                    }
                    Listener::Unix(listener) => {
                        let (stream, _) = listener.accept().await.unwrap();
                        open.spawn(ears.on_ipc(stream));
                    }
                }
            }
        });
        self.lines = Some(lines);
    }

    /// A block is mined, with so many logs.
    pub(super) fn mine(&self, hash: &str, logs: usize) {
        let mut state = self.lock();
        state.chain.push(Block { hash: hash.to_owned(), logs });
        let number = state.chain.len() - 1;
        let block = state.chain[number].clone();
        for placed in &state.subscriptions {
            match placed.name.as_str() {
                "newHeads" => push(placed, header(number, &block)),
                "logs" => {
                    for log in logs_of(number, &block) {
                        push(placed, log);
                    }
                }
                _ => {}
            }
        }
    }

    /// The chain is cut to a number of blocks; nothing is told.
    pub(super) fn cut(&self, blocks: usize) {
        self.lock().chain.truncate(blocks);
    }

    /// Pushes to every subscription of this name.
    pub(super) fn push(&self, name: &str, result: &Value) {
        let state = self.lock();
        for placed in state.subscriptions.iter().filter(|placed| placed.name == name) {
            push(placed, result.clone());
        }
    }

    /// Waits until it was asked this so many times, since the beginning.
    pub(super) async fn was_asked(&self, method: &str, times: usize) -> Vec<Value> {
        let mut asked = self.ears.asked.subscribe();
        loop {
            let found = self.asked_for(method);
            if found.len() >= times {
                return found;
            }
            asked.changed().await.unwrap();
        }
    }

    /// What it was asked with this method.
    pub(super) fn asked_for(&self, method: &str) -> Vec<Value> {
        let state = self.lock();
        state.requests.iter().filter(|request| request["method"] == method).cloned().collect()
    }

    /// Answers what was left open with this method, the last first.
    pub(super) fn answer(&self, method: &str, result: &Value) {
        let mut state = self.lock();
        let (mine, rest): (Vec<_>, _) = std::mem::take(&mut state.open)
            .into_iter()
            .partition(|(request, _)| request["method"] == method);
        state.open = rest;
        for (request, to) in mine.into_iter().rev() {
            let mut answer = json!({ "jsonrpc": "2.0", "id": request["id"] });
            answer["result"] = match result {
                // To tell whose answer it is.
                Value::Null => request["params"].clone(),
                result => result.clone(),
            };
            let _ = to.send(answer.to_string());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.ears.state.lock().unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Place::Unix(path) = &self.place {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Ears {
    async fn on_websocket(self, stream: TcpStream) {
        let Ok(socket) = tieline::accept(stream).await else { return };
        let (mut sender, mut receiver) = socket.split();
        let (to, mut texts) = mpsc::unbounded_channel();
        loop {
            tokio::select! {
                Some(text) = texts.recv() => {
                    if sender.send(Message::from(text)).await.is_err() { return }
                }
                message = receiver.next() => {
                    let Some(Ok(message)) = message else { return };
                    self.hear(&to, message.as_bytes());
                }
            }
        }
    }

    async fn on_ipc(self, stream: UnixStream) {
        let (read, mut write) = stream.into_split();
        let mut requests = BufReader::new(read).lines();
        let (to, mut texts) = mpsc::unbounded_channel::<String>();
        loop {
            tokio::select! {
                // Without a newline: values come back to back.
                Some(text) = texts.recv() => {
                    if write.write_all(text.as_bytes()).await.is_err() { return }
                }
                line = requests.next_line() => {
                    let Ok(Some(line)) = line else { return };
                    self.hear(&to, line.as_bytes());
                }
            }
        }
    }

    /// Answers what it is asked, or leaves it for the test to answer.
    fn hear(&self, to: &mpsc::UnboundedSender<String>, message: &[u8]) {
        let request: Value = serde_json::from_slice(message).unwrap();
        let mut state = self.state.lock().unwrap();
        state.requests.push(request.clone());
        let params = &request["params"];
        let result = match request["method"].as_str().unwrap() {
            "eth_chainId" => Ok(json!("0x1")),
            "eth_getBlockByNumber" => {
                let number = match params[0].as_str().unwrap() {
                    "latest" => Some(state.chain.len() - 1),
                    text => usize::from_str_radix(&text[2..], 16).ok(),
                };
                let block =
                    number.and_then(|number| Some((number, state.chain.get(number)?.clone())));
                Ok(block.map_or(Value::Null, |(number, block)| {
                    let mut block = header(number, &block);
                    block["transactions"] = json!([]);
                    block
                }))
            }
            "eth_getLogs" => {
                let at = |name: &str| {
                    usize::from_str_radix(&params[0][name].as_str().unwrap()[2..], 16).unwrap()
                };
                let blocks = state.chain.iter().enumerate();
                let blocks = blocks.skip(at("fromBlock")).take_while(|(n, _)| *n <= at("toBlock"));
                Ok(blocks.flat_map(|(number, block)| logs_of(number, block)).collect())
            }
            "eth_subscribe" if params[0] == "nothing" => Err(json!({
                "code": -32602, "message": "no such subscription",
            })),
            "eth_subscribe" => {
                state.next_subscription += 1;
                let id = format!("0x{:x}", state.next_subscription);
                let name = params[0].as_str().unwrap().to_owned();
                state.subscriptions.push(Placed { id: id.clone(), name, to: to.clone() });
                Ok(json!(id))
            }
            "eth_unsubscribe" => {
                let before = state.subscriptions.len();
                state.subscriptions.retain(|placed| params[0] != placed.id.as_str());
                Ok(json!(before > state.subscriptions.len()))
            }
            _ => {
                state.open.push((request, to.clone()));
                drop(state);
                self.asked.send_modify(|count| *count += 1);
                return;
            }
        };
        let answer = match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }),
            Err(error) => json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }),
        };
        let _ = to.send(answer.to_string());
        drop(state);
        self.asked.send_modify(|count| *count += 1);
    }
}

fn listen_at(path: &Path) -> Listener {
    // Left by an earlier one, as a node that was killed leaves it.
    let _ = std::fs::remove_file(path);
    Listener::Unix(UnixListener::bind(path).unwrap())
}

fn push(placed: &Placed, result: Value) {
    let params = json!({ "subscription": placed.id, "result": result });
    let text = json!({ "jsonrpc": "2.0", "method": "eth_subscription", "params": params });
    let _ = placed.to.send(text.to_string());
}

fn header(number: usize, block: &Block) -> Value {
    json!({ "number": format!("{number:#x}"), "hash": block.hash })
}

fn logs_of(number: usize, block: &Block) -> Vec<Value> {
    let log = |index| {
        json!({
            "blockNumber": format!("{number:#x}"),
            "blockHash": block.hash,
            "logIndex": format!("{index:#x}"),
            "removed": false,
        })
    };
    (0..block.logs).map(log).collect()
}
