//! Masking against a plain loop: `cargo bench -p tieline-proto --bench mask`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use tieline_proto::mask;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const SIZES: [usize; 5] = [13, 125, 1 << 10, 16 << 10, 1 << 20];

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn apply(bencher: Bencher<'_, '_>, len: usize) {
    let mut data = vec![0x2A; len];
    bencher
        .counter(BytesCount::new(len))
        .bench_local(|| mask::apply(black_box(&mut data), black_box(KEY)));
}

#[divan::bench(args = SIZES)]
fn plain_loop(bencher: Bencher<'_, '_>, len: usize) {
    let mut data = vec![0x2A; len];
    bencher.counter(BytesCount::new(len)).bench_local(|| {
        let key = black_box(KEY);
        for (at, byte) in black_box(&mut data).iter_mut().enumerate() {
            *byte ^= key[at % 4];
        }
    });
}
