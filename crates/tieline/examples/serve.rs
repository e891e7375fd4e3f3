//! An echo server with a worker for each core: `cargo run --features serve --example serve -- 127.0.0.1:8080`.

use tieline::serve::{self, Server};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let server = Server::bind(address)?;
    println!("listening on ws://{}/", server.places()[0]);
    Ok(server.run(|| serve::messages(|link, message| link.send(message)))?)
}
