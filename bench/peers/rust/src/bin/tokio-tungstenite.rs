//! tokio-tungstenite: buffers of 128 KiB as its documentation advises for much reading, 4 KiB where many are idle.

use peers::{Failure, MAX_MESSAGE_BYTES, Peer, Transport, Wishes};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

struct Tungstenite;

impl Peer for Tungstenite {
    async fn converse<T: Transport>(transport: T, wishes: Wishes) -> Result<(), Failure> {
        let buffer = if wishes.lean { 4 << 10 } else { 128 << 10 };
        let config = WebSocketConfig::default()
            .read_buffer_size(buffer)
            .write_buffer_size(buffer)
            .max_message_size(Some(MAX_MESSAGE_BYTES));
        let socket = tokio_tungstenite::accept_async_with_config(transport, Some(config)).await?;
        peers::echo(socket, |message: Result<Message, Error>| {
            Ok(Some(message?).filter(|message| message.is_text() || message.is_binary()))
        })
        .await
    }
}

fn main() {
    peers::serve::<Tungstenite>();
}
