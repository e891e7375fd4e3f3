//! A chat: what one says, everybody hears. The path is the name, as in `ws://127.0.0.1:8080/ada`.

use tieline::http::StatusCode;
use tieline::{AcceptOptions, Answer, CloseCode, Error, Request, WebSocket};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let room = broadcast::Sender::new(100);
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("ws://{}/your-name", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(enter(stream, room.clone()));
    }
}

async fn enter(stream: TcpStream, room: broadcast::Sender<String>) {
    let mut name = String::new();
    let choose = |request: &Request| {
        name = request.path().trim_start_matches('/').to_owned();
        if name.is_empty() { Err(StatusCode::NOT_FOUND.into()) } else { Ok(Answer::default()) }
    };
    match tieline::accept_with(stream, &AcceptOptions::default(), choose).await {
        Ok(socket) => println!("{name} left: {:?}", chat(socket, &name, &room).await),
        Err(error) => println!("refused: {error}"),
    }
}

async fn chat(
    socket: WebSocket<TcpStream>,
    name: &str,
    room: &broadcast::Sender<String>,
) -> Result<(), Error> {
    let (mut sender, mut receiver) = socket.split();
    let mut heard = room.subscribe();
    let hearing = tokio::spawn(async move {
        loop {
            let sent = match heard.recv().await {
                Ok(said) => sender.send(said).await,
                Err(_missed) => sender.close(CloseCode::POLICY, "too slow").await,
            };
            if sent.is_err() {
                return;
            }
        }
    });
    let end = loop {
        match receiver.next().await {
            // Somebody hears it: the speaker does.
            Some(Ok(said)) => _ = room.send(format!("{name}: {}", said.text().unwrap_or("…"))),
            Some(Err(error)) => break Err(error),
            None => break Ok(()),
        }
    };
    hearing.abort();
    end
}
