//! Lines that are lost, servers that are restarted, and what nobody misses or is told of.

use tieline::client::{Event, Reason, State};

use super::server::{CHAT, Server, folder, to};
use super::wire::Wire;
use super::{PATIENCE, next, numbers, publication};

/// Waits until the client is in such a state.
async fn until(client: &mut tieline::Client, is_it: impl Fn(&State) -> bool) -> State {
    let wait = async {
        loop {
            let state = client.state();
            if is_it(&state) {
                return state;
            }
            client.state_changed().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap()
}

#[tokio::test]
async fn a_line_that_is_cut_is_taken_up_with_nothing_lost() {
    let server = Server::start(CHAT).await;
    let wire = Wire::to(server.address).await;
    let mut reader = to(wire.address).connect().await.unwrap();
    let mut lobby = reader.subscribe("chat:lobby").await.unwrap();
    let writer = server.client().await;
    for number in 0..3 {
        writer.publish("chat:lobby", &number).await.unwrap();
    }
    assert_eq!(numbers(&mut lobby, 3).await, [0, 1, 2]);
    for round in 1..4 {
        wire.cut();
        until(&mut reader, |state| matches!(state, State::Away { .. })).await;
        for number in 0..5 {
            writer.publish("chat:lobby", &(10 * round + number)).await.unwrap();
        }
        wire.mend();
        let expected: Vec<_> = (10 * round..10 * round + 5).collect();
        assert_eq!(numbers(&mut lobby, 5).await, expected);
        let state = until(&mut reader, |state| matches!(state, State::Connected { .. })).await;
        assert!(matches!(state, State::Connected { recovered: true, .. }), "{state:?}");
    }
}

#[tokio::test]
async fn publications_over_a_line_that_is_cut_are_done_once_and_in_order() {
    let server = Server::start(CHAT).await;
    let wire = Wire::to(server.address).await;
    let reader = server.client().await;
    let mut lobby = reader.subscribe("chat:lobby").await.unwrap();
    let writer = to(wire.address).connect().await.unwrap();
    let writing = tokio::spawn(async move {
        let mut positions = Vec::new();
        for number in 0..300 {
            positions.push(writer.publish("chat:lobby", &number).await.unwrap().position.offset);
        }
        positions
    });
    for number in 0..300_u64 {
        let heard = publication(&mut lobby).await;
        assert_eq!(heard.parse::<u64>().unwrap(), number);
        assert_eq!(heard.offset, number + 1);
        // Whatever is on its way at that moment.
        if number % 10 == 0 {
            wire.cut();
            wire.mend();
        }
    }
    assert_eq!(writing.await.unwrap(), (1..=300).collect::<Vec<_>>());
    assert!(wire.lines() > 10, "{} lines", wire.lines());
}

#[tokio::test]
async fn a_server_that_forgets_tells_of_the_gap_and_goes_on() {
    let server = Server::start(CHAT).await;
    let reader = server.client().await;
    let mut lobby = reader.subscribe("chat:lobby").await.unwrap();
    reader.publish("chat:lobby", &1).await.unwrap();
    assert_eq!(numbers(&mut lobby, 1).await, [1]);
    let server = server.restart().await;
    let Event::Gap(gap) = next(&mut lobby).await else { panic!("no gap") };
    assert_eq!(gap.reason, Reason::Epoch);
    assert_eq!(gap.position.unwrap().offset, 0);
    reader.publish("chat:lobby", &2).await.unwrap();
    assert_eq!(numbers(&mut lobby, 1).await, [2]);
    server.stop().await;
}

#[tokio::test]
async fn a_server_with_a_disk_loses_nothing() {
    let store = folder();
    let config = format!(
        "[store]\npath = '{}'\nmin_free_bytes = 0\n[namespace.chat]\nhistory = 1000\n\
         durability = 'disk'\npublish = 'all'\n",
        store.display()
    );
    let server = Server::start(&config).await;
    let client = server.client().await;
    let mut lobby = client.subscribe("chat:lobby").await.unwrap();
    client.publish("chat:lobby", &1).await.unwrap();
    assert_eq!(numbers(&mut lobby, 1).await, [1]);
    let position = lobby.position().unwrap();
    let server = server.restart().await;
    for number in 2..5 {
        client.publish("chat:lobby", &number).await.unwrap();
    }
    assert_eq!(numbers(&mut lobby, 3).await, [2, 3, 4]);
    // Who was not there at all comes back to the same.
    let other = server.client().await;
    let mut since = other.subscribe_since("chat:lobby", position).await.unwrap();
    assert_eq!(numbers(&mut since, 3).await, [2, 3, 4]);
    server.stop().await;
    std::fs::remove_dir_all(store).unwrap();
}

#[tokio::test]
async fn a_pattern_has_no_position_and_says_so() {
    let server = Server::start(CHAT).await;
    let wire = Wire::to(server.address).await;
    let mut reader = to(wire.address).connect().await.unwrap();
    let mut all = reader.subscribe("chat:*").await.unwrap();
    let writer = server.client().await;
    writer.publish("chat:a", &1).await.unwrap();
    let heard = publication(&mut all).await;
    assert_eq!((&*heard.channel, heard.position()), ("chat:a", None));
    wire.cut();
    until(&mut reader, |state| matches!(state, State::Away { .. })).await;
    wire.mend();
    let Event::Gap(gap) = next(&mut all).await else { panic!("no gap") };
    assert_eq!((gap.position, gap.reason), (None, Reason::Pattern));
    writer.publish("chat:b", &2).await.unwrap();
    assert_eq!(&*publication(&mut all).await.channel, "chat:b");
}
