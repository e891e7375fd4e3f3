//! yawc: 128 KiB to read, 64 KiB to write and batches of 32, as its own benchmark is tuned; 1 KiB where many are idle.

use std::sync::OnceLock;

use peers::{Failure, MAX_MESSAGE_BYTES, Peer, Transport, Wishes};
use yawc::{DeflatePool, Frame, OpCode, Options, Role, WebSocket};

struct Yawc;

/// One compressor and one inflater for all connections, of which none keeps its context.
static POOL: OnceLock<DeflatePool> = OnceLock::new();

impl Peer for Yawc {
    const DEFLATE: bool = true;

    async fn converse<T: Transport>(mut transport: T, wishes: Wishes) -> Result<(), Failure> {
        peers::shake_hands(&mut transport, wishes.deflate).await?;
        let mut options = Options::default()
            .with_limits(MAX_MESSAGE_BYTES + 1, 2 * MAX_MESSAGE_BYTES)
            .with_utf8();
        options = match wishes.lean {
            true => options.with_read_buffer_capacity(1 << 10).with_write_buffer_capacity(1 << 10),
            false => {
                options.with_read_buffer_capacity(128 << 10).with_backpressure_boundary(64 << 10)
            }
        };
        if wishes.deflate {
            options = options
                .with_balanced_compression()
                .server_no_context_takeover()
                .client_no_context_takeover()
                .with_deflate_pool(POOL.get_or_init(|| DeflatePool::new(1)).clone());
        }
        let extensions = wishes.deflate.then_some(peers::DEFLATE);
        let socket =
            WebSocket::from_stream_with_extensions(transport, Role::Server, extensions, options)?;
        peers::echo(socket, |frame: Frame| {
            Ok(Some(frame).filter(|frame| matches!(frame.opcode(), OpCode::Text | OpCode::Binary)))
        })
        .await
    }
}

fn main() {
    peers::serve::<Yawc>();
}
