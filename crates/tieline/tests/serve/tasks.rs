//! How is a link served by an async function?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use tieline::serve::{self, INBOX_BYTES};
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::{Notify, Semaphore};
use tokio::task::yield_now;

use crate::raw::*;
use crate::served::*;

#[tokio::test]
async fn a_task_answers_its_peer_and_its_end_is_a_clean_close() {
    let server = served(|| {
        serve::tasks(async |mut conversation| {
            conversation.link().send(conversation.request().path().to_owned());
            while let Some(message) = conversation.next().await {
                yield_now().await;
                if message.text() == Some("enough") {
                    return;
                }
                conversation.link().send(message);
            }
        })
    });
    let mut socket = server.connect("/room").await;
    for text in ["a", "b", "enough", "behind"] {
        socket.send(text).await.unwrap();
    }
    expect(&mut socket, &["/room", "a", "b"]).await;
    assert!(soon(socket.next()).await.is_none());
    assert_eq!(socket.closed().map(|how| how.code().get()), Some(1000));
}

#[tokio::test]
async fn a_task_whose_peer_has_gone_is_given_the_rest_and_then_nothing() {
    let (tell, mut told) = unbounded_channel();
    let go = Arc::new(Notify::new());
    let may_go = Arc::clone(&go);
    let server = served(move || {
        let (tell, may_go) = (tell.clone(), Arc::clone(&may_go));
        serve::tasks(move |mut conversation| {
            let (tell, may_go) = (tell.clone(), Arc::clone(&may_go));
            async move {
                may_go.notified().await;
                while let Some(message) = conversation.next().await {
                    tell.send(message.text().unwrap().to_owned()).unwrap();
                }
                assert!(conversation.next().await.is_none());
                tell.send(format!("{:?}", conversation.closed())).unwrap();
            }
        })
    });
    let mut raw = Raw::open(server.address);
    raw.say([masked(TEXT, "a"), masked(TEXT, "b"), masked(CLOSE, b"\x03\xE9")].concat());
    assert_eq!(raw.frame().code(), Some(1001));
    assert_eq!(raw.rest(), b"");
    go.notify_one();
    assert_eq!(heard(&mut told).await, "a");
    assert_eq!(heard(&mut told).await, "b");
    assert!(heard(&mut told).await.starts_with("Some(Cleanly"));
}

#[tokio::test]
async fn a_task_that_does_not_keep_up_stops_its_peer() {
    const COUNT: usize = 1_200;
    const BYTES: usize = 20_000;
    let taken = Arc::new(AtomicUsize::new(0));
    let steps = Arc::new(Semaphore::new(0));
    let (ends, mut ended) = unbounded_channel();
    let (counter, gate) = (Arc::clone(&taken), Arc::clone(&steps));
    let server = served(move || {
        let (counter, gate, ends) = (Arc::clone(&counter), Arc::clone(&gate), ends.clone());
        serve::tasks(move |mut conversation| {
            let (counter, gate, ends) = (Arc::clone(&counter), Arc::clone(&gate), ends.clone());
            async move {
                let link = conversation.link().clone();
                loop {
                    gate.acquire().await.unwrap().forget();
                    let Some(message) = conversation.next().await else {
                        return ends.send(()).unwrap();
                    };
                    assert_eq!(message.len(), BYTES);
                    counter.fetch_add(1, Ordering::Relaxed);
                    // What was received and not taken yet is bounded.
                    let waiting =
                        link.traffic().messages_in as usize - counter.load(Ordering::Relaxed);
                    assert!(waiting * BYTES < INBOX_BYTES + 2 * BYTES, "{waiting} messages wait");
                }
            }
        })
    });
    let mut raw = Raw::open(server.address);
    let (full, is_full) = mpsc::channel();
    let writing = std::thread::spawn(move || {
        pour(&mut raw.0, (0..COUNT).map(|_| masked(BINARY, vec![0; BYTES])), &full);
        raw.0.set_nonblocking(false).unwrap();
        raw
    });
    // Nothing is taken before the peer was stopped.
    is_full.recv_timeout(PATIENCE).expect("the server stops reading");
    steps.add_permits(COUNT + 1);
    let mut raw = tokio::task::spawn_blocking(|| writing.join().unwrap()).await.unwrap();
    raw.say(masked(CLOSE, b"\x03\xE8"));
    raw.frame();
    // The end is answered at once; what was received before it is still taken.
    heard(&mut ended).await;
    assert_eq!(taken.load(Ordering::Relaxed), COUNT);
}

#[tokio::test]
async fn a_task_that_panics_ends_its_own_link_with_1011() {
    let server = served(|| {
        serve::tasks(async |mut conversation| {
            while let Some(message) = conversation.next().await {
                assert_ne!(message.text(), Some("panic"));
                conversation.link().send(message);
            }
        })
    });
    let (mut one, mut other) = (server.connect("/").await, server.connect("/").await);
    one.send("panic").await.unwrap();
    assert!(soon(one.next()).await.is_none());
    assert_eq!(one.closed().map(|how| how.code().get()), Some(1011));
    other.send("still here").await.unwrap();
    expect(&mut other, &["still here"]).await;
}

#[tokio::test]
async fn a_server_that_stops_ends_its_tasks() {
    let mut server = served(|| {
        serve::tasks(async |mut conversation| while conversation.next().await.is_some() {})
    });
    let mut socket = server.connect("/").await;
    let stopping = tokio::spawn(async move { server.running.stop().await });
    assert!(soon(socket.next()).await.is_none());
    assert_eq!(socket.closed().map(|how| how.code().get()), Some(1001));
    soon(stopping).await.unwrap().unwrap();
}
