//! A device at an API gateway: registers, and prints the messages that come for it.
//!
//! ```text
//! cargo run --example gateway --features gateway -- ws://127.0.0.1:8080/ [KEY SECRET]
//! ```

use std::error::Error;

use tieline::Connect;
use tieline::gateway::{self, Call, Credentials, Event, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let url = words.next().unwrap_or_else(|| "ws://127.0.0.1:8080/".to_owned());
    let credentials =
        words.next().zip(words.next()).map(|(key, secret)| Credentials { key, secret });
    let app_key = credentials.as_ref().map(|credentials| credentials.key.clone());
    let device_id = gateway::device_id(app_key.as_deref());
    println!("this is the device {device_id}");

    let options = Options { device_id, credentials, ..Options::default() };
    let (client, mut events, driver) = gateway::client(Connect::to(url), options);
    tokio::spawn(driver.run());
    let answer = client.register(Call::post("/register").form([("user", "you")])).await?;
    println!("registering was answered {} {}", answer.status, answer.body);
    while let Some(event) = events.next().await {
        match event {
            Event::Notify(text) => println!("{text}"),
            event => println!("({event:?})"),
        }
    }
    Ok(())
}
