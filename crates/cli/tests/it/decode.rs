//! `tieline decode`: what it prints, and how it ends.

use std::io::Write;
use std::process::{Output, Stdio};

use crate::server::{folder, run, tieline};

fn decode(args: &[&str]) -> (i32, String, String) {
    told(&run(&[&["decode"], args].concat()))
}

fn told(output: &Output) -> (i32, String, String) {
    let said = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), said(&output.stdout), said(&output.stderr))
}

#[test]
fn every_bit_is_named_and_the_message_shown() {
    let (code, said, _) = decode(&["81 86 af 87 53 b4 4b 3a f3 51 0a 3a"]);
    assert_eq!(code, 0);
    let expected = "\
frame 1 at byte 0: text
  81                        1... ....  FIN: the last of its message
                            .000 ....  no RSV bit
                            .... 0001  opcode 0x1: text
  86                        1... ....  MASK: a client's
                            .000 0110  length 6
  af 87 53 b4               masking key
  4b 3a f3 51 0a 3a         payload, masked
  e4 bd a0 e5 a5 bd         payload, unmasked
  → a text message of 6 bytes: \"你好\"

";
    assert_eq!(said, expected);
}

#[test]
fn bytes_come_as_words_from_a_file_and_from_standard_input() {
    let hello = b"\x81\x05Hello\x89\x00";
    let file = folder().join("frames.bin");
    std::fs::write(&file, hello).unwrap();
    let (_, words, _) = decode(&["81", "05", "48", "65", "6c", "6c", "6f", "89", "00"]);
    assert!(words.contains("\"Hello\"") && words.contains("a ping"), "{words}");
    let (_, of_file, _) = decode(&[file.to_str().unwrap()]);
    assert_eq!(of_file, words);
    let mut child = tieline();
    child.args(["decode", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"<Buffer 81 05 48 65 6c 6c 6f 89 00>\n").unwrap();
    assert_eq!(told(&child.wait_with_output().unwrap()).1, words);
}

#[test]
fn what_is_wrong_is_named_with_the_code_that_it_earns() {
    let (code, said, error) = decode(&["c1 01 61 81 00"]);
    assert_eq!(code, 4);
    assert!(said.contains("--deflate"), "{said}");
    let wrong = "wrong: reserved bit is set without an extension; \
                 the connection fails with 1002 (protocol error)";
    assert!(said.contains(wrong) && said.contains("2 bytes behind it are not read"), "{said}");
    assert!(error.contains("a frame breaks the protocol"), "{error}");

    let (code, said, error) = decode(&["81 7e 01 00 61"]);
    assert_eq!(code, 1);
    assert!(said.contains("cut off: 255 bytes are missing"), "{said}");
    assert!(error.contains("the last frame is cut off"), "{error}");

    for input in ["hello!", ""] {
        let (code, said, error) = decode(&[input]);
        assert_eq!((code, said.as_str()), (2, ""), "{error}");
    }
}

#[test]
fn a_script_reads_a_frame_a_line_and_nothing_steers_a_terminal() {
    let args = ["--json", "--deflate", "c1 07 f2 48 cd c9 c9 07 00 88 02 03 e8"];
    let (code, said, _) = decode(&args);
    assert_eq!(code, 0);
    let lines: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["message"]["text"], "Hello");
    assert_eq!((&lines[0]["rsv"], &lines[0]["offset"]), (&4.into(), &0.into()));
    assert_eq!(lines[1]["close"]["code"], 1000);

    let (_, said, _) = decode(&["81 05 1b 5b 32 4a 07"]);
    assert!(said.contains(r#""\u{1b}[2J\u{7}""#) && !said.contains('\u{1b}'), "{said:?}");
}
