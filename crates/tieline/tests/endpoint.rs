//! Endpoints built in code: paths, types, subprotocols, and who may change the handshake.
#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::future::pending;
use std::pin::Pin;

use tieline::bytes::Bytes;
use tieline::endpoint::{Decode, DecodeError, Endpoint, Endpoints, Line, LineError, PathError};
use tieline::http::StatusCode;
use tieline::{AcceptOptions, CloseCode, Connect, ConnectError, Limits, Message, Refusal};
use tokio::net::TcpListener;

async fn serve(endpoints: Endpoints) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(endpoints.serve(listener, pending()));
    base
}

type Text = Line<String, String>;
type Served = Pin<Box<dyn Future<Output = Result<(), LineError>> + Send>>;

/// Says its name and what it hears.
fn named(name: &'static str) -> impl Fn(Text) -> Served {
    move |mut line| {
        Box::pin(async move {
            while let Some(said) = line.next().await {
                line.send(format!("{name}: {}", said?)).await?;
            }
            Ok(())
        })
    }
}

async fn ask(base: &str, path: &str) -> Result<String, StatusCode> {
    let mut socket = match Connect::to(format!("{base}{path}")).open().await {
        Ok(socket) => socket,
        Err(ConnectError::Refused(refused)) => return Err(refused.status),
        Err(error) => panic!("{error}"),
    };
    socket.send("?").await.unwrap();
    Ok(socket.next().await.unwrap().unwrap().text().unwrap().to_owned())
}

#[tokio::test]
async fn each_path_has_its_endpoint_and_given_segments_beat_parameters() {
    let text = Endpoint::<String, String>::at;
    let endpoints = Endpoints::new()
        .add(text("/{room}"), named("a room"))
        .unwrap()
        .add(text("/"), named("the root"))
        .unwrap()
        .add(text("/lobby"), named("the lobby"))
        .unwrap()
        .add(text("/{room}/{seat}").param::<u8>("seat"), named("a seat"))
        .unwrap();
    let base = serve(endpoints).await;
    for (path, answer) in [
        ("/", Ok("the root: ?")),
        ("/lobby", Ok("the lobby: ?")),
        ("/attic", Ok("a room: ?")),
        ("/attic/200", Ok("a seat: ?")),
        ("/attic/300", Err(StatusCode::NOT_FOUND)),
        ("/attic/2/3", Err(StatusCode::NOT_FOUND)),
    ] {
        assert_eq!(ask(&base, path).await.as_deref(), answer.as_ref().map(|a| *a), "{path}");
    }
}

#[test]
fn two_endpoints_on_one_path_are_refused() {
    let text = Endpoint::<String, String>::at;
    let endpoints = Endpoints::new().add(text("/a/{b}"), named("one")).unwrap();
    let refused = endpoints.add(text("/a/{c}"), named("two")).unwrap_err();
    assert_eq!(refused, PathError::Duplicate("/a/{c}".into()));
    let refused = Endpoints::new().add(text("a"), named("bad")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "\"a\" is no path: write it as /rooms/{room}, a parameter a segment"
    );
}

#[tokio::test]
async fn both_ends_are_typed_and_agree_on_a_subprotocol() {
    let room = Endpoint::<String, Bytes>::at("/{room}").subprotocol("v2").subprotocol("v1");
    let server = Endpoints::new().add(room.clone(), |mut line| async move {
        let room: String = line.param("room").unwrap();
        while let Some(said) = line.next().await {
            line.send(format!("{room} {} {}", line.protocol(), said?).into()).await?;
        }
        Ok(())
    });
    let base = serve(server.unwrap()).await;
    let mut line = room.connect(&base, &[("room", "a b/c")]).await.unwrap();
    line.send("hello".into()).await.unwrap();
    assert_eq!(line.next().await.unwrap().unwrap(), "a b/c v2 hello");
    assert_eq!(line.param::<String>("room").as_deref(), Some("a b/c"));
    line.close(CloseCode::NORMAL, "").await.unwrap();

    let old = Connect::to(format!("{base}/x")).subprotocol("v1").open().await.unwrap();
    assert_eq!(old.protocol(), "v1");
}

struct Even;

impl Decode for Even {
    fn decode(message: Message) -> Result<Self, DecodeError> {
        match String::decode(message)?.len() % 2 {
            0 => Ok(Self),
            _ => Err(DecodeError::invalid("it is odd")),
        }
    }
}

#[tokio::test]
async fn what_cannot_be_decoded_closes_with_1007_and_a_wrong_kind_with_1003() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let even = Endpoint::<Even, Message>::at("/");
    let server = Endpoints::new().on_error(move |error| tell.send(format!("{error:?}")).unwrap());
    let server = server.add(even, |mut line| async move {
        while let Some(said) = line.next().await {
            let Even = said?;
        }
        Ok(())
    });
    let base = serve(server.unwrap()).await;
    for (message, code) in [
        (Message::from("odd"), CloseCode::INVALID_DATA),
        (Message::from(vec![1, 2]), CloseCode::UNSUPPORTED),
    ] {
        let mut socket = tieline::connect(&base).await.unwrap();
        socket.send("even").await.unwrap();
        socket.send(message).await.unwrap();
        assert!(socket.next().await.is_none());
        assert_eq!(socket.closed().unwrap().code(), code);
        assert!(told.recv().await.unwrap().contains("Decode"));
    }
}

#[tokio::test]
async fn configurators_change_the_handshake_at_both_ends() {
    let secret = Endpoint::<String, String>::at("/").on_request(|request, mut answer| {
        if request.header("x-key") != Some("open") {
            return Err(Refusal::from(StatusCode::UNAUTHORIZED));
        }
        answer.headers.insert("x-seen", "yes".parse().expect("a valid value"));
        Ok(answer)
    });
    let base = serve(Endpoints::new().add(secret.clone(), named("in")).unwrap()).await;
    assert_eq!(ask(&base, "/").await, Err(StatusCode::UNAUTHORIZED));
    let client = secret.on_connect(|connect| connect.header("x-key", "open"));
    let mut line = client.connect(&base, &[]).await.unwrap();
    line.send("?".into()).await.unwrap();
    assert_eq!(line.next().await.unwrap().unwrap(), "in: ?");
}

#[tokio::test]
async fn limits_are_the_endpoints_and_where_it_says_none_the_sets() {
    let limits = |max_message_bytes| Limits { max_message_bytes, ..Limits::default() };
    let options = AcceptOptions { limits: limits(4), ..AcceptOptions::default() };
    let set = Endpoints::new().options(options);
    let set = set.add(Endpoint::at("/set"), named("set")).unwrap();
    let own = Endpoint::at("/own").limits(limits(8));
    let base = serve(set.add(own, named("own")).unwrap()).await;
    for (path, fits, too_big) in [("/set", 4, 5), ("/own", 8, 9)] {
        let mut socket = tieline::connect(&format!("{base}{path}")).await.unwrap();
        socket.send("x".repeat(fits)).await.unwrap();
        assert!(socket.next().await.unwrap().is_ok(), "{path}");
        socket.send("x".repeat(too_big)).await.unwrap();
        assert!(socket.next().await.is_none(), "{path}");
        assert_eq!(socket.closed().unwrap().code(), CloseCode::TOO_BIG);
    }
}

#[tokio::test]
async fn serving_ends_once_it_is_told_to_and_its_lines_have_ended() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("ws://{}", listener.local_addr().unwrap());
    let endpoint = Endpoint::<String, String>::at("/");
    let set = Endpoints::new().add(endpoint, named("here")).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async { stopped.await.unwrap_or_default() };
    let server = tokio::spawn(set.serve(listener, shutdown));
    let mut socket = tieline::connect(&base).await.unwrap();
    stop.send(()).unwrap();
    socket.send("still").await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), "here: still".into());
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    server.await.unwrap();
}
