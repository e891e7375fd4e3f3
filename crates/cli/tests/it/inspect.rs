//! `tieline inspect`: what it prints of a capture, and how it ends.

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::server::{folder, run, tieline};

/// A capture that is kept for `interop/inspect`.
fn kept(name: &str) -> String {
    format!("{}/../../interop/inspect/captures/{name}.pcap", env!("CARGO_MANIFEST_DIR"))
}

fn inspect(args: &[&str]) -> (i32, String, String) {
    told(&run(&[&["inspect"], args].concat()))
}

fn told(output: &Output) -> (i32, String, String) {
    let said = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), said(&output.stdout), said(&output.stderr))
}

fn events(args: &[&str]) -> Vec<Value> {
    let (code, said, error) = inspect(&[&["--json"], args].concat());
    assert_eq!(code, 0, "{error}");
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_table_shows_handshake_frames_and_end_and_then_what_there_was() {
    let (code, said, _) = inspect(&[&kept("websockets")]);
    assert_eq!(code, 0);
    for line in [
        " → GET /echo, RFC 6455 (version 13); offers permessage-deflate; client_max_window_bits\n",
        " ← 101, the accept value is right; permessage-deflate (client 15 bits with context, ",
        " → text                7 F1  a text message of 5 bytes: \"Hello\", compressed\n",
        " → text               16 .1  a part of a message\n",
        "  F.  a pong after 0.",
        "the connection is closed: 4001 (private use), \"all is said\"\n",
        " · closed cleanly with 4001 (private use); the client began; the server ended the transport\n",
        "\n  client: 9 messages, 475 bytes: 3 continuation, 6 text, 3 binary, 1 close, 1 ping; ",
        " packets; 1 connection, 1 WebSocket; 25 frames\n",
    ] {
        let line = line.strip_prefix("  F.").unwrap_or(line);
        assert!(said.contains(line), "{line:?} in {said}");
    }
    assert!(!said.contains('\x1b'));
}

#[test]
fn json_has_an_event_in_each_line_and_statistics_in_the_last() {
    let events = events(&[&kept("hixie76")]);
    let kinds: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds[..3], ["connection", "request", "response"]);
    assert_eq!(kinds[kinds.len() - 2..], ["closed", "statistics"]);
    assert_eq!(events[1]["draft"], "hixie-76");
    assert_eq!(events.last().unwrap()["websockets"], 1);
}

#[test]
fn a_filter_and_a_connection_choose_what_is_shown() {
    let filter = "event=frame from=client opcode=text text~^H";
    let shown = events(&["--filter", filter, &kept("ws")]);
    let texts: Vec<_> =
        shown.iter().filter_map(|event| event["message"]["text"].as_str()).collect();
    assert_eq!(texts, ["Hello", "Hello"]);
    assert_eq!(shown.len(), 3, "and the statistics");
    assert_eq!(events(&["--connection", "2", &kept("ws")]).len(), 1);
    let (code, _, error) = inspect(&["--filter", "opcode=txt", &kept("ws")]);
    assert_eq!(code, 2);
    assert!(error.contains("opcode is one of continuation, text, binary"), "{error}");
}

#[test]
fn the_archive_is_chromes() {
    let (code, said, _) = inspect(&["--har", &kept("chromium")]);
    assert_eq!(code, 0);
    let log = &serde_json::from_str::<Value>(&said).unwrap()["log"];
    assert_eq!((&log["version"], log["entries"].as_array().unwrap().len()), (&json!("1.2"), 1));
    let entry = &log["entries"][0];
    assert_eq!(
        (&entry["_resourceType"], &entry["response"]["status"]),
        (&json!("websocket"), &json!(101))
    );
    assert!(entry["request"]["url"].as_str().unwrap().ends_with("/echo"));
    let messages = entry["_webSocketMessages"].as_array().unwrap();
    assert_eq!(messages.len(), 12);
    let said = ["type", "opcode", "data"].map(|field| messages[0][field].clone());
    assert_eq!(said, [json!("send"), json!(1), json!("Hello")]);
    assert_eq!((&messages[11]["type"], &messages[11]["opcode"]), (&json!("receive"), &json!(2)));
    assert!(messages[11]["data"].as_str().unwrap().starts_with("AAECAwQF"));
}

#[test]
fn a_capture_comes_through_a_pipe_as_well() {
    let mut child = tieline();
    child.args(["inspect", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let capture = std::fs::read(kept("websockets")).unwrap();
    child.stdin.take().unwrap().write_all(&capture).unwrap();
    let (code, said, _) = told(&child.wait_with_output().unwrap());
    assert_eq!((code, said), (0, inspect(&[&kept("websockets")]).1));
}

#[test]
fn tls_is_decrypted_by_a_key_log_and_said_to_be_tls_without() {
    if !cfg!(feature = "tls") {
        return;
    }
    for version in ["tls-12", "tls-13"] {
        let keys = kept(version).replace(".pcap", ".keys");
        let (code, said, error) = inspect(&["--keys", &keys, &kept(version)]);
        assert_eq!(code, 0, "{error}");
        assert!(
            said.contains("TLS, decrypted by the key log") && said.contains("\"Hello\""),
            "{said}"
        );
        assert!(said.contains("closed cleanly with 4000"), "{said}");
        let (_, said, _) = inspect(&[&kept(version)]);
        assert!(said.contains("TLS, not decrypted: give --keys FILE"), "{said}");
        // The secrets of another connection.
        let others = kept("tls-12").replace(".pcap", ".keys");
        let (_, said, _) = inspect(&["--keys", &others, &kept("tls-13")]);
        assert!(said.contains("its secrets are not in the key log"), "{said}");
    }
}

#[test]
fn what_is_not_all_there_is_shown_as_far_as_it_goes_and_named() {
    let write = |name: &str, bytes: &[u8]| {
        let file = folder().join(name);
        std::fs::write(&file, bytes).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let capture = std::fs::read(kept("websockets")).unwrap();
    let (code, said, error) = inspect(&[&write("cut.pcap", &capture[..capture.len() - 70])]);
    assert_eq!(code, 1);
    assert!(said.contains("\"Hello\"") && error.contains("the capture is cut off"), "{error}");
    // Without the packet of the first Hello.
    let mut at = 24;
    let mut lens = Vec::new();
    while at < capture.len() {
        let len = u32::from_le_bytes(capture[at + 8..at + 12].try_into().unwrap()) as usize + 16;
        lens.push(at..at + len);
        at += len;
    }
    let hello = lens.iter().find(|packet| packet.len() == 16 + 14 + 20 + 32 + 13).unwrap();
    let gap = [&capture[..hello.start], &capture[hello.end..]].concat();
    let (code, said, error) = inspect(&[&write("gap.pcap", &gap)]);
    assert_eq!(code, 1);
    assert!(
        said.contains("13 bytes were not captured") && said.contains("unknown deflate context"),
        "{said}"
    );
    assert!(error.contains("13 bytes are missing in the capture"), "{error}");

    let (code, said, error) = inspect(&[&write("text", b"hello, world")]);
    assert_eq!((code, said.contains("0 packets;")), (1, true));
    assert!(error.contains("that is no capture: it begins with 68656c6c"), "{error}");
    let mut of_x25 = capture;
    of_x25[20] = 6;
    let (code, _, error) = inspect(&[&write("link.pcap", &of_x25)]);
    assert_eq!(code, 1);
    assert!(error.contains("of link 6; known are Ethernet (1)"), "{error}");
    let (code, _, error) = inspect(&["/nowhere/none.pcap"]);
    assert_eq!(code, 1);
    assert!(error.contains("cannot open \"/nowhere/none.pcap\""), "{error}");
    for args in [&[][..], &[folder().to_str().unwrap()]] {
        assert_eq!(inspect(args).0, 2);
    }
}

#[test]
fn an_interface_that_cannot_be_captured_on_is_an_error_that_says_what_to_do() {
    let (code, said, error) = inspect(&["--live", "nowhere0"]);
    assert_eq!(said, "", "{error}");
    if cfg!(feature = "live") {
        assert_eq!(code, 1);
        let is_clear =
            error.contains("there is no interface \"nowhere0\"") || error.contains("setcap");
        assert!(is_clear, "{error}");
    } else {
        assert_eq!(code, 2);
        assert!(
            error.contains("tcpdump -i nowhere0") && error.contains("--features live"),
            "{error}"
        );
    }
}
