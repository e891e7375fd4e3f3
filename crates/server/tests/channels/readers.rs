//! Readers that are slower than what is published.

use futures_util::future::join_all;
use tieline::client::{Event, Reason};

use super::server::{CHAT, Server, to};
use super::{next, numbers, publication};

#[tokio::test]
async fn a_slow_reader_is_told_what_it_missed_and_stops_nobody() {
    let server = Server::start(CHAT).await;
    let client = to(server.address).max_waiting(16, 1 << 20).connect().await.unwrap();
    let mut slow = client.subscribe("chat:slow").await.unwrap();
    let mut fast = client.subscribe("chat:fast").await.unwrap();
    let writer = server.client().await;
    for number in 1..=500_u64 {
        writer.publish("chat:slow", &number).await.unwrap();
        writer.publish("chat:fast", &number).await.unwrap();
        assert_eq!(numbers(&mut fast, 1).await, [number]);
    }
    let Event::Gap(gap) = next(&mut slow).await else { panic!("no gap") };
    assert_eq!((gap.position.unwrap().offset, gap.reason), (484, Reason::Slow));
    assert_eq!(numbers(&mut slow, 16).await, (485..=500).collect::<Vec<_>>());
    assert_eq!(slow.position().unwrap().offset, 500);
    writer.publish("chat:slow", &501).await.unwrap();
    assert_eq!(numbers(&mut slow, 1).await, [501]);
}

#[tokio::test]
async fn a_flood_comes_whole_to_who_reads() {
    let server = Server::start(CHAT).await;
    let client = server.client().await;
    let mut lobby = client.subscribe("chat:lobby").await.unwrap();
    let address = server.address;
    let writing = (0..4).map(|_| async move {
        let writer = to(address).connect().await.unwrap();
        let writer = &writer;
        let publish = async |number| writer.publish("chat:lobby", &number).await;
        let publications = (0..200).map(|number: u64| publish(number));
        join_all(publications).await.into_iter().for_each(|published| drop(published.unwrap()));
    });
    let reading = async {
        for offset in 1..=800 {
            assert_eq!(publication(&mut lobby).await.offset, offset);
        }
    };
    tokio::join!(join_all(writing), reading);
}
