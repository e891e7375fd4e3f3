//! Servers of the library itself, in a thread of the test, and clients as a C program has them.
#![allow(dead_code, reason = "each test file uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::ffi::{CStr, CString};
use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use tieline::{AcceptOptions, Answer, CloseCode, Deflate, WebSocket};
use tieline_ws::{Event, Handle, Kind, Options, tieline_ws_connect, tieline_ws_poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

/// How long something may take that is waited for. It is never waited for when all is well.
pub(crate) const LONG: i64 = 60_000;

/// Runs a server on a thread of its own until the test ends; each line is handled by `handle`.
pub(crate) fn serve<F, R>(handle: F) -> SocketAddr
where
    F: Fn(WebSocket<TcpStream>) -> R + Send + Clone + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    serve_over(move |stream| {
        let handle = handle.clone();
        async move {
            let deflate = Some(Deflate::default());
            let options = AcceptOptions { deflate, ..AcceptOptions::default() };
            let answer = |request: &tieline::Request| {
                let protocol = request.protocols().first().cloned();
                Ok(Answer { protocol, ..Answer::default() })
            };
            if let Ok(socket) = tieline::accept_with(stream, &options, answer).await {
                handle(socket).await;
            }
        }
    })
}

/// The same below the handshake.
pub(crate) fn serve_over<F, R>(handle: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let (told, address) = mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(handle(stream));
            }
        });
    });
    address.recv().unwrap()
}

/// Sends everything back; `bye` closes with 4001 and this reason, `drop` drops the line.
pub(crate) async fn echo<S>(mut socket: WebSocket<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = socket.next().await {
        match message.text() {
            Some("bye") => {
                // However it ends: the client tells.
                let _ = socket.close(CloseCode::new(4001), "as you wish").await;
            }
            Some("drop") => return,
            _ if socket.send(message.clone()).await.is_err() => return,
            _ => {}
        }
    }
}

/// An echo that drops the line instead, the first time that somebody says `drop once`.
pub(crate) async fn echo_after_a_drop(mut socket: WebSocket<TcpStream>, first: &AtomicBool) {
    while let Some(Ok(message)) = socket.next().await {
        if message.text() == Some("drop once") && first.swap(false, Ordering::Relaxed) {
            return;
        }
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

/// Reads nothing, for ever.
pub(crate) async fn deaf(socket: WebSocket<TcpStream>) {
    pending::<()>().await;
    drop(socket);
}

/// Options with a URL and defaults.
pub(crate) fn options(url: &CStr) -> Options {
    Options {
        size: size_of::<Options>(),
        url: url.as_ptr(),
        // SAFETY: NULL, zero and no function are defaults.
        ..unsafe { std::mem::zeroed() }
    }
}

pub(crate) fn url(address: SocketAddr) -> CString {
    CString::new(format!("ws://{address}/")).unwrap()
}

/// A client that is connecting.
pub(crate) fn connect(options: &Options) -> Handle {
    let mut client = 0;
    // SAFETY: both live longer than the call.
    assert_eq!(unsafe { tieline_ws_connect(options, &mut client) }, 0);
    client
}

/// A client whose line is open.
pub(crate) fn open(options: &Options) -> Handle {
    let client = connect(options);
    assert_eq!(next(client).kind, Kind::Open);
    client
}

/// An event, copied.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) kind: Kind,
    pub(crate) data: String,
    pub(crate) code: i32,
    pub(crate) clean: bool,
    pub(crate) retry_in_ms: i64,
}

/// The next event.
pub(crate) fn next(client: Handle) -> Got {
    let (polled, got) = poll(client, LONG);
    assert_eq!(polled, 1);
    got.unwrap()
}

pub(crate) fn poll(client: Handle, timeout_ms: i64) -> (i32, Option<Got>) {
    let mut event: *const Event = std::ptr::null();
    // SAFETY: the pointer is one that may be written.
    let polled = unsafe { tieline_ws_poll(client, &mut event, timeout_ms) };
    // SAFETY: it is NULL, or valid until this thread polls again.
    let got = unsafe { event.as_ref() }.map(|event| {
        // SAFETY: `data` has `len` bytes and a NUL behind them.
        let data = unsafe { std::slice::from_raw_parts(event.data.cast::<u8>(), event.len + 1) };
        assert_eq!(data.last(), Some(&0));
        Got {
            kind: event.kind,
            data: String::from_utf8_lossy(&data[..event.len]).into_owned(),
            code: event.code,
            clean: event.clean == 1,
            retry_in_ms: event.retry_in_ms,
        }
    });
    (polled, got)
}
