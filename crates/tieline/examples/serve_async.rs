//! A clock that ticks for each link and can be asked to go faster: an async function with a timer.
//!
//! ```text
//! cargo run --features serve --example serve_async -- 127.0.0.1:8080
//! tieline connect ws://127.0.0.1:8080/      (and say a number of milliseconds, or "stop")
//! ```

use std::time::Duration;

use tieline::serve::{self, Conversation, Server};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let server = Server::bind(address)?;
    println!("listening on ws://{}/", server.places()[0]);
    Ok(server.run(|| serve::tasks(tick))?)
}

/// Its end closes the link.
async fn tick(mut conversation: Conversation) {
    let mut clock = tokio::time::interval(Duration::from_secs(1));
    let mut ticks = 0;
    loop {
        tokio::select! {
            _ = clock.tick() => {
                ticks += 1;
                conversation.link().send(format!("tick {ticks}"));
            }
            said = conversation.next() => {
                let Some(said) = said else { return };
                match said.text().map(str::parse) {
                    Some(Ok(millis @ 1..)) => {
                        clock = tokio::time::interval(Duration::from_millis(millis));
                    }
                    _ if said.text() == Some("stop") => return,
                    _ => conversation.link().send("say a number of milliseconds, or stop"),
                }
            }
        }
    }
}
