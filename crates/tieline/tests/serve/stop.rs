//! How does a server stop?

use std::sync::mpsc;
use std::time::Duration;

use tieline::serve::{Handler, Link, ListenOptions, Message, RunError, ServerOptions, Trouble};
use tieline::{Agreement, CloseCode, Closed, Request};

use crate::raw::*;
use crate::served::*;

/// Says goodbye when the server stops, and tells how many were cut off.
struct Polite(mpsc::Sender<String>);

impl Handler for Polite {
    type State = ();

    fn open(&mut self, _: &Link, _: &Request, _: &Agreement) {}

    fn message(&mut self, (): &mut (), link: &Link, message: Message<'_>) {
        link.send(message);
        assert_ne!(message.text(), Some("block"));
    }

    fn drain(&mut self, (): &mut (), link: &Link) {
        link.send("goodbye");
    }

    fn close(&mut self, (): (), _: &Link, how: &Closed) {
        let _nobody_may_listen = self.0.send(format!("{how:?}"));
    }

    fn trouble(&mut self, trouble: &Trouble<'_>) {
        if let Trouble::CutOff(left) = trouble {
            let _nobody_may_listen = self.0.send(format!("{left} cut off"));
        }
    }
}

fn polite(workers: usize, drain: Duration) -> (Served, mpsc::Receiver<String>) {
    let (tell, told) = mpsc::channel();
    let options = ServerOptions { workers, drain };
    (served_as(options, ListenOptions::default(), move || Polite(tell.clone())), told)
}

#[tokio::test]
async fn everybody_hears_the_last_word_and_1001_and_then_it_ends() {
    let (mut server, told) = polite(2, PATIENCE);
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(server.connect("/").await);
    }
    let address = server.address;
    let stopping = tokio::spawn(async move { server.running.stop().await });
    for mut socket in sockets {
        expect(&mut socket, &["goodbye"]).await;
        assert!(soon(socket.next()).await.is_none());
        assert_eq!(socket.closed().map(|how| how.code().get()), Some(1001));
    }
    soon(stopping).await.unwrap().unwrap();
    assert_eq!(told.iter().filter(|what| what.starts_with("Cleanly")).count(), 20);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn a_server_without_links_stops_at_once() {
    let (mut server, told) = polite(4, Duration::from_secs(3_600));
    soon(server.running.stop()).await.unwrap();
    assert_eq!(told.iter().count(), 0);
    soon(server.running.stop()).await.unwrap();
}

#[tokio::test]
async fn whoever_does_not_go_is_cut_off_when_the_time_is_over() {
    let (mut server, told) = polite(1, Duration::from_millis(300));
    let mut raw = Raw::open(server.address);
    soon(server.running.stop()).await.unwrap();
    raw.expect(TEXT, "goodbye");
    assert_eq!(raw.frame().code(), Some(1001));
    let told: Vec<_> = told.iter().collect();
    assert_eq!(told, ["1 cut off", "Lost(Transport)"]);
}

/// Echoes, stays when the server stops, and ends a link when that says so.
struct Lingering(mpsc::Sender<usize>);

impl Handler for Lingering {
    type State = ();

    fn open(&mut self, _: &Link, _: &Request, _: &Agreement) {}

    fn message(&mut self, (): &mut (), link: &Link, message: Message<'_>) {
        let ends = message.text() == Some("go");
        link.send(message);
        if ends {
            link.close(CloseCode::GOING_AWAY, "in its turn");
        }
    }

    fn lingers(&self, (): &(), _: &Link) -> bool {
        true
    }

    fn trouble(&mut self, trouble: &Trouble<'_>) {
        if let Trouble::CutOff(left) = trouble {
            let _nobody_may_listen = self.0.send(*left);
        }
    }
}

fn lingering(drain: Duration) -> (Served, mpsc::Receiver<usize>) {
    let (tell, told) = mpsc::channel();
    let options = ServerOptions { workers: 1, drain };
    (served_as(options, ListenOptions::default(), move || Lingering(tell.clone())), told)
}

#[tokio::test]
async fn a_link_that_lingers_is_served_until_its_handler_ends_it() {
    let (mut server, told) = lingering(PATIENCE);
    let (mut first, mut second) = (server.connect("/").await, server.connect("/").await);
    let address = server.address;
    let stopping = tokio::spawn(async move { server.running.stop().await });
    while std::net::TcpStream::connect(address).is_ok() {
        tokio::task::yield_now().await;
    }
    for socket in [&mut first, &mut second] {
        socket.send("still here").await.unwrap();
        expect(socket, &["still here"]).await;
    }
    for socket in [&mut first, &mut second] {
        assert!(!stopping.is_finished());
        socket.send("go").await.unwrap();
        expect(socket, &["go"]).await;
        assert!(soon(socket.next()).await.is_none());
        assert_eq!(socket.closed().map(|how| how.reason().to_owned()), Some("in its turn".into()));
    }
    soon(stopping).await.unwrap().unwrap();
    assert_eq!(told.iter().count(), 0, "nobody was cut off");
}

#[tokio::test]
async fn whoever_lingers_too_long_is_cut_off_like_everybody() {
    let (mut server, told) = lingering(Duration::from_millis(100));
    let mut raw = Raw::open(server.address);
    soon(server.running.stop()).await.unwrap();
    assert_eq!(raw.rest(), b"", "without a close frame");
    assert_eq!(told.iter().collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn half_a_request_is_answered_503_and_who_said_nothing_is_let_go() {
    let (mut server, _told) = polite(1, PATIENCE);
    let (mut half, mut silent) = (Raw::connect(server.address), Raw::connect(server.address));
    half.say("GET / HTTP/1.1\r\n");
    // Both were seen by then: one worker takes them in their order.
    Raw::open(server.address).say(masked(CLOSE, ""));
    let stopping = tokio::spawn(async move { server.running.stop().await });
    let answers = tokio::task::spawn_blocking(move || (half.rest(), silent.rest()));
    let (half, silent) = soon(answers).await.unwrap();
    assert!(half.starts_with(b"HTTP/1.1 503 "), "{}", String::from_utf8_lossy(&half));
    assert_eq!(silent, b"");
    soon(stopping).await.unwrap().unwrap();
}

#[tokio::test]
async fn dropping_a_running_server_stops_it() {
    let (server, _told) = polite(1, PATIENCE);
    let mut socket = server.connect("/").await;
    drop(server);
    expect(&mut socket, &["goodbye"]).await;
    assert!(soon(socket.next()).await.is_none());
}

#[tokio::test]
async fn a_worker_that_panics_is_reported() {
    let (server, _told) = polite(1, PATIENCE);
    drop(server);
    let mut broken = served(|| -> Polite { panic!("as the test asks") });
    assert!(matches!(soon(broken.running.ended()).await, Err(RunError::Panicked)));
}

#[tokio::test]
async fn a_blocked_worker_is_left_behind() {
    let (go, may_go) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let may_go = std::sync::Mutex::new(Some(may_go));
    let options = ServerOptions { workers: 1, drain: Duration::from_millis(1) };
    let mut server = served_as(options, ListenOptions::default(), move || {
        let (tell, may_go) = (tell.clone(), may_go.lock().unwrap().take().unwrap());
        tieline::serve::messages(move |_, _| {
            tell.send(()).unwrap();
            let _it_ends_with_the_test = may_go.recv();
        })
    });
    let mut raw = Raw::open(server.address);
    raw.say(masked(TEXT, "block"));
    told.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(soon(server.running.stop()).await, Err(RunError::Blocked)));
    drop(go);
}
