//! A chat with a worker for each core: what one says, everybody hears. The path is the name.
//!
//! ```text
//! cargo run --features serve --example serve_chat -- 127.0.0.1:8080
//! tieline connect ws://127.0.0.1:8080/ada
//! ```

use tieline::http::StatusCode;
use tieline::serve::{Arrival, Handler, Link, Message, Server};
use tieline::{Agreement, Answer, Closed, Refusal, Request};

/// The topic that everybody hears.
const ROOM: &str = "room";

struct Chat;

impl Handler for Chat {
    /// The name.
    type State = String;

    fn admit(&mut self, request: &Request, _: &Arrival) -> Result<Answer, Refusal> {
        match request.path() {
            "/" => Err(Refusal::new(StatusCode::NOT_FOUND, "add your name to the address\n")),
            _ => Ok(Answer::default()),
        }
    }

    fn open(&mut self, link: &Link, request: &Request, _: &Agreement) -> String {
        let name = request.path()[1..].to_owned();
        link.subscribe(ROOM);
        link.worker().publish(ROOM, format!("{name} is here"));
        name
    }

    fn message(&mut self, name: &mut String, link: &Link, message: Message<'_>) {
        let said = message.text().unwrap_or("…");
        link.worker().publish(ROOM, format!("{name}: {said}"));
    }

    fn close(&mut self, name: String, link: &Link, _: &Closed) {
        link.worker().publish(ROOM, format!("{name} has left"));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let server = Server::bind(address)?;
    println!("listening on ws://{}/your-name", server.places()[0]);
    Ok(server.run(|| Chat)?)
}
