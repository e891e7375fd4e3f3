//! The committed seeds of every fuzz target, run as a plain test.

use std::fs;
use std::path::Path;

use tieline_proto::fuzzing::TARGETS;

#[test]
fn every_seed_of_every_target_passes() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    for (name, target) in TARGETS {
        let folder =
            fs::read_dir(seeds.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut ran = 0;
        for seed in folder {
            target(&fs::read(seed.unwrap().path()).unwrap());
            ran += 1;
        }
        assert!((1..=50).contains(&ran), "{name} has {ran} seeds");
    }
}

#[test]
fn bytes_in_steps_pass_every_target() {
    let bytes: Vec<u8> = (0..2_000u32).map(|n| ((n * n) >> 3) as u8).collect();
    for (name, target) in TARGETS {
        for len in (0..bytes.len()).step_by(97) {
            target(&bytes[..len]);
            target(&bytes[len..]);
        }
        println!("{name} ok");
    }
}
