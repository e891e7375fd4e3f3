//! `tieline bench` against the server, and against servers that do everything wrong.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::thread;
use std::time::Instant;

use serde_json::Value;
use tieline_proto::handshake::accept_key;

use crate::server::{PATIENCE, Server, folder, run, tieline};
use crate::tls::{authority, write_certificate};

/// A short run; what it says on standard output, and the code it ends with.
fn bench(url: &str, more: &[&str]) -> Output {
    let mut args = vec!["bench", url, "--duration", "300ms", "--warm-up", "50ms"];
    args.extend(more);
    run(&args)
}

/// The report of a run that went well.
fn measured(url: &str, more: &[&str]) -> Value {
    let output = bench(url, &[more, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(both).unwrap()
}

/// A run that ends with this code, and says this.
fn ends_with(code: i32, words: &str, url: &str, more: &[&str]) {
    let output = bench(url, more);
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    assert!(said(&output).contains(words), "{}", said(&output));
}

/// A server that agrees to every handshake and then does as it is told with each connection.
fn scripted(script: impl Fn(TcpStream) + Send + Sync + Copy + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let head = read_head(&mut stream);
                let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
                let answer = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                     Connection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
                    accept_key(key.unwrap())
                );
                stream.write_all(answer.as_bytes()).unwrap();
                script(stream);
            });
        }
    });
    url
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

/// Reads one frame of the client's with a short payload; answers its first byte.
fn read_frame(stream: &mut TcpStream) -> u8 {
    let mut header = [0; 6];
    stream.read_exact(&mut header).unwrap();
    let mut payload = vec![0; usize::from(header[1] & 0x7F)];
    stream.read_exact(&mut payload).unwrap();
    header[0]
}

#[test]
fn the_report_holds_every_number_and_they_agree() {
    let server = Server::start(&[]);
    let (url, pid) = (server.url("/echo"), server.pid().to_string());
    let more = ["--connections", "8", "--in-flight", "4", "--size", "100", "--pid", &pid];
    let report = measured(&url, &more);
    let keys: Vec<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys.join(" "),
        "bytes_received bytes_sent connect connections deflate errors generator in_flight kind \
         latency_us messages_per_second messages_received messages_sent mode payload_bytes seconds \
         server tls url"
    );
    assert_eq!(report["url"], url);
    assert_eq!((&report["mode"], &report["kind"]), (&"closed".into(), &"binary".into()));
    assert_eq!((&report["connections"], &report["in_flight"]), (&8.into(), &4.into()));
    assert_eq!((&report["deflate"], &report["tls"]), (&false.into(), &false.into()));
    assert_eq!(report["payload_bytes"], 100);
    assert_eq!(report["errors"].as_object().unwrap().len(), 0);
    let count = |name: &str| report[name].as_u64().unwrap();
    let received = count("messages_received");
    assert!(received > 0 && received.abs_diff(count("messages_sent")) <= 2 * 8 * 4, "{report}");
    assert!(count("bytes_received").abs_diff(received * 102) <= 2 * 8 * 4 * 102, "{report}");
    let rate = received as f64 / report["seconds"].as_f64().unwrap();
    assert!((report["messages_per_second"].as_f64().unwrap() / rate - 1.0).abs() < 1e-6);
    let times = ["min", "p50", "p90", "p99", "p999", "max"];
    let times = times.map(|name| report["latency_us"][name].as_f64().unwrap());
    assert!(times[0] > 0.0 && times.is_sorted(), "{report}");
    assert_eq!(report["connect"]["failed"], 0);
    let of_server = &report["server"];
    assert_eq!(of_server["pid"], server.pid());
    for name in ["cpu_ns", "cpu_ns_per_message", "rss_before_bytes", "rss_bytes"] {
        assert!(of_server[name].as_f64().unwrap() > 0.0, "{name}: {report}");
    }
    assert!(of_server["rss_bytes_per_connection"].is_number());
}

#[test]
fn a_person_gets_a_summary() {
    let server = Server::start(&[]);
    let output = bench(&server.url("/echo"), &["--threads", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    for word in ["64 opened", "128 bytes of binary", "a second", "B/s", "p99.9", "of a core"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "no terminal, no progress");
}

#[test]
fn what_was_asked_for_and_missed_ends_with_1() {
    let server = Server::start(&[]);
    let url = server.url("/echo");
    ends_with(1, "p99 is", &url, &["--max-p99", "1us"]);
    ends_with(1, "messages a second, below", &url, &["--min-rate", "1000000000000"]);
    measured(&url, &["--max-p99", "1h", "--min-rate", "0.1"]);
}

#[test]
fn who_cannot_be_reached_ends_with_3() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", closed.local_addr().unwrap());
    drop(closed);
    ends_with(3, "Connection refused", &url, &[]);
    let server = Server::start(&[]);
    ends_with(3, "404", &server.url("/nothing"), &[]);
    ends_with(3, "could not connect", &server.url("/echo"), &["--source", "192.0.2.1"]);
}

#[test]
fn what_makes_no_sense_ends_with_2() {
    ends_with(2, "write `ws://`", "http://127.0.0.1/", &[]);
    ends_with(2, "cannot be used with", "ws://127.0.0.1/", &["--rate", "5", "--idle"]);
    ends_with(2, "is no header", "ws://127.0.0.1/", &["--header", "none"]);
    ends_with(2, "belongs to the handshake", "ws://127.0.0.1/", &["-H", "Sec-WebSocket-Key: mine"]);
    ends_with(2, "a process 4294967295", "ws://127.0.0.1/", &["--pid", "4294967295"]);
}

#[test]
fn too_few_descriptors_are_told_with_what_helps() {
    let program = tieline().get_program().to_owned();
    let script = "ulimit -n 128 && exec \"$0\" bench ws://127.0.0.1/ --connections 100";
    let output = Command::new("sh").args(["-c", script]).arg(program).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("RLIMIT_NOFILE"), "{}", said(&output));
    assert!(said(&output).contains("ulimit -n 164"), "{}", said(&output));
}

#[test]
fn a_server_that_closes_is_told_with_its_code() {
    let server = Server::start(&[]);
    ends_with(1, "64 closed: closed with 1003", &server.url("/chat"), &[]);
    measured(&server.url("/chat"), &["--max-errors", "10000"]);
    let binary = ["--fan-out", "--binary", "--connections", "3"];
    ends_with(1, "1 closed: closed with 1003", &server.url("/chat"), &binary);
}

#[test]
fn a_server_that_breaks_the_protocol_ends_with_4() {
    let masked = scripted(|mut stream| {
        read_frame(&mut stream);
        stream.write_all(&[0x82, 0x80, 0, 0, 0, 0]).unwrap();
        // The close frame tells it why.
        assert_eq!(read_frame(&mut stream), 0x88);
    });
    let one = ["--connections", "1", "--size", "5"];
    ends_with(4, "the server broke the protocol", &masked, &one);
    let wrong = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", wrong.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = wrong.accept().unwrap();
        read_head(&mut stream);
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").unwrap();
    });
    ends_with(4, "the server broke the protocol", &url, &one);
}

#[test]
fn pings_are_answered_and_fragments_are_one_message() {
    let url = scripted(|mut stream| {
        while read_frame(&mut stream) == 0x82 {
            stream.write_all(&[0x02, 2, 7, 7, 0x89, 1, b'?', 0x80, 3, 7, 7, 7]).unwrap();
            assert_eq!(read_frame(&mut stream), 0x8A);
        }
    });
    // The pong comes before the next message only if it is sent for the ping.
    let report = measured(&url, &["--connections", "1", "--size", "5"]);
    assert!(report["messages_received"].as_u64().unwrap() > 1, "{report}");
}

#[test]
fn an_answer_that_is_another_message_is_an_error() {
    let url = scripted(|mut stream| {
        while read_frame(&mut stream) == 0x82 {
            stream.write_all(&[0x82, 5, 1, 2, 3, 4, 5]).unwrap();
        }
    });
    let one = ["--connections", "1", "--size", "5"];
    measured(&url, &one);
    ends_with(1, "altered", &url, &[&one[..], &["--verify"]].concat());
    ends_with(1, "1 unexpected", &url, &["--connections", "1", "--size", "6"]);
    measured(&url, &["--connections", "1", "--size", "6", "--any-reply"]);
}

#[test]
fn an_open_loop_sends_as_many_as_the_clock_asks_for() {
    let server = Server::start(&[]);
    let report = measured(&server.url("/echo"), &["--rate", "1000"]);
    assert_eq!(report["mode"], "open");
    let rate = report["messages_per_second"].as_f64().unwrap();
    assert!((200.0..=1_800.0).contains(&rate), "{report}");
}

#[test]
fn in_a_fan_out_everybody_hears_the_first() {
    let server = Server::start(&["--workers", "2"]);
    for threads in ["1", "2"] {
        let load = ["--fan-out", "--text", "--connections", "5", "--in-flight", "2"];
        let more = [&load[..], &["--threads", threads]].concat();
        let report = measured(&server.url("/chat"), &more);
        let count = |name: &str| report[name].as_u64().unwrap();
        let (sent, received) = (count("messages_sent"), count("messages_received"));
        assert!(sent > 0 && received.abs_diff(sent * 5) <= 4 * 2 * 5, "{report}");
        assert_eq!(report["mode"], "fan-out");
    }
}

#[test]
fn what_is_said_first_opens_a_channel_for_all() {
    let server = Server::with_routes(
        "[[route]]\npath = '/tieline'\nservice = { kind = 'channels' }\n\
         [namespace.a]\npublish = 'all'\n",
    );
    let file = folder().join("publish.json");
    let publish = r#"{"jsonrpc":"2.0","method":"publish","params":{"channel":"a:all","data":1}}"#;
    std::fs::write(&file, publish).unwrap();
    let connect = r#"{"jsonrpc":"2.0","id":1,"method":"connect","params":{}}"#;
    let subscribe =
        r#"{"jsonrpc":"2.0","id":{n},"method":"subscribe","params":{"channel":"a:all"}}"#;
    let load = ["--fan-out", "--text-file", file.to_str().unwrap(), "--connections", "5"];
    let first = ["--subprotocol", "tieline.v1", "--first", connect, "--first", subscribe];
    let report = measured(&server.url("/tieline"), &[&load[..], &first].concat());
    let count = |name: &str| report[name].as_u64().unwrap();
    let (sent, received) = (count("messages_sent"), count("messages_received"));
    assert!(sent > 0 && received.abs_diff(sent * 5) <= 4 * 5, "{report}");
}

#[test]
fn nobody_waits_for_slow_readers() {
    let server = Server::start(&[]);
    let load = ["--fan-out", "--text", "--connections", "4"];
    // The server may give up the one that does not read.
    let slow = ["--slow-readers", "1", "--slow-rate", "100", "--max-errors", "1"];
    let report = measured(&server.url("/chat"), &[&load[..], &slow].concat());
    let count = |name: &str| report[name].as_u64().unwrap();
    assert!(count("messages_sent") > 0, "{report}");
    assert!(count("messages_received") + 12 >= count("messages_sent") * 3, "{report}");
}

#[test]
fn idle_connections_send_nothing() {
    let server = Server::start(&[]);
    let pid = server.pid().to_string();
    let more = ["--idle", "--connections", "300", "--ramp", "3000", "--pid", &pid];
    let report = measured(&server.url("/echo"), &more);
    assert_eq!((&report["mode"], &report["messages_sent"]), (&"idle".into(), &0.into()));
    assert_eq!(report["latency_us"], Value::Null);
    assert!(report["connect"]["seconds"].as_f64().unwrap() >= 0.09, "{report}");
    assert!(report["server"]["rss_bytes_per_connection"].as_f64().unwrap() > 0.0, "{report}");
}

#[test]
fn every_payload_comes_back_as_it_was_sent() {
    let server = Server::start(&[]);
    let file = folder().join("payload");
    std::fs::write(&file, "zwölf Boxkämpfer").unwrap();
    let file = file.to_str().unwrap();
    for kind in [
        &["--size", "1M", "--in-flight", "3"][..],
        &["--size", "0"],
        &["--text", "--size", "126"],
        &["--non-ascii", "--size", "70000"],
        &["--json-text", "--size", "4K", "--deflate"],
        &["--text-file", file],
        &["--file", file],
    ] {
        let connections = ["--connections", "2", "--verify"];
        // A busy machine may bring none back in the time of one measurement.
        let began = Instant::now();
        let report = loop {
            let report = measured(&server.url("/echo"), &[kind, &connections].concat());
            if report["messages_received"].as_u64().unwrap() > 0 {
                break report;
            }
            assert!(began.elapsed() < PATIENCE, "{kind:?}: {report}");
        };
        assert_eq!(report["deflate"], kind.contains(&"--deflate"));
    }
}

#[test]
fn compression_and_encryption_go_together() {
    let (folder, authority) = (folder(), authority());
    write_certificate(&folder, &authority);
    let root = folder.join("root.pem");
    std::fs::write(&root, authority.pem()).unwrap();
    let file = folder.join("tieline.toml");
    std::fs::write(
        &file,
        "[[listener]]\naddress = '127.0.0.1:0'\n\
         tls = { certificate = 'certificate.pem', key = 'key.pem' }\n\
         [[route]]\npath = '/'\nservice = { kind = 'echo' }\ncompression = {}\n\
         limits = { max_message_bytes = 1_000_000 }\n",
    )
    .unwrap();
    let server = Server::start_as_told(&["--config", file.to_str().unwrap()], 1);
    let root = root.to_str().unwrap();
    let json = ["--json-text", "--size", "8K", "--deflate", "--in-flight", "2"];
    for more in [&["--ca", root][..], &["--danger-accept-any-certificate", "--verify"]] {
        let report = measured(&server.url("/"), &[&json[..], more].concat());
        let count = |name: &str| report[name].as_u64().unwrap();
        assert_eq!((&report["tls"], &report["deflate"]), (&true.into(), &true.into()));
        assert!(count("messages_received") > 0, "{report}");
        assert!(count("bytes_sent") < count("messages_sent") * 8_192, "{report}");
    }
    measured(&server.url("/"), &["--ca", root, "--size", "300K", "--verify", "-c", "2"]);
    ends_with(3, "certificate", &server.url("/"), &[]);
}

#[test]
fn connections_come_from_the_addresses_given() {
    let server = Server::start(&[]);
    let more = ["--idle", "--connections", "4", "--source", "127.0.0.2-127.0.0.3"];
    measured(&server.url("/echo"), &more);
    for address in ["127.0.0.2", "127.0.0.3"] {
        server.wait_for_log(&["connected", address]);
    }
}
