//! Checking UTF-8, whole and in pieces, against std: `cargo bench -p tieline-proto --bench utf8`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use tieline_proto::utf8::{self, Validator};

fn main() {
    divan::main();
}

fn texts() -> [(&'static str, String); 2] {
    [("ascii", "plain text ".repeat(1_500)), ("greek", "κόσμε και άλλα ".repeat(700))]
}

#[divan::bench(args = [0, 1])]
fn whole(bencher: Bencher<'_, '_>, which: usize) {
    let (_, text) = &texts()[which];
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| utf8::is_valid(black_box(text.as_bytes())));
}

#[divan::bench(args = [0, 1])]
fn in_pieces(bencher: Bencher<'_, '_>, which: usize) {
    let (_, text) = &texts()[which];
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let mut validator = Validator::default();
        black_box(text.as_bytes()).chunks(1_001).all(|piece| validator.push(piece).is_ok())
    });
}

#[divan::bench(args = [0, 1])]
fn std_whole(bencher: Bencher<'_, '_>, which: usize) {
    let (_, text) = &texts()[which];
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| std::str::from_utf8(black_box(text.as_bytes())).is_ok());
}
