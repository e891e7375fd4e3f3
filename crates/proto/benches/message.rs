//! A message in and its echo out, protocol only: `cargo bench -p tieline-proto --bench message`.
//!
//! The count of allocations is the point: a message that lies whole in the buffer costs none.

use std::time::Instant;

use divan::{AllocProfiler, Bencher};
use tieline_proto::frame::{Header, Opcode};
use tieline_proto::handshake::Agreement;
use tieline_proto::{Connection, Event, Limits, Role, mask};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const SIZES: [usize; 3] = [128, 1 << 10, 16 << 10];

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
#[expect(clippy::disallowed_methods, reason = "an Instant has no other origin")]
fn echo(bencher: Bencher<'_, '_>, len: usize) {
    let now = Instant::now();
    let mut server = Connection::new(Role::Server, &Agreement::default(), Limits::default(), now);
    let key = [1, 2, 3, 4];
    let mut wire = Vec::new();
    let header =
        Header { fin: true, reserved: 0, opcode: Opcode::Text, mask: Some(key), len: len as u64 };
    header.encode(&mut wire);
    let start = wire.len();
    wire.resize(start + len, b'x');
    mask::apply(&mut wire[start..], key);

    let mut buffer = wire.clone();
    let mut out = Vec::with_capacity(2 * wire.len());
    bencher.bench_local(|| {
        // The copy stands for the read: bytes are unmasked where they lie.
        buffer.copy_from_slice(&wire);
        out.clear();
        let (mut events, outgoing) = server.receive(&mut buffer, now);
        while let Some(event) = events.next(outgoing) {
            if let Event::Message(message) = event {
                outgoing.send(message.kind(), message.payload(), &mut out).expect("still open");
            }
        }
    });
}
