//! Headers, decoded and encoded: `cargo bench -p tieline-proto --bench header`.
#![allow(missing_docs, reason = "what the macros of the bench make")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tieline_proto::frame::{Header, Opcode};

fn headers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("header");
    for len in [100, 1_000, 100_000] {
        let mask = Some([1, 2, 3, 4]);
        let header = Header { fin: true, reserved: 0, opcode: Opcode::Binary, mask, len };
        let mut wire = Vec::with_capacity(64);
        header.encode(&mut wire);
        group.bench_function(BenchmarkId::new("decode", len), |bencher| {
            bencher.iter(|| Header::decode(black_box(&wire)));
        });
        group.bench_function(BenchmarkId::new("encode", len), |bencher| {
            let mut out = Vec::with_capacity(64);
            bencher.iter(|| {
                out.clear();
                black_box(&header).encode(&mut out);
                out.len()
            });
        });
    }
}

criterion_group!(benches, headers);
criterion_main!(benches);
