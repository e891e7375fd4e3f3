//! Handles that were freed, foreign ones, callbacks, and many threads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::ffi::c_void;
use std::ptr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::thread;

use tieline_ws::*;

use crate::server::*;

mod server;

/// Every function, with this handle: what it answers.
fn everything(client: Handle) -> Vec<i64> {
    // SAFETY: what is given is valid.
    unsafe {
        vec![
            poll(client, 0).0.into(),
            tieline_ws_send_text(client, c"x".as_ptr(), 1).into(),
            tieline_ws_send_binary(client, ptr::null(), 0).into(),
            tieline_ws_ping(client, ptr::null(), 0).into(),
            tieline_ws_close(client, 1000, ptr::null(), 0).into(),
            tieline_ws_buffered_amount(client),
            tieline_ws_ready_state(client).into(),
            tieline_ws_free(client).into(),
        ]
    }
}

#[test]
fn a_freed_a_foreign_and_no_handle_are_errors() {
    let client = open(&options(&url(serve(echo))));
    assert_eq!(tieline_ws_free(client), 0);
    let address = ptr::from_ref(&client) as u64;
    for handle in [client, 0, 1, u64::MAX, address] {
        let answers = everything(handle);
        assert_eq!(answers, vec![Code::Handle as i64; answers.len()], "{handle:#x}");
    }
}

#[test]
fn a_new_client_is_never_reached_by_the_handle_of_a_freed_one() {
    let url = url(serve(echo));
    let freed = connect(&options(&url));
    tieline_ws_free(freed);
    let client = open(&options(&url));
    assert_ne!(freed, client);
    assert_eq!(tieline_ws_free(freed), Code::Handle as i32);
    assert_eq!(tieline_ws_ready_state(client), State::Open as i32);
    tieline_ws_free(client);
}

#[test]
fn callbacks_are_called_inside_poll_and_on_its_thread() {
    #[derive(Default)]
    struct Seen {
        opened: AtomicI32,
        messages: AtomicI32,
    }
    unsafe extern "C" fn on_open(user: *mut c_void, event: *const Event) {
        // SAFETY: both are valid until the callback returns.
        let (seen, event) = unsafe { (&*user.cast::<Seen>(), &*event) };
        seen.opened.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the text ends with a NUL.
        let sent =
            unsafe { tieline_ws_send_text(event.client, c"x".as_ptr(), TIELINE_WS_NUL_TERMINATED) };
        assert_eq!(sent, 0);
    }
    unsafe extern "C" fn on_message(user: *mut c_void, _event: *const Event) {
        // SAFETY: as above.
        unsafe { &*user.cast::<Seen>() }.messages.fetch_add(1, Ordering::Relaxed);
    }
    let (url, seen) = (url(serve(echo)), Seen::default());
    let client = connect(&Options {
        user: ptr::from_ref(&seen).cast_mut().cast(),
        on_open: Some(on_open),
        on_message: Some(on_message),
        ..options(&url)
    });
    assert_eq!((next(client).kind, seen.opened.load(Ordering::Relaxed)), (Kind::Open, 1));
    // Whatever has arrived by now: nobody was told.
    assert_eq!(seen.messages.load(Ordering::Relaxed), 0);
    // SAFETY: NULL is allowed.
    assert_eq!(unsafe { tieline_ws_poll(client, ptr::null_mut(), LONG) }, 1);
    assert_eq!(seen.messages.load(Ordering::Relaxed), 1);
    tieline_ws_free(client);
}

#[test]
fn a_client_may_be_freed_and_another_made_inside_a_callback() {
    static FREED: AtomicI32 = AtomicI32::new(77);
    unsafe extern "C" fn free(user: *mut c_void, event: *const Event) {
        // SAFETY: the event is valid until the callback returns.
        let event = unsafe { &*event };
        FREED.store(tieline_ws_free(event.client), Ordering::Relaxed);
        // SAFETY: the options outlive the test's clients; the event is still valid.
        unsafe {
            assert_eq!(*event.data.add(event.len), 0);
            let mut another = 0;
            assert_eq!(tieline_ws_connect(user.cast::<Options>(), &mut another), 0);
            assert_eq!(tieline_ws_free(another), 0);
        }
    }
    let url = url(serve(echo));
    let mut plain = options(&url);
    let client = connect(&Options {
        user: ptr::from_mut(&mut plain).cast(),
        on_open: Some(free),
        ..options(&url)
    });
    let (polled, event) = poll(client, LONG);
    assert_eq!((polled, event.is_none()), (Code::Handle as i32, true));
    assert_eq!(FREED.load(Ordering::Relaxed), 0);
}

#[test]
fn whoever_polls_a_client_that_another_thread_frees_is_told() {
    let client = open(&options(&url(serve(echo))));
    let ready = Barrier::new(4);
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    ready.wait();
                    poll(client, -1).0
                })
            })
            .collect();
        ready.wait();
        assert_eq!(tieline_ws_free(client), 0);
        for thread in waiting {
            assert_eq!(thread.join().unwrap(), Code::Handle as i32);
        }
    });
}

#[test]
fn threads_that_poll_one_client_get_every_event_once() {
    const EACH: u64 = 500;
    let client = open(&options(&url(serve(echo))));
    let (sum, count) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for sender in 0..3 {
            scope.spawn(move || {
                for number in 0..EACH {
                    let text = (sender * EACH + number).to_string();
                    // SAFETY: the text lives longer than the call.
                    let sent =
                        unsafe { tieline_ws_send_text(client, text.as_ptr().cast(), text.len()) };
                    assert_eq!(sent, 0);
                }
            });
        }
        for _ in 0..3 {
            scope.spawn(|| {
                while count.load(Ordering::SeqCst) < 3 * EACH {
                    let mut event: *const Event = ptr::null();
                    // SAFETY: the pointer is one that may be written.
                    match unsafe { tieline_ws_poll(client, &mut event, LONG) } {
                        1 => {}
                        freed => return assert_eq!(freed, Code::Handle as i32),
                    }
                    // Another thread polls meanwhile; this event stays this thread's.
                    thread::yield_now();
                    // SAFETY: it is valid until this thread polls again.
                    let event = unsafe { &*event };
                    let data =
                        unsafe { std::slice::from_raw_parts(event.data.cast::<u8>(), event.len) };
                    let number: u64 = std::str::from_utf8(data).unwrap().parse().unwrap();
                    sum.fetch_add(number, Ordering::SeqCst);
                    if count.fetch_add(1, Ordering::SeqCst) + 1 == 3 * EACH {
                        // The others wait for what does not come.
                        tieline_ws_free(client);
                    }
                }
            });
        }
    });
    assert_eq!(sum.into_inner(), (0..3 * EACH).sum::<u64>());
}

#[test]
fn clients_come_and_go_on_many_threads() {
    let url = url(serve(echo));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..25 {
                    let client = connect(&options(&url));
                    if round % 2 == 0 {
                        assert_eq!(next(client).kind, Kind::Open);
                    }
                    assert_eq!(tieline_ws_free(client), 0);
                }
            });
        }
    });
}

#[test]
fn no_function_changes_errno() {
    let client = open(&options(&url(serve(echo))));
    errno::set_errno(errno::Errno(42));
    everything(client);
    everything(client);
    // SAFETY: what is given is refused.
    unsafe { tieline_ws_connect(ptr::null(), &mut 0) };
    assert_eq!(errno::errno(), errno::Errno(42));
}
