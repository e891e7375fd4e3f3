//! The committed seeds of the fuzz target `pcap`, run as a plain test.

use std::fs;
use std::path::Path;

use tieline_inspect::fuzzing;

#[test]
fn every_seed_passes() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/pcap");
    let mut ran = 0;
    for seed in fs::read_dir(seeds).unwrap() {
        fuzzing::pcap(&fs::read(seed.unwrap().path()).unwrap());
        ran += 1;
    }
    assert!((1..=50).contains(&ran), "there are {ran} seeds");
}

#[test]
fn bytes_in_steps_pass() {
    let bytes: Vec<u8> = (0..2_000u32).map(|n| ((n * n) >> 3) as u8).collect();
    for kind in 0..3 {
        for len in (0..bytes.len()).step_by(97) {
            fuzzing::pcap(&[&[kind], &bytes[..len]].concat());
            fuzzing::pcap(&[&[kind], &bytes[len..]].concat());
        }
    }
}
