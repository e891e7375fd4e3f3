#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tieline_proto::fuzzing::run("extensions", data));
