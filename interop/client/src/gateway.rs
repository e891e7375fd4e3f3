//! A device at the API gateway: says on standard output what happens to it, until it is told `bye`.

use anyhow::{Context, ensure};
use clap::Args;
use tieline::Connect;
use tieline::gateway::{self, Call, Credentials, Event, Options};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    url: String,
    key: String,
    secret: String,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let credentials = Credentials { key: arguments.key.clone(), secret: arguments.secret.clone() };
    let device_id = gateway::device_id(Some(&arguments.key));
    println!("device {device_id}");
    let options = Options { device_id, credentials: Some(credentials), ..Options::default() };
    let (client, mut events, driver) = gateway::client(Connect::to(&arguments.url), options);
    tokio::spawn(driver.run());
    let answer = client.register(Call::post("/register").form([("user", "ä b&c")])).await?;
    ensure!(answer.status == 200, "registering was answered {answer:?}");
    let call = Call::post("/signed").query("q", "ü").query("empty", "");
    let answer = client.call(call.text("application/json; charset=utf-8", "{\"a\":1}")).await?;
    ensure!(answer.status == 200, "a call was answered {answer:?}");
    let answer = client.call(Call::get("/nowhere")).await?;
    ensure!(answer.error_code() == Some("I404NF"), "{answer:?}");
    loop {
        match events.next().await.context("the events have ended")? {
            Event::Notify(text) if text == "bye" => break,
            Event::Notify(text) => println!("heard {text}"),
            Event::Registered => println!("registered"),
            Event::Disconnected { .. } => println!("disconnected"),
            _ => {}
        }
    }
    let answer = client.unregister(Call::post("/unregister")).await?;
    println!("unregistered {}", answer.status);
    Ok(())
}
