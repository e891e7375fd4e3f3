//! Sends every message back to who sent it.
//!
//! In the console of an empty browser tab, whose origin is `null`:
//! `line = new WebSocket("ws://127.0.0.1:8080"); line.onmessage = event => console.log(event.data)`

use tieline::{AcceptOptions, Answer, Deflate, Error, Origin, Origins, WebSocket};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("ws://{}", listener.local_addr()?);
    loop {
        let (stream, address) = listener.accept().await?;
        tokio::spawn(async move {
            match tieline::accept_with(stream, &options(), |_| Ok(Answer::default())).await {
                Ok(socket) => match echo(socket).await {
                    Ok(messages) => println!("{address}: {messages} messages"),
                    Err(error) => println!("{address}: {error}"),
                },
                Err(error) => println!("{address}: refused, {error}"),
            }
        });
    }
}

fn options() -> AcceptOptions {
    AcceptOptions {
        deflate: Some(Deflate::default()),
        origins: Origins::SameOriginOr(vec![Origin::NULL]),
        ..AcceptOptions::default()
    }
}

async fn echo(mut socket: WebSocket<TcpStream>) -> Result<usize, Error> {
    let mut messages = 0;
    while let Some(message) = socket.next().await {
        socket.send(message?).await?;
        messages += 1;
    }
    Ok(messages)
}
