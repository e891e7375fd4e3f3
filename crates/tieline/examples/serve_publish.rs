//! Publish and subscribe: `+topic` and `-topic` subscribe and unsubscribe, `topic message` publishes.
//!
//! On the path `/fan-out` there are no commands: every message goes to all links there, its speaker
//! included.
//!
//! ```text
//! cargo run --features serve --example serve_publish -- 127.0.0.1:8080 --workers 2
//! tieline connect ws://127.0.0.1:8080/
//! ```

use tieline::serve::{self, Link, ListenOptions, Message, Place, Server, ServerOptions};

/// The path of the fan-out, and the topic that all links there hear.
const FAN_OUT: &str = "/fan-out";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = ServerOptions::default();
    let mut address = "127.0.0.1:8080".to_owned();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--workers" => {
                options.workers = arguments.next().ok_or("--workers needs a number")?.parse()?;
            }
            _ => address = argument,
        }
    }
    let mut server = Server::new(options);
    server.listen(&Place::Tcp(address.parse()?), ListenOptions::default())?;
    println!("listening on ws://{}/", server.places()[0]);
    Ok(server.run(|| {
        serve::links(
            |link, request| {
                let fans_out = request.path() == FAN_OUT;
                if fans_out {
                    link.subscribe(FAN_OUT);
                }
                fans_out
            },
            |fans_out, link, message| match fans_out {
                true => link.worker().publish(FAN_OUT, message),
                false => obey(link, message),
            },
            |_, _, _| (),
        )
    })?)
}

fn obey(link: &Link, message: Message<'_>) {
    let command = message.text().unwrap_or_default();
    if let Some(topic) = command.strip_prefix('+') {
        link.subscribe(topic);
    } else if let Some(topic) = command.strip_prefix('-') {
        link.unsubscribe(topic);
    } else if let Some((topic, news)) = command.split_once(' ') {
        link.worker().publish(topic, news);
    } else {
        link.send("say +topic, -topic or: topic message");
    }
}
