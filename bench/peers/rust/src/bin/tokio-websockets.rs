//! tokio-websockets: messages leave in one frame, and are written when what has arrived is answered.

use peers::{Failure, MAX_MESSAGE_BYTES, Peer, Transport, Wishes};
use tokio_websockets::{Config, Error, Limits, Message, ServerBuilder};

struct TokioWebsockets;

impl Peer for TokioWebsockets {
    async fn converse<T: Transport>(transport: T, _wishes: Wishes) -> Result<(), Failure> {
        let (_request, socket) = ServerBuilder::new()
            .config(Config::default().frame_size(usize::MAX).flush_threshold(64 << 10))
            .limits(Limits::default().max_payload_len(Some(MAX_MESSAGE_BYTES)))
            .accept(transport)
            .await?;
        peers::echo(socket, |message: Result<Message, Error>| {
            Ok(Some(message?).filter(|message| message.is_text() || message.is_binary()))
        })
        .await
    }
}

fn main() {
    peers::serve::<TokioWebsockets>();
}
