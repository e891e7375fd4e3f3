//! fastwebsockets: frames straight over the socket, without a layer of hyper between; it writes each frame at once.

use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use peers::{Failure, MAX_MESSAGE_BYTES, Peer, Transport, Wishes};

struct Fastwebsockets;

impl Peer for Fastwebsockets {
    async fn converse<T: Transport>(mut transport: T, _wishes: Wishes) -> Result<(), Failure> {
        peers::shake_hands(&mut transport, false).await?;
        let mut socket = WebSocket::after_handshake(transport, Role::Server);
        socket.set_auto_close(true);
        socket.set_auto_pong(true);
        socket.set_writev(true);
        socket.set_max_message_size(MAX_MESSAGE_BYTES);
        let mut socket = FragmentCollector::new(socket);
        loop {
            let frame = socket.read_frame().await?;
            match frame.opcode {
                OpCode::Close => return Ok(()),
                OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
                _ => {}
            }
        }
    }
}

fn main() {
    peers::serve::<Fastwebsockets>();
}
