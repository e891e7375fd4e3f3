//! Lines from their opening to their end, as a C program sees them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::ffi::{CStr, c_char};
use std::net::TcpListener;
use std::ptr;
use std::sync::mpsc;
use std::time::Duration;

use tieline::{AcceptOptions, Answer, Limits, Message};
use tieline_ws::*;

use crate::server::*;

mod server;

const NUL: usize = TIELINE_WS_NUL_TERMINATED;

fn send(client: Handle, text: &CStr) -> i32 {
    // SAFETY: the text ends with a NUL.
    unsafe { tieline_ws_send_text(client, text.as_ptr(), NUL) }
}

fn close(client: Handle, code: u32, reason: &CStr) -> i32 {
    // SAFETY: the text ends with a NUL.
    unsafe { tieline_ws_close(client, code, reason.as_ptr(), NUL) }
}

fn last_error(client: Handle) -> String {
    let mut len = 0;
    // SAFETY: the length may be written; the text is valid until this thread asks again.
    unsafe {
        let text = CStr::from_ptr(tieline_ws_last_error(client, &mut len)).to_str().unwrap();
        assert_eq!(text.len(), len);
        text.to_owned()
    }
}

#[test]
fn a_line_opens_carries_messages_and_closes_well() {
    let url = url(serve(echo));
    let client = connect(&Options { protocols: c"chat.v2, chat.v1".as_ptr(), ..options(&url) });
    assert_eq!(tieline_ws_ready_state(client), State::Connecting as i32);
    let opened = next(client);
    assert_eq!((opened.kind, opened.data.as_str()), (Kind::Open, "chat.v2"));
    assert_eq!(tieline_ws_ready_state(client), State::Open as i32);

    assert_eq!(send(client, c"hello"), 0);
    let echoed = next(client);
    assert_eq!((echoed.kind, echoed.data.as_str()), (Kind::Message, "hello"));
    // SAFETY: the bytes live longer than the call.
    assert_eq!(unsafe { tieline_ws_send_binary(client, b"a\0b".as_ptr().cast(), 3) }, 0);
    assert_eq!(next(client).data, "a\0b");
    // SAFETY: as above.
    assert_eq!(unsafe { tieline_ws_ping(client, b"there?".as_ptr().cast(), 6) }, 0);
    let pong = next(client);
    assert_eq!((pong.kind, pong.data.as_str()), (Kind::Pong, "there?"));

    assert_eq!(close(client, 4000, c"done"), 0);
    assert_eq!(tieline_ws_ready_state(client), State::Closing as i32);
    assert_eq!(send(client, c"late"), Code::NotOpen as i32);
    let closed = next(client);
    assert_eq!((closed.kind, closed.code, closed.clean), (Kind::Close, 4000, true));
    assert_eq!(closed.retry_in_ms, -1);
    assert_eq!(tieline_ws_ready_state(client), State::Closed as i32);
    assert_eq!(poll(client, LONG).0, Code::Closed as i32);
    assert_eq!(tieline_ws_free(client), 0);
}

#[test]
fn the_servers_code_and_reason_are_told() {
    let client = open(&options(&url(serve(echo))));
    send(client, c"bye");
    let closed = next(client);
    assert_eq!((closed.code, closed.data.as_str(), closed.clean), (4001, "as you wish", true));
    tieline_ws_free(client);
}

#[test]
fn what_was_sent_before_the_close_arrives() {
    let client = open(&options(&url(serve(echo))));
    for _ in 0..1000 {
        assert_eq!(send(client, c"one of many"), 0);
    }
    close(client, 1000, c"");
    for _ in 0..1000 {
        assert_eq!(next(client).kind, Kind::Message);
    }
    assert!(next(client).clean);
    tieline_ws_free(client);
}

#[test]
fn a_line_that_is_lost_says_why_and_that_it_was_not_clean() {
    let client = open(&options(&url(serve(echo))));
    send(client, c"drop");
    let error = next(client);
    assert_eq!((error.kind, error.code), (Kind::Error, Code::Lost as i32));
    assert_eq!(error.data, last_error(client));
    let closed = next(client);
    assert_eq!((closed.kind, closed.code, closed.clean), (Kind::Close, 1006, false));
    tieline_ws_free(client);
}

#[test]
fn a_line_that_does_not_open_is_an_error_and_a_close() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = connect(&options(&url(nobody)));
    let error = next(client);
    assert_eq!((error.kind, error.code), (Kind::Error, Code::Connect as i32));
    assert!(error.data.contains(&nobody.to_string()), "{}", error.data);
    assert_eq!((next(client).kind, poll(client, -1).0), (Kind::Close, Code::Closed as i32));
    tieline_ws_free(client);
}

#[test]
fn with_reconnect_a_lost_line_is_opened_again() {
    let url = url(serve(echo));
    let client =
        open(&Options { reconnect: 1, reconnect_base_ms: 1, reconnect_max_ms: 1, ..options(&url) });
    for _ in 0..3 {
        send(client, c"drop");
        assert_eq!(next(client).kind, Kind::Error);
        let closed = next(client);
        assert!(closed.kind == Kind::Close && closed.retry_in_ms >= 0);
        assert_eq!(next(client).kind, Kind::Open);
        assert_eq!(send(client, c"again"), 0);
        assert_eq!(next(client).data, "again");
    }
    close(client, 1000, c"");
    assert_eq!(next(client).retry_in_ms, -1);
    tieline_ws_free(client);
}

#[test]
fn closed_before_it_opened_it_ends_at_once() {
    let (listener, url) = {
        // Nobody answers here: the backlog takes the connection.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = url(listener.local_addr().unwrap());
        (listener, url)
    };
    let client = connect(&options(&url));
    assert_eq!(send(client, c"early"), Code::NotOpen as i32);
    assert!(last_error(client).contains("OPEN"));
    assert_eq!(close(client, 1000, c""), 0);
    let closed = next(client);
    assert_eq!((closed.kind, closed.code, closed.clean), (Kind::Close, 1006, false));
    tieline_ws_free(client);
    drop(listener);
}

#[test]
fn a_full_send_queue_says_so_and_never_holds_more_than_its_bound() {
    let url = url(serve(deaf));
    let client = open(&Options { send_queue_bytes: 100_000, ..options(&url) });
    let message = [b'x'; 10_000];
    let pointer: *const c_char = message.as_ptr().cast();
    loop {
        // SAFETY: the bytes live longer than the call.
        match unsafe { tieline_ws_send_text(client, pointer, message.len()) } {
            0 => assert!((0..=100_000).contains(&tieline_ws_buffered_amount(client))),
            full => {
                assert_eq!(full, Code::Full as i32);
                break;
            }
        }
    }
    assert!(tieline_ws_buffered_amount(client) > 90_000 - 16);
    assert!(last_error(client).contains("tieline_ws_buffered_amount"));
    tieline_ws_free(client);
}

#[test]
fn a_full_event_queue_stops_the_server_and_loses_nothing() {
    let url = url(serve(|mut socket| async move {
        for number in 0..5_000 {
            // The client tells how it ends.
            if socket.send(format!("{number:0>1000}")).await.is_err() {
                return;
            }
        }
        let _ = socket.close(tieline::CloseCode::NORMAL, "").await;
    }));
    let client =
        connect(&Options { event_queue_bytes: 3_000, event_queue_events: 7, ..options(&url) });
    assert_eq!(next(client).kind, Kind::Open);
    for number in 0..5_000 {
        assert_eq!(next(client).data, format!("{number:0>1000}"));
    }
    assert!(next(client).clean);
    tieline_ws_free(client);
}

#[test]
fn a_program_that_takes_no_events_stops_the_server() {
    const ENOUGH: usize = 4096;
    let (told, ended) = mpsc::channel();
    let url = url(serve_over(move |stream| {
        let told = told.clone();
        async move {
            // A server that can write nothing for that long gives the line up.
            let moment = Duration::from_millis(200);
            let limits =
                Limits { ping_after: Some(moment), pong_within: moment, ..Limits::default() };
            let options = AcceptOptions { limits, ..AcceptOptions::default() };
            let answer = |_: &tieline::Request| Ok(Answer::default());
            let mut socket = tieline::accept_with(stream, &options, answer).await.unwrap();
            let message = Message::from(vec![b'x'; 64 << 10]);
            for sent in 0..ENOUGH {
                if socket.send(message.clone()).await.is_err() {
                    told.send(sent).unwrap();
                    return;
                }
            }
            told.send(ENOUGH).unwrap();
        }
    }));
    let client = connect(&Options { event_queue_bytes: 1 << 20, ..options(&url) });
    let sent = ended.recv().unwrap();
    assert!(sent < ENOUGH, "all of 256 MiB was taken in");
    // What had arrived is there.
    assert_eq!(next(client).kind, Kind::Open);
    assert_eq!(next(client).data.len(), 64 << 10);
    tieline_ws_free(client);
}

#[test]
fn a_large_message_goes_both_ways_while_both_ends_send() {
    let url = url(serve(echo));
    let client = open(&Options {
        max_message_bytes: 32 << 20,
        send_queue_bytes: 64 << 20,
        deflate: 2,
        ..options(&url)
    });
    let large: Vec<u8> =
        (0..1 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for _ in 0..20 {
        // SAFETY: the bytes live longer than the call.
        assert_eq!(
            unsafe { tieline_ws_send_binary(client, large.as_ptr().cast(), large.len()) },
            0
        );
    }
    for _ in 0..20 {
        assert_eq!(next(client).data, String::from_utf8_lossy(&large));
    }
    tieline_ws_free(client);
}

#[test]
fn what_is_wrong_is_said_with_what_would_be_right() {
    let mut client = 7;
    // SAFETY: what is given is valid, or what the function refuses.
    unsafe {
        let wrong = options(c"http://example.com/");
        assert_eq!(tieline_ws_connect(&wrong, &mut client), Code::Url as i32);
        assert_eq!(client, 0);
        assert!(last_error(0).contains("ws"), "{}", last_error(0));
        assert_eq!(tieline_ws_connect(ptr::null(), &mut client), Code::Argument as i32);
        assert_eq!(tieline_ws_connect(&wrong, ptr::null_mut()), Code::Argument as i32);
        let not_utf8 = options(c"ws://\xFF/");
        assert_eq!(tieline_ws_connect(&not_utf8, &mut client), Code::Utf8 as i32);
        assert_eq!(last_error(0), "`url` is not UTF-8 from byte 5 on");
    }
    let client = open(&options(&url(serve(echo))));
    // SAFETY: as above.
    unsafe {
        assert_eq!(tieline_ws_send_text(client, ptr::null(), 5), Code::Argument as i32);
        assert_eq!(tieline_ws_send_text(client, c"\xFF".as_ptr(), NUL), Code::Utf8 as i32);
        assert_eq!(tieline_ws_send_binary(client, ptr::null(), 0), 0, "nothing may be NULL");
    }
    assert_eq!(close(client, 1006, c""), Code::Argument as i32);
    assert!(last_error(client).contains("1006 must not be sent"));
    tieline_ws_free(client);
}

#[test]
fn versions_and_codes_have_texts() {
    let mut len = 0;
    // SAFETY: the length may be written; both texts live for ever.
    unsafe {
        let version = CStr::from_ptr(tieline_ws_version(&mut len)).to_str().unwrap();
        assert_eq!((version, version.len()), (env!("CARGO_PKG_VERSION"), len));
        let text = CStr::from_ptr(tieline_ws_error_text(Code::Full as i32, ptr::null_mut()));
        assert!(text.to_str().unwrap().contains("full"));
    }
}
