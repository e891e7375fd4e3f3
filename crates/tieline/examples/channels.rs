//! Two-way chat in a channel: publishes what is typed, prints what others say, and tells of gaps.
//!
//! ```text
//! cargo run --example channels --features client -- ws://127.0.0.1:8080/tieline chat:lobby
//! ```

use std::error::Error;

use tieline::Client;
use tieline::client::Event;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let url = words.next().unwrap_or_else(|| "ws://127.0.0.1:8080/tieline".to_owned());
    let channel = words.next().unwrap_or_else(|| "chat:lobby".to_owned());

    let client = Client::connect(url).await?;
    let mut subscription = client.subscribe(channel.as_str()).await?;
    let mut typed = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            line = typed.next_line() => match line? {
                Some(line) => _ = client.publish(&channel, &line).await?,
                None => break,
            },
            event = subscription.next() => match event {
                Some(Event::Publication(said)) => println!("{}: {}", said.offset, said.data),
                Some(Event::Gap(gap)) => println!("(missed something: {})", gap.reason.as_str()),
                Some(_) => {}
                None => break,
            },
        }
    }
    client.close().await;
    subscription.error().map_or(Ok(()), |error| match error {
        tieline::client::Error::Closed => Ok(()),
        error => Err(error.into()),
    })
}
