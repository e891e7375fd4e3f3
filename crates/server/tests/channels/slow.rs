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

/// Who does not read for long is not given up, however slow the machine is.
const NEWS: &str = "[operator]\naddress = '127.0.0.1:0'\n\
    [namespace.news]\npublish = 'all'\npatterns = true\nslow = 'skip'\n\
    [namespace.chat]\npublish = 'all'\n\
    [[route]]\npath = '/tieline'\nservice = { kind = 'channels' }\n\
    limits = { ping_after = '10m' }\n";

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

    /// Reads up to the end of the flood: nothing is missing but before a gap, of which there is one at
    /// least. While the system still takes more there may be several.
    async fn read_flood(&mut self) {
        let (mut last, mut gaps, mut is_answered) = (0, 0, false);
        while last < MANY || !is_answered {
            let heard = self.hear().await;
            let params = &heard["params"];
            if heard["id"] == 4 {
                is_answered = true;
            } else if heard["method"] == "gap" {
                let position = params["position"]["offset"].as_u64().unwrap();
                assert!(position > last && params["reason"] == "slow", "{heard} behind {last}");
                (last, gaps) = (position, gaps + 1);
            } else {
                last += 1;
                assert_eq!(params["offset"], last);
            }
        }
        assert!((last, gaps > 0) == (MANY, true), "{gaps} gaps up to {last}");
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
    let server = Server::with(NEWS, "127.0.0.1:0").await;
    let mut link = over_websocket(&server).await;
    let mut line = over_hyper(&server).await;
    let metrics = flood(&server).await;
    assert!(counted(&metrics, "tieline_backlog_bytes") > 1_000_000, "{metrics}");
    link.call(4, "ping", json!({})).await;
    line.call(4, "ping", json!({})).await;
    let client = server.client().await;
    link.read_flood().await;
    line.read_flood().await;
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
    let server = Server::with(NEWS, "127.0.0.1:0").await;
    let wire = Wire::to(server.address).await;
    let client = to(wire.address).max_waiting(10_000, 1 << 30).connect().await.unwrap();
    let mut slow = client.subscribe("news:a").await.unwrap();
    let mut all = client.subscribe("news:*").await.unwrap();
    wire.hold();
    flood(&server).await;
    wire.release();
    // Answered behind all that waited; and once more, behind what that has set off.
    for _ in 0..2 {
        client.publish("chat:a", &0).await.unwrap();
    }
    server.client().await.publish("news:a", &1).await.unwrap();
    for (subscription, has_position) in [(&mut slow, true), (&mut all, false)] {
        let (mut last, mut gaps, mut is_behind_gap) = (0, 0, false);
        while last <= MANY {
            match next(subscription).await {
                Event::Publication(said) => {
                    let is_next = said.offset == last + 1;
                    assert!(is_next || (is_behind_gap && said.offset > last), "{}", said.offset);
                    (last, is_behind_gap) = (said.offset, false);
                }
                Event::Gap(gap) => {
                    assert_eq!((gap.reason, gap.position.is_some()), (Reason::Slow, has_position));
                    last = gap.position.map_or(last, |position| position.offset);
                    (gaps, is_behind_gap) = (gaps + 1, !has_position);
                }
                event => panic!("{event:?}"),
            }
        }
        assert!((last, gaps > 0) == (MANY + 1, true), "{gaps} gaps up to {last}");
    }
    assert_eq!(wire.lines(), 1);
    server.stop().await;
}
