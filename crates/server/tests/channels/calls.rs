//! What is asked of channels: history, presence, and what the server refuses.

use tieline::client::{Advice, Error, Event, Range};

use super::server::{CHAT, HALL, Server, to};
use super::{next, numbers};

fn code(error: &Error) -> i64 {
    match error {
        Error::Fault(fault) => fault.code,
        error => panic!("{error:?} instead of a fault"),
    }
}

#[tokio::test]
async fn history_is_read_from_either_end() {
    let server = Server::start(CHAT).await;
    let client = server.client().await;
    for number in 1..=5 {
        client.publish("chat:lobby", &number).await.unwrap();
    }
    for (range, limit, offsets) in [
        (Range::Newest, 2, vec![5, 4]),
        (Range::Before(3), 10, vec![2, 1]),
        (Range::After(3), 10, vec![4, 5]),
        (Range::After(0), 2, vec![1, 2]),
    ] {
        let history = client.history("chat:lobby", range, limit).await.unwrap();
        let publications = history.publications.iter();
        assert_eq!(publications.map(|it| it.offset).collect::<Vec<_>>(), offsets, "{range:?}");
        assert_eq!((history.position.offset, history.oldest), (5, 1));
    }
    let last = client.history("chat:lobby", Range::Newest, 1).await.unwrap();
    assert_eq!(last.publications[0].parse::<u32>().unwrap(), 5);
}

#[tokio::test]
async fn who_is_there_is_told_and_asked_for() {
    let server = Server::start(HALL).await;
    let first = server.client().await;
    let mut lobby = first.subscribe("hall:lobby").await.unwrap();
    let Event::Joined(own) = next(&mut lobby).await else { panic!("nobody came") };
    let second = to(server.address).name("second").connect().await.unwrap();
    let second_lobby = second.subscribe("hall:lobby").await.unwrap();
    let Event::Joined(other) = next(&mut lobby).await else { panic!("nobody came") };
    assert_ne!(own.client, other.client);
    let mut members = first.presence("hall:lobby").await.unwrap();
    members.sort_by_key(|member| member.client != own.client);
    assert_eq!(members, [own, other.clone()]);
    assert_eq!(first.presence_stats("hall:lobby").await.unwrap().clients, 2);
    drop(second_lobby);
    let Event::Left(left) = next(&mut lobby).await else { panic!("nobody left") };
    assert_eq!(left, other);
    assert_eq!(second.presence_stats("hall:lobby").await.unwrap().clients, 1);
}

#[tokio::test]
async fn a_method_of_the_application_is_called_and_its_error_is_told_whole() {
    let config = "[[route]]\npath = '/tieline'\nservice = { kind = 'channels', methods = '/rpc' }\n\
                  [[route]]\npath = '/rpc'\nservice = { kind = 'rpc', demo = true }\n";
    let server = Server::with(config, "127.0.0.1:0").await;
    let client = server.client().await;
    assert_eq!(client.call::<i64>("demo_sum", &[1, 2]).await.unwrap(), 3);
    let error = client.call::<i64>("demo_fail", &(7, "as asked")).await.unwrap_err();
    assert_eq!((code(&error), error.to_string()), (7, "as asked (7)".to_owned()));
    let error = client.call::<i64>("demo_nothing", &[0; 0]).await.unwrap_err();
    assert_eq!((code(&error), error.advice()), (-32601, Advice::GiveUp));
}

#[tokio::test]
async fn what_the_server_refuses_has_its_code_and_the_client_goes_on() {
    let quiet = "[namespace.quiet]\npublish = 'none'\n";
    let server = Server::start(&format!("{CHAT}{quiet}")).await;
    let client = server.client().await;
    let error = client.subscribe("nowhere:lobby").await.unwrap_err();
    assert_eq!((code(&error), error.advice()), (4005, Advice::GiveUp));
    assert_eq!(code(&client.publish("quiet:lobby", &1).await.unwrap_err()), 4004);
    assert_eq!(code(&client.presence("quiet:lobby").await.unwrap_err()), 4009);
    assert_eq!(code(&client.subscribe("quiet:*").await.unwrap_err()), 4010);
    assert_eq!(code(&client.call::<()>("nothing", &1).await.unwrap_err()), -32601);
    let lobby = client.subscribe("chat:lobby").await.unwrap();
    assert!(matches!(client.subscribe("chat:lobby").await, Err(Error::Subscribed)));
    drop(lobby);
    let mut lobby = client.subscribe("chat:lobby").await.unwrap();
    client.publish("chat:lobby", &7).await.unwrap();
    assert_eq!(numbers(&mut lobby, 1).await, [7]);
}

#[tokio::test]
async fn the_same_key_is_published_once() {
    let server = Server::start(CHAT).await;
    let client = server.client().await;
    let first = client.publish_with_key("chat:lobby", &1, "k").await.unwrap();
    let again = client.publish_with_key("chat:lobby", &2, "k").await.unwrap();
    assert_eq!((first.position.clone(), false), (again.position, first.is_repeat));
    assert!(again.is_repeat);
}

#[tokio::test]
async fn a_message_that_is_too_big_is_given_up_and_the_others_are_not() {
    let server = Server::start(CHAT).await;
    let client = server.client().await;
    let mut lobby = client.subscribe("chat:lobby").await.unwrap();
    let big = "x".repeat(200_000);
    let (before, too_big, after) = tokio::join!(
        client.publish("chat:lobby", &1),
        client.publish("chat:lobby", &big),
        client.publish("chat:lobby", &2),
    );
    assert!(matches!(too_big, Err(Error::TooBig)), "{too_big:?}");
    assert!(before.is_ok() && after.is_ok(), "{before:?} {after:?}");
    assert_eq!(numbers(&mut lobby, 2).await, [1, 2]);
}

#[tokio::test]
async fn when_it_is_closed_everything_ends() {
    let server = Server::start(HALL).await;
    let client = server.client().await;
    let mut lobby = client.subscribe("hall:lobby").await.unwrap();
    client.publish("hall:lobby", &1).await.unwrap();
    client.close().await;
    assert!(matches!(client.publish("hall:lobby", &2).await, Err(Error::Closed)));
    while lobby.next().await.is_some() {}
    assert!(matches!(lobby.error(), Some(Error::Closed)));
    let other = server.client().await;
    assert_eq!(other.presence_stats("hall:lobby").await.unwrap().clients, 0);
}
