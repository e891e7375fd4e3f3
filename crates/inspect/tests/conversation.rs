//! What is seen of a connection.

mod heads;
mod watched;

use heads::{ANSWER, DEFLATING, REQUEST};
use serde_json::{Value, json};
use tieline_inspect::{Bounds, Outcome, Start, Terms, Unread, What, json as for_programs};
use watched::{Act, client, seen, server};

const OPEN: Start =
    Start::Open(Terms { dialect: tieline_proto::handshake::Dialect::Hybi, deflate: None });

/// The same, for programs.
fn told(start: Start, acts: &[Act]) -> Vec<Value> {
    seen(start, Bounds::default(), acts).iter().map(for_programs::event).collect()
}

/// The events of a kind, each cut down to some of its fields.
fn fields(events: &[Value], kind: &str, names: &[&str]) -> Vec<Value> {
    let events = events.iter().filter(|event| event["event"] == kind);
    let pick = |event: &Value| match names {
        [name] => event[*name].clone(),
        names => names.iter().map(|name| event[*name].clone()).collect(),
    };
    events.map(pick).collect()
}

fn one(events: &[Value], kind: &str) -> Value {
    let found: Vec<_> = events.iter().filter(|event| event["event"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind} in {events:#?}");
    found[0].clone()
}

#[test]
fn the_upgrade_is_told_with_what_both_ends_agreed_on() {
    let events = told(Start::Handshake, &[client(REQUEST), server(DEFLATING)]);
    let request = one(&events, "request");
    assert_eq!(request["target"], "/chat?room=1");
    assert_eq!((&request["draft"], &request["version"]), (&json!("hybi"), &json!(13)));
    assert_eq!(request["protocols"], json!(["chat", "superchat"]));
    assert_eq!(request["headers"][0], json!(["host", "example.com"]));
    assert_eq!(request["error"], Value::Null);
    let response = one(&events, "response");
    assert_eq!(response["status"], 101);
    assert_eq!(response["accept_right"], true);
    assert_eq!(response["protocol"], "chat");
    let window = |bits| json!({ "bits": bits, "context_takeover": true });
    assert_eq!(response["deflate"], json!({ "client": window(9), "server": window(15) }));
    assert_eq!(response["extensions"], json!(["permessage-deflate; client_max_window_bits=8"]));
    assert_eq!((&response["error"], &response["time"]), (&Value::Null, &json!(2.0)));
}

#[test]
fn a_wrong_accept_value_is_told_and_the_frames_are_shown_all_the_same() {
    let answer = String::from_utf8(ANSWER.to_vec()).unwrap().replace("s3pPL", "S3pPL");
    let acts = [client(REQUEST), server(answer.as_bytes()), server(b"\x81\x02hi")];
    let events = told(Start::Handshake, &acts);
    let response = one(&events, "response");
    assert_eq!(response["accept_right"], false);
    assert_eq!(response["error"], "header `Sec-WebSocket-Accept` is invalid");
    assert_eq!(fields(&events, "frame", &["message"]), [json!({ "text": "hi" })]);
}

#[test]
fn a_key_of_version_8_may_have_another_length() {
    let request = String::from_utf8(REQUEST.to_vec()).unwrap();
    let request =
        request.replace("Version: 13", "Version: 8").replace("dGhlIHNhbXBsZSBub25jZQ==", "abc");
    let accept = tieline_proto::handshake::accept_key("abc");
    let answer = String::from_utf8(ANSWER.to_vec()).unwrap();
    let answer = answer.replace("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &accept);
    let events = told(Start::Handshake, &[client(request.as_bytes()), server(answer.as_bytes())]);
    assert_eq!(one(&events, "request")["version"], 8);
    let response = one(&events, "response");
    assert_eq!((&response["accept_right"], &response["error"]), (&json!(true), &Value::Null));
}

#[test]
fn a_refusal_has_a_status_and_the_next_request_may_be_let_in() {
    let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\n";
    let page = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    let acts = [
        client(REQUEST),
        server(refusal),
        client(page),
        server(answer),
        client(REQUEST),
        server(ANSWER),
    ];
    let events = told(Start::Handshake, &acts);
    let refused = fields(&events, "response", &["status", "upgraded", "accept_right"]);
    assert_eq!(refused, [json!([403, false, null]), json!([101, true, true])]);
    assert_eq!(fields(&events, "request", &["time"]), [json!(1.0), json!(5.0)]);
}

#[test]
fn what_is_no_handshake_is_named() {
    for (bytes, kind) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], "tls"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "not_http"),
        (b"*1\r\n$4\r\nPING\r\n", "not_http"),
    ] {
        for start in [Start::Handshake, Start::Anywhere] {
            if start == Start::Anywhere && bytes[0] == b'*' {
                continue;
            }
            let events = told(start, &[client(bytes)]);
            assert_eq!(fields(&events, "note", &["kind"]), [json!(kind)]);
            assert_eq!(events.len(), 1);
        }
    }
}

#[test]
fn frames_are_told_with_all_that_their_headers_say() {
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let events = told(OPEN, &[client(masked), server(b"\x89\x00")]);
    assert_eq!(
        events[0],
        json!({
            "event": "frame", "time": 1.0, "from": "client", "offset": 0, "bytes": 11,
            "head": "818537fa213d", "fin": true, "rsv": 0, "opcode": 1, "name": "text",
            "length": 5, "mask": "37fa213d", "payload": "48656c6c6f", "message": { "text": "Hello" },
        })
    );
    assert_eq!((&events[1]["control"], &events[1]["mask"]), (&json!("ping"), &Value::Null));
}

/// RFC 7692 §7.2.3.2: the second is nothing without the first.
const HELLO: &[u8] = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
const AGAIN: &[u8] = b"\xc1\x05\xf2\x00\x11\x00\x00";

#[test]
fn compressed_messages_are_inflated_with_the_context_that_was_agreed_on() {
    let acts = [client(REQUEST), server(DEFLATING), server(HELLO), server(AGAIN)];
    let hello = json!({ "text": "Hello" });
    assert_eq!(
        fields(&told(Start::Handshake, &acts), "frame", &["message"]),
        [hello.clone(), hello]
    );
}

#[test]
fn where_the_context_is_not_known_nothing_compressed_is_shown_as_text() {
    for start in [
        Start::Anywhere,
        Start::BetweenFrames(Terms {
            deflate: Some(tieline_inspect::Windows {
                client: tieline_proto::deflate::Window { bits: 15, context_takeover: true },
                server: tieline_proto::deflate::Window { bits: 15, context_takeover: true },
            }),
            ..Terms::default()
        }),
    ] {
        let acts = [server(AGAIN), server(HELLO), server(AGAIN), server(b"\x81\x02hi")];
        let events = told(start, &acts);
        let frames = fields(&events, "frame", &["unread", "message"]);
        assert_eq!(frames[0], json!(["unknown deflate context", null]));
        // What needs nothing that came before is understood, and so is what needs only that.
        assert_eq!(frames[1], json!([null, { "text": "Hello" }]));
        assert_eq!(frames[2], json!([null, { "text": "Hello" }]));
        assert_eq!(frames[3], json!([null, { "text": "hi" }]));
    }
}

#[test]
fn all_fragments_of_a_message_that_cannot_be_inflated_say_so() {
    let first = b"\x41\x02\xf2\x00";
    let last = b"\x80\x03\x11\x00\x00";
    let acts = [server(first), server(b"\x89\x00"), server(last), server(b"\x82\x00")];
    let events = told(Start::Anywhere, &acts);
    let unread = fields(&events, "frame", &["unread"]);
    // The first may still become a message: what is wrong shows with the rest.
    assert_eq!(unread[2], "unknown deflate context");
    assert_eq!(fields(&events, "frame", &["name", "error"])[3], json!(["binary", null]));
}

#[test]
fn what_breaks_the_protocol_is_told_with_its_code_and_the_frames_go_on() {
    let acts = [
        server(b"\x81\x02\xc3\x28"),
        server(b"\x80\x01a"),
        server(b"\x01\x01a\x89\x02hi\x80\x01b"),
        server(b"\xa1\x01a\x81\x02ok"),
        server(b"\x83\x00\x81\x02hi\x81\x02ho"),
    ];
    let events = told(OPEN, &acts);
    let codes: Vec<_> =
        fields(&events, "frame", &["error"]).iter().map(|e| e["code"].clone()).collect();
    let none = Value::Null;
    let bad = json!(1002);
    assert_eq!(
        codes,
        [
            json!(1007),
            bad.clone(),
            none.clone(),
            none.clone(),
            none.clone(),
            bad.clone(),
            none.clone(),
            bad,
            none.clone(),
            none
        ]
    );
    assert_eq!(fields(&events, "frame", &["message"])[4], json!({ "text": "ab" }));
    assert_eq!(fields(&events, "frame", &["message"])[9], json!({ "text": "ho" }));
}

#[test]
fn the_closing_handshake_says_who_began_it() {
    let acts = [
        server(b"\x88\x06\x0f\xa0done"),
        client(b"\x88\x82\x00\x00\x00\x00\x0f\xa0"),
        server(b"\x81\x02hi"),
    ];
    let events = told(OPEN, &acts);
    assert_eq!(fields(&events, "note", &["kind", "from"]), [json!(["after_close", "server"])]);
    assert_eq!(
        one(&events, "closed"),
        json!({
            "event": "closed", "time": 3.0, "clean": true, "code": 4000, "began": "server",
            "server": { "code": 4000, "reason": "done" }, "client": { "code": 4000, "reason": "" },
            "end": "unseen", "by": null,
        })
    );
    let lost = told(OPEN, &[client(b"\x88\x80\x00\x00\x00\x00")]);
    let closed = fields(&lost, "closed", &["clean", "began", "code", "server"]);
    assert_eq!(closed, [json!([false, "client", 1005, null])]);
}

#[test]
fn a_pong_says_how_long_it_took() {
    let acts = [
        server(b"\x89\x01a"),
        server(b"\x89\x01b"),
        client(b"\x8a\x81\x00\x00\x00\x00b"),
        client(b"\x8a\x81\x00\x00\x00\x00a"),
        client(b"\x8a\x80\x00\x00\x00\x00"),
    ];
    let times = fields(&told(OPEN, &acts), "frame", &["round_trip"]);
    assert_eq!(times[2..], [json!(1.0), Value::Null, Value::Null]);
}

#[test]
fn of_a_large_frame_only_the_beginning_is_kept() {
    let bounds = Bounds { max_payload_bytes: 4, max_message_bytes: 8 };
    let acts = [
        server(b"\x82\x06abcdef"),
        server(b"\x82\x0aabcdefghij"),
        server(b"\x02\x06abcdef\x80\x06abcdef\x82\x01a"),
    ];
    let events = seen(OPEN, bounds, &acts);
    let frames: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Frame { frame, .. } => Some(frame),
            _ => None,
        })
        .collect();
    assert_eq!((frames[0].payload.as_slice(), frames[0].len), (&b"abcd"[..], 6));
    assert!(matches!(&frames[0].outcome, Outcome::Message { payload, .. } if payload == b"abcdef"));
    let too_big = Outcome::Unread(Unread::TooBig { limit: 8 });
    assert_eq!((&frames[1].outcome, frames[1].len), (&too_big, 10));
    assert_eq!((&frames[2].outcome, &frames[3].outcome), (&Outcome::Fragment, &too_big));
    assert!(matches!(frames[4].outcome, Outcome::Message { .. }));
}

#[test]
fn a_gap_inside_a_payload_costs_one_message() {
    let acts = [
        server(b"\x82\x0aabc"),
        Act::Missed(tieline_inspect::Sender::Server, 4),
        server(b"hij\x81\x02ok"),
    ];
    let events = told(OPEN, &acts);
    assert_eq!(fields(&events, "gap", &["from", "bytes"]), [json!(["server", 4])]);
    let frames = fields(&events, "frame", &["offset", "length", "kept", "unread", "message"]);
    assert_eq!(frames[0], json!([0, 10, 3, "bytes of its message are missing", null]));
    assert_eq!(frames[1], json!([12, 2, null, null, { "text": "ok" }]));
}

#[test]
fn behind_a_gap_between_frames_they_are_found_again() {
    let acts = [
        server(b"\x81\x01a\x82\x7e"),
        Act::Missed(tieline_inspect::Sender::Server, 400),
        server(b"\xf1\xf2\xf3"),
        server(b"\x81\x01b\x81\x01c\x81\x01d\x81\x01e\x81\x01f"),
    ];
    let events = told(OPEN, &acts);
    let frames = fields(&events, "frame", &["offset", "message", "cut_off"]);
    assert_eq!(frames[0], json!([0, { "text": "a" }, null]));
    assert_eq!(frames[1], json!([3, null, { "missing": null }]));
    assert_eq!(frames[2], json!([408, { "text": "b" }, null]));
    assert_eq!(frames.len(), 7);
    assert_eq!(fields(&events, "note", &["kind", "from"]), [json!(["passed", "server"])]);
}

#[test]
fn a_frame_that_never_ends_is_told_at_the_end() {
    let events = told(OPEN, &[client(b"\x82\x85\x00\x00\x00\x00ab")]);
    let frames = fields(&events, "frame", &["bytes", "length", "cut_off"]);
    assert_eq!(frames, [json!([8, 5, { "missing": 3 }])]);
}

const HIXIE_76: &[u8] = b"GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nSec-WebSocket-Protocol: sample\r\n\
    Upgrade: WebSocket\r\nSec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n\
    Origin: http://example.com\r\n\r\n^n:ds[4U";

fn hixie_76_answer(challenge: &[u8; 16]) -> Vec<u8> {
    let head = b"HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Origin: http://example.com\r\n\
        Sec-WebSocket-Location: ws://example.com/demo\r\n\
        Sec-WebSocket-Protocol: sample\r\n\r\n";
    [&head[..], challenge].concat()
}

/// The example of the draft itself.
#[test]
fn the_challenge_of_hixie_76_is_checked_and_its_frames_are_texts() {
    let answer = hixie_76_answer(b"8jKS'y:G*Co,Wxa-");
    let acts = [
        client(HIXIE_76),
        server(&answer),
        client(b"\x00Hello\xff\x00again\xff"),
        server(b"\x00\xc3\xbc\xff\xff\x00"),
        client(b"\xff\x00"),
    ];
    let events = told(Start::Handshake, &acts);
    assert_eq!(one(&events, "request")["draft"], "hixie-76");
    let response = one(&events, "response");
    assert_eq!(
        (&response["accept_right"], &response["protocol"]),
        (&json!(true), &json!("sample"))
    );
    let frames = fields(&events, "frame", &["from", "name", "payload", "message"]);
    assert_eq!(frames[0], json!(["client", "text", "48656c6c6f", { "text": "Hello" }]));
    assert_eq!(frames[1], json!(["client", "text", "616761696e", { "text": "again" }]));
    assert_eq!(frames[2], json!(["server", "text", "c3bc", { "text": "ü" }]));
    assert_eq!(frames[3], json!(["server", "close", "", null]));
    assert_eq!(frames[4], json!(["client", "close", "", null]));
    let offset = HIXIE_76.len();
    assert_eq!(fields(&events, "frame", &["offset"])[1], json!(offset + 7));
    let closed = one(&events, "closed");
    assert_eq!((&closed["clean"], &closed["began"]), (&json!(true), &json!("server")));

    let wrong = hixie_76_answer(b"8jKS'y:G*Co,Wxa+");
    let events = told(Start::Handshake, &[client(HIXIE_76), server(&wrong)]);
    assert_eq!(one(&events, "response")["accept_right"], false);
}

#[test]
fn a_request_of_hixie_75_has_no_challenge() {
    let request = b"GET /demo HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
        Host: example.com\r\nOrigin: http://example.com\r\nWebSocket-Protocol: sample\r\n\r\n";
    let answer = b"HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\n\
        Connection: Upgrade\r\nWebSocket-Origin: http://example.com\r\n\
        WebSocket-Location: ws://example.com/demo\r\nWebSocket-Protocol: sample\r\n\r\n";
    let acts = [client(request), server(answer), server(b"\x00hi\xff")];
    let events = told(Start::Handshake, &acts);
    assert_eq!(one(&events, "request")["draft"], "hixie-75");
    let response = one(&events, "response");
    assert_eq!(
        (&response["accept_right"], &response["protocol"]),
        (&Value::Null, &json!("sample"))
    );
    assert_eq!(fields(&events, "frame", &["message"]), [json!({ "text": "hi" })]);
}

#[test]
fn an_answer_without_its_request_opens_all_the_same() {
    let events = told(Start::Anywhere, &[server(DEFLATING), server(HELLO), server(AGAIN)]);
    assert_eq!(one(&events, "response")["accept_right"], Value::Null);
    let hello = json!({ "text": "Hello" });
    assert_eq!(fields(&events, "frame", &["message"]), [hello.clone(), hello]);
}
