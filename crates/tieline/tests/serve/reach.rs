//! How is a link reached from a task of its worker, and from other threads?

use std::sync::mpsc;
use std::thread;

use tieline::CloseCode;
use tieline::serve::{self, Remote};
use tokio::task::{spawn_local, yield_now};

use crate::raw::*;
use crate::served::*;

#[tokio::test]
async fn a_local_task_speaks_between_the_turns() {
    let server = served(|| {
        serve::messages(|link, message| {
            let (link, text) = (link.clone(), message.text().unwrap().to_owned());
            spawn_local(async move {
                for n in 0..3 {
                    yield_now().await;
                    link.send(format!("{text} {n}"));
                }
                link.close(CloseCode::NORMAL, "done");
            });
        })
    });
    let mut socket = server.connect("/").await;
    socket.send("tick").await.unwrap();
    expect(&mut socket, &["tick 0", "tick 1", "tick 2"]).await;
    assert!(soon(socket.next()).await.is_none());
    assert_eq!(socket.closed().map(|how| how.code().get()), Some(1000));
}

/// A server that hands out how its links are reached.
fn reachable() -> (Served, mpsc::Receiver<Remote>) {
    let (give, given) = mpsc::channel();
    let server = served(move || {
        let give = give.clone();
        serve::links(
            move |link, _| give.send(link.remote()).unwrap(),
            |(), link, message| link.send(message),
            |(), _, _| (),
        )
    });
    (server, given)
}

#[tokio::test]
async fn another_thread_speaks_to_a_link_in_its_own_order() {
    let (server, remotes) = reachable();
    let mut socket = server.connect("/").await;
    let remote = remotes.recv_timeout(PATIENCE).unwrap();
    let speaking = thread::spawn(move || {
        for n in 0..10_000 {
            remote.send(n.to_string()).unwrap();
        }
        remote.close(CloseCode::new(4_002), "that was all");
        remote
    });
    for n in 0..10_000 {
        assert_eq!(text(&mut socket).await, n.to_string());
    }
    assert!(soon(socket.next()).await.is_none());
    assert_eq!(socket.closed().map(|how| how.code().get()), Some(4_002));
    // A link that is gone hears nothing, and nobody else hears it instead.
    let remote = speaking.join().unwrap();
    drop(socket);
    let mut other = server.connect("/").await;
    remote.send("to nobody").unwrap();
    other.send("mine").await.unwrap();
    expect(&mut other, &["mine"]).await;
}

#[tokio::test]
async fn a_worker_that_does_not_keep_up_says_so() {
    let (go, may_go) = mpsc::channel::<()>();
    let (give, given) = mpsc::channel();
    let may_go = std::sync::Mutex::new(Some(may_go));
    let server = served(move || {
        let (give, may_go) = (give.clone(), may_go.lock().unwrap().take().unwrap());
        serve::messages(move |link, _| {
            give.send(link.remote()).unwrap();
            may_go.recv().unwrap();
        })
    });
    let mut raw = Raw::open(server.address);
    raw.say(masked(TEXT, "block"));
    let remote = given.recv_timeout(PATIENCE).unwrap();
    let mut taken = 0;
    while remote.send(vec![0; 100_000]).is_ok() {
        taken += 1;
        assert!(taken < 1_000, "it takes without end");
    }
    assert!(taken > 10);
    // To close is always possible, and nothing that was taken is lost.
    remote.close(CloseCode::GOING_AWAY, "");
    go.send(()).unwrap();
    for _ in 0..taken {
        let frame = raw.frame();
        if frame.first == CLOSE {
            // More than the backlog holds: then the link is closed for that.
            assert_eq!(frame.code(), Some(1013));
            return;
        }
        assert_eq!(frame.payload.len(), 100_000);
    }
    raw.expect_closed_with(1001);
}
