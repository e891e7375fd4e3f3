//! Checking UTF-8, whole and in pieces, against std: `cargo bench -p tieline-proto --bench utf8`.
#![allow(missing_docs, reason = "what the macros of the bench make")]

mod scene;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scene::{LONG, SHORT, text};
use tieline_proto::utf8::{self, Validator};

fn checking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("utf8");
    for (name, word, len) in [
        ("ascii, short", "plain text ", SHORT),
        ("ascii", "plain text ", LONG),
        ("greek", "κόσμε και άλλα ", LONG),
    ] {
        let text = text(word, len);
        let bytes = text.as_bytes();
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("whole", name), |bencher| {
            bencher.iter(|| utf8::is_valid(black_box(bytes)));
        });
        group.bench_function(BenchmarkId::new("in pieces of 1,001", name), |bencher| {
            bencher.iter(|| {
                let mut validator = Validator::default();
                black_box(bytes).chunks(1_001).all(|piece| validator.push(piece).is_ok())
            });
        });
        group.bench_function(BenchmarkId::new("std", name), |bencher| {
            bencher.iter(|| std::str::from_utf8(black_box(bytes)).is_ok());
        });
    }
}

criterion_group!(benches, checking);
criterion_main!(benches);
