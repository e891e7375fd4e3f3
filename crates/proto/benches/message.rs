//! Messages in and their echoes out, protocol only: `cargo bench -p tieline-proto --bench message`.
//!
//! Of short messages sixteen lie in one buffer, as a busy line reads them: the figure to look at is
//! the time of one element.
#![allow(missing_docs, reason = "what the macros of the bench make")]

mod scene;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scene::{Echo, LONG, SHORT, frame, text};
use tieline_proto::frame::Opcode;

fn echoing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("message");
    let binary = frame(Opcode::Binary, &[0x2A; SHORT]);
    let short = frame(Opcode::Text, text("x", SHORT).as_bytes());
    let greek = frame(Opcode::Text, text("κόσμε και άλλα ", LONG).as_bytes());
    let ascii = frame(Opcode::Text, text("x", LONG).as_bytes());
    for (name, wire, count) in [
        ("16 short binary", binary.repeat(16), 16),
        ("16 short ascii", short.repeat(16), 16),
        ("long ascii", ascii, 1),
        ("long greek", greek, 1),
    ] {
        let mut echo = Echo::new(wire);
        group.throughput(Throughput::Elements(count));
        group.bench_function(name, |bencher| bencher.iter(|| echo.run()));
    }
}

criterion_group!(benches, echoing);
criterion_main!(benches);
