//! 16 KiB of JSON inflated and compressed again, without kept windows:
//! `cargo bench -p tieline-proto --bench deflate`, and once more with `--features libdeflate`.
#![allow(missing_docs, reason = "what the macros of the bench make")]

mod scene;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scene::{Echo, LONG, json};

fn echoing(criterion: &mut Criterion) {
    let codec = if cfg!(feature = "libdeflate") { "libdeflate" } else { "zlib-rs" };
    let mut group = criterion.benchmark_group("deflate");
    group.throughput(Throughput::Bytes(LONG as u64));
    for level in 1..=9 {
        let mut echo = Echo::deflated(level, &json(LONG));
        let bytes = echo.run();
        group.bench_function(BenchmarkId::new(codec, format!("{level}, {bytes} B")), |bencher| {
            bencher.iter(|| echo.run());
        });
    }
}

criterion_group!(benches, echoing);
criterion_main!(benches);
