//! Where does a server listen, and where can it not?

use std::os::unix::fs::PermissionsExt;
use std::sync::{Mutex, mpsc};

use tieline::serve::{
    Arrival, Handler, Link, ListenOptions, Message, Place, Server, ServerOptions,
};
use tieline::{Agreement, Answer, Connect, Limits, Refusal, Request};
use tokio::net::UnixStream;

use crate::raw::{Raw, TEXT, masked, request};
use crate::served::*;

#[tokio::test]
async fn a_unix_socket_carries_links_and_its_file_goes_with_the_server() {
    let folder = std::env::temp_dir().join(format!("tieline-serve-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
    let path = folder.join("socket");
    let mut server = Server::new(ServerOptions { workers: 2, ..ServerOptions::default() });
    let place = Place::Unix(path.clone());
    server.listen(&place, ListenOptions::default()).unwrap();
    assert_eq!(server.places(), [&place]);
    let second = Server::default().listen(&place, ListenOptions::default()).unwrap_err();
    assert!(second.advice().unwrap().contains("another program listens there"));

    let mut running = server.start(echo).unwrap();
    for len in [0, 10, 1 << 20] {
        let stream = UnixStream::connect(&path).await.unwrap();
        let limits = Limits { max_message_bytes: 2 << 20, ..Limits::default() };
        let request = Connect::to("ws://localhost/").limits(limits);
        let mut socket = request.over(stream).await.unwrap();
        socket.send(vec![1; len]).await.unwrap();
        assert_eq!(soon(socket.next()).await.unwrap().unwrap().len(), len);
        socket.close(tieline::CloseCode::NORMAL, "").await.unwrap();
    }
    soon(running.stop()).await.unwrap();
    drop(running);
    assert!(!path.exists());
    std::fs::remove_dir(folder).unwrap();
}

#[tokio::test]
async fn one_server_listens_at_several_places_with_rules_of_their_own() {
    let small = Limits { max_message_bytes: 4, ..Limits::default() };
    let mut server = Server::new(ServerOptions { workers: 2, ..ServerOptions::default() });
    server.listen(&loopback(), ListenOptions::default()).unwrap();
    server.listen(&loopback(), within(small)).unwrap();
    let urls: Vec<_> = server.places().iter().map(|place| format!("ws://{place}/")).collect();
    let _running = server.start(echo).unwrap();
    for (url, code) in urls.iter().zip([None, Some(1009)]) {
        let mut socket = tieline::connect(url).await.unwrap();
        socket.send("hello").await.unwrap();
        match code {
            None => expect(&mut socket, &["hello"]).await,
            Some(code) => {
                assert!(soon(socket.next()).await.is_none());
                assert_eq!(socket.closed().map(|how| how.code().get()), Some(code));
            }
        }
    }
}

#[test]
fn a_second_server_at_the_same_port_is_refused_with_advice() {
    let first = served(echo);
    let error = Server::bind(first.address).unwrap_err();
    assert_eq!(error.source.kind(), std::io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&first.address.to_string()), "{error}");
    assert!(error.advice().unwrap().contains("another program listens there"));
    assert!(Server::bind("no such address").is_err());
}

#[tokio::test]
async fn a_port_is_free_again_once_the_server_has_stopped() {
    let mut first = served(echo);
    let mut socket = first.connect("/").await;
    let stopping = tokio::spawn(async move { first.running.stop().await.map(|()| first.address) });
    assert!(soon(socket.next()).await.is_none());
    let address = soon(stopping).await.unwrap().unwrap();
    let second = Server::bind(address).unwrap();
    assert_eq!(second.places(), [&Place::Tcp(address)]);
}

/// Tells at which listener each request comes, and waits over each message: that is told as `None`.
struct Counting {
    tell: mpsc::Sender<Option<usize>>,
    may_go: mpsc::Receiver<()>,
}

impl Handler for Counting {
    type State = ();

    fn admit(&mut self, _: &Request, arrival: &Arrival) -> Result<Answer, Refusal> {
        self.tell.send(Some(arrival.listener)).unwrap();
        Ok(Answer::default())
    }

    fn open(&mut self, _: &Link, _: &Request, _: &Agreement) {}

    fn message(&mut self, (): &mut (), _: &Link, _: Message<'_>) {
        self.tell.send(None).unwrap();
        let _it_ends_with_the_test = self.may_go.recv();
    }
}

#[test]
fn a_crowd_at_one_listener_does_not_hide_another() {
    const CROWD: usize = 160;
    let (tell, told) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let may_go = Mutex::new(Some(may_go));
    let mut server = Server::new(ServerOptions { workers: 1, ..ServerOptions::default() });
    server.listen(&loopback(), ListenOptions::default()).unwrap();
    server.listen(&loopback(), ListenOptions::default()).unwrap();
    let [Place::Tcp(first), Place::Tcp(second)] = server.places()[..] else { panic!("not TCP") };
    let (first, second) = (*first, *second);
    let _running = server
        .start(move || {
            let may_go = may_go.lock().unwrap().take().unwrap();
            Counting { tell: tell.clone(), may_go }
        })
        .unwrap();
    let mut blocking = Raw::open(first);
    blocking.say(masked(TEXT, "block"));
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Some(0)));
    assert_eq!(told.recv_timeout(PATIENCE), Ok(None));

    // They all come while the worker looks at nobody.
    let ask = |address| {
        let mut raw = Raw::connect(address);
        raw.say(request(""));
        raw
    };
    let _crowd: Vec<_> = (0..CROWD).map(|_| ask(first)).collect();
    let _alone = ask(second);
    go.send(()).unwrap();
    let order: Vec<_> = (0..=CROWD).map(|_| told.recv_timeout(PATIENCE).unwrap()).collect();
    let place = order.iter().position(|listener| *listener == Some(1)).unwrap();
    // Behind those who were taken in the same turn, and before most of the crowd.
    assert!(place < CROWD / 2, "{place} of the crowd come first");
}
