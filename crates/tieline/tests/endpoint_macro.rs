//! Endpoints declared by attribute, at both ends.
#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::future::pending;

use serde::{Deserialize, Serialize};
use tieline::bytes::Bytes;
use tieline::endpoint::{self, Endpoints, Json, Line, LineError, endpoint};
use tieline::http::StatusCode;
use tieline::{
    Answer, CloseCode, Closed, Connect, ConnectError, Limits, Refusal, Request, WebSocket,
};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

#[derive(Deserialize, Serialize)]
struct Said {
    text: String,
}

/// A room where all hear what one says.
#[derive(Clone)]
struct Room {
    all: watch::Sender<String>,
    heard: watch::Receiver<String>,
    log: mpsc::UnboundedSender<String>,
}

#[endpoint(path = "/rooms/{room}", params(room = u32), subprotocols = ["room.v1"])]
impl Room {
    #[request]
    fn admit(&self, request: &Request, answer: Answer) -> Result<Answer, Refusal> {
        match request.header("x-key") {
            Some("open") => Ok(answer),
            _ => Err(StatusCode::UNAUTHORIZED.into()),
        }
    }

    #[open]
    async fn enter(&mut self, line: &mut Line) -> Result<(), LineError> {
        let room: u32 = line.param("room").expect("checked before the handshake");
        line.send(format!("room {room}").into()).await
    }

    #[message]
    async fn said(&mut self, _line: &mut Line, Json(said): Json<Said>) -> Result<(), LineError> {
        self.all.send_replace(said.text);
        Ok(())
    }

    #[message]
    async fn picture(&mut self, line: &mut Line, picture: Bytes) -> Result<(), LineError> {
        line.send_any(vec![picture.len() as u8]).await
    }

    #[push]
    async fn hear(&mut self) -> String {
        self.heard.changed().await.expect("the room holds its sender");
        self.heard.borrow_and_update().clone()
    }

    #[error]
    fn failed(&mut self, error: &LineError) {
        self.log.send(format!("error: {error}")).expect("the test listens");
    }

    #[close]
    async fn left(&mut self, how: &Closed) {
        self.log.send(format!("left: {how}")).expect("the test listens");
    }
}

async fn serve() -> (String, mpsc::UnboundedReceiver<String>) {
    let (all, heard) = watch::channel(String::new());
    let (log, lines) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("ws://{}", listener.local_addr().unwrap());
    let set = Endpoints::new().declare(Room { all, heard, log }).unwrap();
    tokio::spawn(set.serve(listener, pending()));
    (base, lines)
}

async fn enter(base: &str, room: &str) -> Result<WebSocket<tieline::ClientStream>, ConnectError> {
    let url = format!("{base}/rooms/{room}");
    Connect::to(url).subprotocol("room.v1").header("x-key", "open").open().await
}

#[tokio::test]
async fn messages_go_to_the_method_of_their_type() {
    let (base, mut log) = serve().await;
    let (mut ada, mut bob) = (enter(&base, "7").await.unwrap(), enter(&base, "7").await.unwrap());
    assert_eq!(ada.protocol(), "room.v1");
    for socket in [&mut ada, &mut bob] {
        assert_eq!(socket.next().await.unwrap().unwrap(), "room 7".into());
    }
    ada.send(r#"{"text":"hello"}"#).await.unwrap();
    for socket in [&mut ada, &mut bob] {
        assert_eq!(socket.next().await.unwrap().unwrap(), "hello".into(), "pushed to all");
    }
    ada.send(vec![0; 9]).await.unwrap();
    assert_eq!(ada.next().await.unwrap().unwrap(), vec![9].into());
    ada.close(CloseCode::new(4000), "bye").await.unwrap();
    assert_eq!(log.recv().await.unwrap(), "left: closed with 4000 (private use): bye");
}

#[tokio::test]
async fn what_no_method_can_read_closes_with_1007() {
    let (base, mut log) = serve().await;
    let mut socket = enter(&base, "1").await.unwrap();
    socket.next().await.unwrap().unwrap();
    socket.send("no JSON").await.unwrap();
    assert!(socket.next().await.is_none());
    assert_eq!(socket.closed().unwrap().code(), CloseCode::INVALID_DATA);
    assert_eq!(log.recv().await.unwrap(), "error: the peer sent what is not taken here");
    assert!(log.recv().await.unwrap().starts_with("left: "));
}

#[tokio::test]
async fn the_handshake_is_checked_by_parameters_and_by_the_configurator() {
    let (base, _log) = serve().await;
    let refused = |result: Result<_, ConnectError>| match result {
        Err(ConnectError::Refused(refused)) => refused.status,
        other => panic!("{other:?}"),
    };
    let plain = Connect::to(format!("{base}/rooms/1")).open().await;
    assert_eq!(refused(plain), StatusCode::UNAUTHORIZED);
    assert_eq!(refused(enter(&base, "attic").await), StatusCode::NOT_FOUND);
}

/// Both ends push far more than any buffer holds; neither reads less for it.
#[derive(Clone)]
struct Talker {
    left: usize,
    heard: usize,
}

#[endpoint(path = "/", limits = Limits { max_message_bytes: 1 << 20, ..Limits::default() })]
impl Talker {
    #[push]
    async fn talk(&mut self) -> Vec<u8> {
        if self.left == 0 {
            pending::<()>().await;
        }
        self.left -= 1;
        vec![7; 1 << 20]
    }

    #[message]
    async fn listen(&mut self, line: &mut Line, bytes: Bytes) -> Result<(), LineError> {
        self.heard += bytes.len();
        if self.heard == 16 << 20 {
            line.close(CloseCode::NORMAL, "").await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn two_ends_that_both_push_do_not_wait_for_each_other() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("ws://{}", listener.local_addr().unwrap());
    // The server never has enough: the client ends it, once it has heard all.
    let server = Endpoints::new().declare(Talker { left: 16, heard: 1 }).unwrap();
    tokio::spawn(server.serve(listener, pending()));
    endpoint::connect(Talker { left: 16, heard: 0 }, &base, &[]).await.unwrap().unwrap();
}

/// The client's end, declared as well.
#[derive(Clone)]
struct Visitor {
    heard: mpsc::UnboundedSender<String>,
}

#[endpoint(path = "/rooms/{room}", subprotocols = ["room.v1"])]
impl Visitor {
    #[connect]
    fn with_key(&self, connect: Connect) -> Connect {
        connect.header("x-key", "open")
    }

    #[message]
    async fn hear(&mut self, line: &mut Line, text: String) -> Result<(), LineError> {
        self.heard.send(text.clone()).expect("the test listens");
        match text.as_str() {
            "room 3" => line.send_any(Json(Said { text: "from the visitor".into() })).await,
            _ => line.close(CloseCode::NORMAL, "heard enough").await,
        }
    }
}

#[tokio::test]
async fn a_declared_client_speaks_with_a_declared_server() {
    let (base, mut log) = serve().await;
    let (heard, mut hearing) = mpsc::unbounded_channel();
    endpoint::connect(Visitor { heard }, &base, &[("room", "3")]).await.unwrap().unwrap();
    assert_eq!(hearing.recv().await.unwrap(), "room 3");
    assert_eq!(hearing.recv().await.unwrap(), "from the visitor");
    assert_eq!(log.recv().await.unwrap(), "left: closed with 1000 (normal closure): heard enough");
}
