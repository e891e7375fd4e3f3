//! Peers that do not read, where their channels may be skipped, over real sockets.

use serde_json::{Value, json};
use tieline::client::{Event, Reason};
use tieline::{ClientStream, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::server::{Server, to};
use super::wire::Wire;
use super::{PATIENCE, next, publication};

/// More than the system and a backlog hold for a peer that does not read, in publications of this size.
const MANY: u64 = 600;
const BYTES: usize = 40_000;

const NEWS: &str = "[operator]\naddress = '127.0.0.1:0'\n\
    [namespace.news]\npublish = 'all'\npatterns = true\nslow = 'skip'\n\
    [namespace.chat]\npublish = 'all'\n";

/// A line whose peer reads when it is told to.
struct Line<S>(WebSocket<S>);

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Line<S> {
    async fn call(&mut self, id: u64, method: &str, params: Value) {
        let call = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.0.send(call.to_string()).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        let message = timeout(PATIENCE, self.0.next()).await.unwrap();
        serde_json::from_str(message.expect("the line lives").unwrap().text().unwrap()).unwrap()
    }

    /// Connects, and subscribes.
    async fn begin(mut self) -> Self {
        self.call(1, "connect", json!({})).await;
        self.call(2, "subscribe", json!({ "channel": "news:a" })).await;
        self.call(3, "subscribe", json!({ "channel": "chat:a" })).await;
        for id in 1..=3 {
            assert_eq!(self.hear().await["id"], id);
        }
        self
    }

    /// Reads what came before the gap, the answer to a call that was made meanwhile, and the gap.
    async fn read_to_gap(&mut self) {
        for offset in 1.. {
            let heard = self.hear().await;
            if heard["id"] == 4 {
                assert!(1 < offset && offset < MANY, "{offset}");
                break;
            }
            assert_eq!(heard["params"]["offset"], offset, "none is missing before the gap");
        }
        let heard = self.hear().await;
        assert_eq!((&heard["method"], &heard["params"]["reason"]), (&json!("gap"), &json!("slow")));
        assert_eq!(heard["params"]["position"]["offset"], MANY);
    }
}

async fn over_websocket(server: &Server) -> Line<ClientStream> {
    let url = format!("ws://{}/tieline", server.address);
    Line(tieline::connect(&url).await.unwrap()).begin().await
}

/// A line that hyper opens, on a connection over which something else was asked before.
async fn over_hyper(server: &Server) -> Line<TcpStream> {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let first = format!("GET /nothing HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    stream.write_all(first.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    let url = format!("ws://{}/tieline", server.address);
    let socket = tieline::Connect::to(url).over(stream).await.unwrap();
    Line(socket).begin().await
}

/// Floods a channel while somebody reads all of it, and answers what is then counted.
async fn flood(server: &Server) -> String {
    let client = server.client().await;
    let mut hearer = client.subscribe("news:a").await.unwrap();
    let data = "x".repeat(BYTES);
    for offset in 1..=MANY {
        client.publish("news:a", &data).await.unwrap();
        assert_eq!(publication(&mut hearer).await.offset, offset);
    }
    let url = format!("http://{}/metrics", server.operator.unwrap());
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

fn counted(metrics: &str, name: &str) -> u64 {
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("{name} is not counted\n{metrics}"))
}

#[tokio::test]
async fn the_line_of_a_peer_that_does_not_read_lives_and_it_is_told_of_the_gap() {
    let server = Server::start(NEWS).await;
    let mut link = over_websocket(&server).await;
    let mut line = over_hyper(&server).await;
    let metrics = flood(&server).await;
    assert!(counted(&metrics, "tieline_backlog_bytes") > 1_000_000, "{metrics}");
    link.call(4, "ping", json!({})).await;
    line.call(4, "ping", json!({})).await;
    let client = server.client().await;
    link.read_to_gap().await;
    line.read_to_gap().await;
    for channel in ["news:a", "chat:a"] {
        client.publish(channel, &1).await.unwrap();
        for heard in [link.hear().await, line.hear().await] {
            assert_eq!(heard["params"]["channel"], channel);
            let offset = if channel == "news:a" { MANY + 1 } else { 1 };
            assert_eq!(heard["params"]["offset"], offset);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn the_client_hands_the_gap_on_and_needs_no_other_line() {
    let server = Server::start(NEWS).await;
    let wire = Wire::to(server.address).await;
    let client = to(wire.address).max_waiting(10_000, 1 << 30).connect().await.unwrap();
    let mut slow = client.subscribe("news:a").await.unwrap();
    let mut all = client.subscribe("news:*").await.unwrap();
    wire.hold();
    flood(&server).await;
    wire.release();
    for subscription in [&mut slow, &mut all] {
        let mut before = 0;
        let gap = loop {
            match next(subscription).await {
                Event::Publication(_) => before += 1,
                Event::Gap(gap) => break gap,
                event => panic!("{event:?}"),
            }
        };
        assert!(before < MANY, "{before}");
        assert_eq!(gap.reason, Reason::Slow);
    }
    assert_eq!(slow.position().unwrap().offset, MANY);
    server.client().await.publish("news:a", &1).await.unwrap();
    assert_eq!(publication(&mut slow).await.offset, MANY + 1);
    assert_eq!(publication(&mut all).await.offset, MANY + 1);
    assert_eq!(wire.lines(), 1);
    server.stop().await;
}
