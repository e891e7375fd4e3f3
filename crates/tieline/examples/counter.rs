//! One number that everybody sees, and anybody can move with `+` and `-`.

use std::sync::Arc;

use tieline::{CloseCode, Error, WebSocket};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let number = Arc::new(watch::Sender::new(0_i64));
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("ws://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let number = Arc::clone(&number);
        tokio::spawn(async move {
            let Ok(socket) = tieline::accept(stream).await else { return };
            if let Err(error) = count(socket, &number).await {
                println!("{error}");
            }
        });
    }
}

async fn count(mut socket: WebSocket<TcpStream>, number: &watch::Sender<i64>) -> Result<(), Error> {
    let mut seen = number.subscribe();
    seen.mark_changed();
    loop {
        // Both may be dropped half-way: neither loses anything.
        tokio::select! {
            Ok(()) = seen.changed() => {
                let now = *seen.borrow_and_update();
                socket.send(now.to_string()).await?;
            }
            message = socket.next() => match message {
                None => return Ok(()),
                Some(message) => match message?.text() {
                    Some("+") => number.send_modify(|number| *number += 1),
                    Some("-") => number.send_modify(|number| *number -= 1),
                    _ => return socket.close(CloseCode::POLICY, "say + or -").await,
                },
            },
        }
    }
}
