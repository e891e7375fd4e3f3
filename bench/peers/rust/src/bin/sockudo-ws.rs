//! sockudo-ws: `feed` and `flush` at the end of a batch, as its documentation advises; one timer less (no idle limit).

use peers::{Failure, MAX_MESSAGE_BYTES, Peer, Transport, Wishes};
use sockudo_ws::stream::CompressedWebSocketStream;
use sockudo_ws::{Config, DeflateConfig, Error, Message, WebSocketStream};

struct Sockudo;

impl Peer for Sockudo {
    const DEFLATE: bool = true;

    async fn converse<T: Transport>(mut transport: T, wishes: Wishes) -> Result<(), Failure> {
        let config = Config::builder()
            .max_payload_length(MAX_MESSAGE_BYTES)
            .write_buffer_size(if wishes.lean { 1 << 10 } else { 64 << 10 })
            .write_coalescing(true)
            .idle_timeout(0)
            .build();
        peers::shake_hands(&mut transport, wishes.deflate).await?;
        if wishes.deflate {
            let deflate = DeflateConfig {
                server_no_context_takeover: true,
                client_no_context_takeover: true,
                ..DeflateConfig::default()
            };
            return peers::echo(
                CompressedWebSocketStream::server(transport, config, deflate),
                answer,
            )
            .await;
        }
        peers::echo(WebSocketStream::server(transport, config), answer).await
    }
}

fn answer(message: Result<Message, Error>) -> Result<Option<Message>, Failure> {
    Ok(Some(message?).filter(|message| matches!(message, Message::Text(_) | Message::Binary(_))))
}

fn main() {
    peers::serve::<Sockudo>();
}
