//! Instructions counted, the same on every machine: `make counts`.
#![allow(missing_docs, unused_qualifications, reason = "what the macros of the bench make")]

mod scene;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use scene::{Echo, LONG, SHORT, frame, json, text};
use tieline_proto::frame::{Header, Opcode};
use tieline_proto::{mask, utf8};

#[library_benchmark]
#[bench::short(frame(Opcode::Binary, &[0x2A; SHORT]))]
fn decode(wire: Vec<u8>) -> usize {
    let header = Header::decode(black_box(&wire));
    header.is_ok_and(|header| header.is_some()).into()
}

#[library_benchmark]
#[bench::short(vec![0x2A; SHORT])]
#[bench::long(vec![0x2A; LONG])]
fn unmask(mut data: Vec<u8>) -> Vec<u8> {
    mask::apply(black_box(&mut data), black_box([1, 2, 3, 4]));
    data
}

#[library_benchmark]
#[bench::short(Vec::with_capacity(64), SHORT)]
fn encode(mut out: Vec<u8>, len: usize) -> Vec<u8> {
    let len = len as u64;
    let header = Header { fin: true, reserved: 0, opcode: Opcode::Binary, mask: None, len };
    black_box(&header).encode(&mut out);
    out
}

#[library_benchmark]
#[bench::ascii_short(text("x", SHORT))]
#[bench::ascii(text("x", LONG))]
#[bench::greek(text("κόσμε και άλλα ", LONG))]
fn check(text: String) -> bool {
    utf8::is_valid(black_box(text.as_bytes()))
}

fn warm(mut echo: Echo) -> Echo {
    echo.run();
    echo
}

#[library_benchmark]
#[bench::sixteen_binary(warm(Echo::new(frame(Opcode::Binary, &[0x2A; SHORT]).repeat(16))))]
#[bench::sixteen_ascii(warm(Echo::new(frame(Opcode::Text, &[b'x'; SHORT]).repeat(16))))]
#[bench::long_greek(warm(Echo::new(frame(Opcode::Text, text("κόσμε και άλλα ", LONG).as_bytes()))))]
#[bench::json_deflated(warm(Echo::deflated(6, &json(LONG))))]
fn echo(mut echo: Echo) -> (usize, Echo) {
    (echo.run(), echo)
}

library_benchmark_group!(name = core, benchmarks = [decode, unmask, encode, check, echo]);
main!(library_benchmark_groups = core);
