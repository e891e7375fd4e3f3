//! Masking against a plain loop: `cargo bench -p tieline-proto --bench mask`.
#![allow(missing_docs, reason = "what the macros of the bench make")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tieline_proto::mask;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn masking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mask");
    for len in [13, 125, 1 << 10, 16 << 10, 1 << 20] {
        let mut data = vec![0x2A; len];
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(BenchmarkId::new("apply", len), |bencher| {
            bencher.iter(|| mask::apply(black_box(&mut data), black_box(KEY)));
        });
        group.bench_function(BenchmarkId::new("plain loop", len), |bencher| {
            bencher.iter(|| {
                let key = black_box(KEY);
                for (at, byte) in black_box(&mut data).iter_mut().enumerate() {
                    *byte ^= key[at % 4];
                }
            });
        });
    }
}

criterion_group!(benches, masking);
criterion_main!(benches);
