//! Says on a WebSocket what is typed, and prints what comes back.
//!
//! ```text
//! cargo run --example client -- ws://127.0.0.1:8080/echo
//! ```

use std::error::Error;

use tieline::{CloseCode, Connect, Deflate, Message};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:8080/echo".to_owned());
    let mut socket = Connect::to(url).deflate(Deflate::default()).open().await?;
    println!("connected to {}; an empty line, or its end, closes", socket.url());

    let mut lines = BufReader::new(stdin()).lines();
    loop {
        // Both may be dropped at any time and lose nothing.
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) if !line.is_empty() => socket.send(line).await?,
                _ => break,
            },
            message = socket.next() => match message.transpose()? {
                Some(Message::Text(text)) => println!("{text}"),
                Some(Message::Binary(bytes)) => println!("{} bytes", bytes.len()),
                None => break,
            },
        }
    }
    socket.close(CloseCode::NORMAL, "").await?;
    println!("{}", socket.closed().expect("it was closed"));
    Ok(())
}
