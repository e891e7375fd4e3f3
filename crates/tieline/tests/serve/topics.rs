//! Who hears what is published, and in which order?

use tieline::serve::{self, Handler, ListenOptions};
use tieline::{AcceptOptions, Connect, Deflate};

use crate::raw::*;
use crate::served::*;

/// `+topic` and `-topic` subscribe and unsubscribe, `topic!text` publishes, `topic?text` publishes
/// to everybody else, `#` asks how often it was measured how long that takes, and anything else is
/// said back. `;` separates several of one message.
fn commands() -> impl Handler {
    serve::messages(|link, message| {
        for command in message.text().unwrap().split(';') {
            if command == "#" {
                link.send(link.worker().fan_outs().count().to_string());
            } else if let Some(topic) = command.strip_prefix('+') {
                link.subscribe(topic);
            } else if let Some(topic) = command.strip_prefix('-') {
                link.unsubscribe(topic);
            } else if let Some((topic, text)) = command.split_once('!') {
                link.worker().publish(topic, text);
            } else if let Some((topic, text)) = command.split_once('?') {
                link.publish(topic, text);
            } else {
                link.send(command);
            }
        }
    })
}

/// Sends a command and waits until it was carried out.
async fn say(socket: &mut Socket, command: &str) {
    socket.send(format!("{command};done")).await.unwrap();
    expect(socket, &["done"]).await;
}

#[tokio::test]
async fn a_topic_is_heard_from_the_subscription_to_its_end() {
    let server = served(commands);
    let (mut a, mut b) = (server.connect("/").await, server.connect("/").await);
    say(&mut a, "news!nobody hears it").await;
    say(&mut b, "+news;+news;+sports").await;
    say(&mut a, "news!1;sports!2;weather!3;news!4").await;
    expect(&mut b, &["1", "2", "4"]).await;
    say(&mut b, "-news;-news;-weather").await;
    say(&mut a, "news!5;sports!6").await;
    expect(&mut b, &["6"]).await;
    say(&mut b, "-sports;+news").await;
    say(&mut a, "sports!7;news!8").await;
    expect(&mut b, &["8"]).await;
}

#[tokio::test]
async fn a_speaker_who_hears_the_topic_hears_itself_unless_it_is_left_out() {
    let server = served(commands);
    let (mut a, mut b) = (server.connect("/").await, server.connect("/").await);
    say(&mut a, "+news").await;
    say(&mut b, "+news").await;
    a.send("news!to all;news?to others;news!to all again").await.unwrap();
    expect(&mut a, &["to all", "to all again"]).await;
    expect(&mut b, &["to all", "to others", "to all again"]).await;
}

#[tokio::test]
async fn replies_and_publications_arrive_in_the_order_of_the_calls() {
    let server = served(commands);
    let (mut a, mut b) = (server.connect("/").await, server.connect("/").await);
    say(&mut a, "+x;+y").await;
    say(&mut b, "+y;+x").await;
    for _ in 0..20 {
        a.send("1;x!2;3;y!4;x!5;x!6;y!7;8;-x;x!nobody;9;+x;y!10").await.unwrap();
        for n in 1..=10 {
            assert_eq!(text(&mut a).await, n.to_string());
        }
        expect(&mut b, &["2", "4", "5", "6", "7", "nobody", "10"]).await;
    }
}

#[tokio::test]
async fn those_who_leave_are_forgotten_and_those_who_stay_are_not() {
    let server = served(commands);
    let mut sockets = Vec::new();
    for n in 0..30 {
        let mut socket = server.connect("/").await;
        let command = format!("+all;+mod{}", n % 3);
        say(&mut socket, &command).await;
        sockets.push(Some(socket));
    }
    // Some go without a word, some unsubscribe; their places are taken by others.
    for n in (0..30).step_by(4) {
        let mut socket = sockets[n].take().unwrap();
        if n % 8 == 0 {
            socket.close(tieline::CloseCode::NORMAL, "").await.unwrap();
        } else {
            say(&mut socket, "-all;-mod0;-mod1;-mod2").await;
            sockets[n] = Some(socket);
        }
    }
    let mut speaker = server.connect("/").await;
    speaker.send("all!to all;mod0!0;mod1!1;mod2!2;done").await.unwrap();
    expect(&mut speaker, &["done"]).await;
    for (n, socket) in sockets.iter_mut().enumerate() {
        let Some(socket) = socket else { continue };
        socket.send("mine").await.unwrap();
        if n % 4 != 0 {
            expect(socket, &["to all", &(n % 3).to_string()]).await;
        }
        expect(socket, &["mine"]).await;
    }
}

#[tokio::test]
async fn the_same_news_reach_plain_and_compressed_lines() {
    let kept = Deflate { min_bytes: 0, ..Deflate::default() };
    let fresh =
        Deflate { server_context_takeover: false, client_context_takeover: false, ..kept.clone() };
    let accept = AcceptOptions { deflate: Some(kept.clone()), ..AcceptOptions::default() };
    let server = served_with(ListenOptions { accept, ..ListenOptions::default() }, commands);
    let mut sockets = vec![server.connect("/").await, server.connect("/").await];
    for deflate in [kept.clone(), fresh.clone(), kept, fresh] {
        let request = Connect::to(server.url("/")).deflate(deflate).require_deflate();
        sockets.push(request.open().await.unwrap());
    }
    for socket in &mut sockets {
        say(socket, "+news").await;
    }
    for round in 0..3 {
        let news = format!("{round} {}", "the same to everybody ".repeat(1_000));
        sockets[round].send(format!("news!{news};news!short;news?to others")).await.unwrap();
        for (n, socket) in sockets.iter_mut().enumerate() {
            expect(socket, &[&news, "short"]).await;
            if n != round {
                expect(socket, &["to others"]).await;
            }
        }
    }
}

#[tokio::test]
async fn more_than_a_batch_of_news_keeps_its_order() {
    let server = served(commands);
    let (mut a, mut b) = (server.connect("/").await, server.connect("/").await);
    say(&mut b, "+news").await;
    let texts: Vec<_> = (0..40).map(|n| format!("{n} {}", ".".repeat(20_000))).collect();
    let command: Vec<_> = texts.iter().map(|text| format!("news!{text}")).collect();
    a.send(command.join(";")).await.unwrap();
    for expected in &texts {
        assert!(text(&mut b).await == *expected, "{}", &expected[..2]);
    }
}

#[tokio::test]
async fn two_workers_hear_each_other() {
    let server = served_by(2, ListenOptions::default(), || {
        serve::links(
            |link, _| {
                link.subscribe("all");
                link.send(link.worker().number().to_string());
            },
            |(), link, message| match message.text().unwrap() {
                "here" => link.worker().publish_here("all", "here"),
                _ => link.worker().publish("all", message),
            },
            |(), _, _| (),
        )
    });
    let mut workers: [Vec<Socket>; 2] = [vec![], vec![]];
    // The system spreads the connections as it likes.
    while workers.iter().any(Vec::is_empty) {
        let mut socket = server.connect("/").await;
        let number: usize = text(&mut socket).await.parse().unwrap();
        workers[number].push(socket);
        assert!(workers.iter().map(Vec::len).sum::<usize>() < 200, "all on one worker");
    }
    workers[0][0].send("from 0").await.unwrap();
    for socket in workers.iter_mut().flatten() {
        expect(socket, &["from 0"]).await;
    }
    workers[1][0].send("here").await.unwrap();
    for socket in &mut workers[1] {
        expect(socket, &["here"]).await;
    }
    for n in 0..500 {
        workers[1][0].send(n.to_string()).await.unwrap();
    }
    for n in 0..500 {
        for socket in workers.iter_mut().flatten() {
            assert_eq!(text(socket).await, n.to_string());
        }
    }
}

#[test]
fn who_is_leaving_hears_no_more_news() {
    let server = served(|| {
        serve::links(
            |link, _| link.subscribe("all"),
            |(), link, _| {
                link.worker().publish("all", "before");
                link.close(tieline::CloseCode::NORMAL, "");
                link.worker().publish("all", "after");
            },
            |(), _, _| (),
        )
    });
    let mut raw = Raw::open(server.address);
    raw.say(masked(TEXT, "go"));
    raw.expect(TEXT, "before");
    raw.expect_closed_with(1000);
}

#[tokio::test]
async fn how_long_it_takes_to_tell_many_is_measured_once_for_a_batch() {
    let server = served(commands);
    let mut sockets = Vec::new();
    for n in 0..16 {
        let mut socket = server.connect("/").await;
        say(&mut socket, "+news").await;
        // Of few it is not.
        if n == 14 {
            say(&mut socket, "news?1").await;
        }
        sockets.push(socket);
    }
    let mut speaker = server.connect("/").await;
    speaker.send("#").await.unwrap();
    expect(&mut speaker, &["0"]).await;
    say(&mut speaker, "news!2;news!3").await;
    speaker.send("#").await.unwrap();
    expect(&mut speaker, &["1"]).await;
}
