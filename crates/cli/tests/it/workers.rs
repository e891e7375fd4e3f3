//! Several workers are one server.

use crate::server::{Server, next};

#[tokio::test]
async fn a_counter_is_one_for_all_workers_and_all_hear_the_same_order() {
    const PEERS: usize = 24;
    const TURNS: usize = 20;
    let server = Server::start(&["--workers", "4"]);
    let mut sockets = Vec::new();
    for _ in 0..PEERS {
        sockets.push(server.connect("/counter").await);
    }
    // When everybody has heard of everybody, everybody counts at once.
    let everybody = format!(r#"{{"type":"users","count":{PEERS}}}"#);
    for socket in &mut sockets {
        while next(socket).await != everybody {}
    }
    for turn in 0..TURNS {
        for (at, socket) in sockets.iter_mut().enumerate() {
            let action = if (at + turn) % 3 == 0 { "minus" } else { "plus" };
            socket.send(format!(r#"{{"action":"{action}"}}"#)).await.unwrap();
        }
    }
    let mut heard = Vec::new();
    for socket in &mut sockets {
        let mut states = Vec::new();
        while states.len() < PEERS * TURNS {
            let news = next(socket).await;
            // The last to join hears its first state after the users.
            if !(states.is_empty() && news == r#"{"type":"state","value":0}"#) {
                states.push(news);
            }
        }
        heard.push(states);
    }
    assert!(heard.iter().all(|states| *states == heard[0]));
    assert_eq!(heard[0].last().unwrap(), r#"{"type":"state","value":160}"#);
}
