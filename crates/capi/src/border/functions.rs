//! The functions of the header.
#![expect(unsafe_code, reason = "names without mangling, and pointers of programs")]

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;

use tieline::Message;
use tieline::bytes::Bytes;

use super::events::{Delivered, Event, hold, let_go};
use super::given::{bytes, utf8};
use super::guard::{answering, guarded, kept, show};
use super::options::{Callbacks, Options, read};
use crate::client::Client;
use crate::code::{Code, Failure};
use crate::event::Kind;
use crate::inbox::Taken;
use crate::outbox::Order;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::state::State;

/// A client. 0 is never one; a number that was freed is none any more, and never another one.
pub type Handle = u64;

static CLIENTS: Registry<Owned> = Registry::new();

#[derive(Debug)]
struct Owned {
    client: Client,
    callbacks: Callbacks,
}

/// Starts to connect and waits for nothing: the events say what comes of it. Writes the new client
/// to `client`, and 0 where there is none.
///
/// Answers TIELINE_WS_ERROR_NONE, or why there is no client; `tieline_ws_last_error(0, NULL)` says
/// it in words. What is wrong with the options is said at once. Every client is to be freed.
///
/// # Safety
///
/// `options` points to options as they are described there, `client` to a handle that is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tieline_ws_connect(options: *const Options, client: *mut Handle) -> i32 {
    answering(|| {
        if client.is_null() {
            let text = "`client` is NULL: it points to where the new client is written";
            return Err(Failure::new(Code::Argument, text));
        }
        // SAFETY: as the caller promises.
        unsafe { client.write(0) };
        // SAFETY: as the caller promises.
        let options = unsafe { read(options) }?;
        // SAFETY: as the caller promises.
        let settings = Settings::check(&unsafe { options.asked() }?)?;
        let connecting = Client::connect(settings).map_err(|error| {
            Failure::new(Code::Limit, format!("there is no thread for it: {error}"))
        })?;
        let owned = Arc::new(Owned { client: connecting, callbacks: options.callbacks() });
        let handle = CLIENTS.insert(owned).ok_or_else(|| {
            let most = Registry::<Owned>::MOST;
            Failure::new(Code::Limit, format!("there are {most} clients: free one first"))
        })?;
        // SAFETY: as the caller promises.
        unsafe { client.write(handle) };
        Ok(0)
    }) as i32
}

/// Takes the client's next event, calls its callback, if there is one, and writes the event to
/// `event`, or NULL where there is none. `event` may be NULL where callbacks do everything.
///
/// Waits up to `timeout_ms` milliseconds: 0 does not wait, and a negative time waits until there is
/// one. Answers 1 for an event, 0 for none in that time, or an error:
/// TIELINE_WS_ERROR_CLOSED after the last event, TIELINE_WS_ERROR_HANDLE also where the client was
/// freed meanwhile, by its callback or by another thread.
///
/// Threads that poll the same client get its events in turn.
///
/// # Safety
///
/// `event` is NULL, or points to a pointer that is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tieline_ws_poll(
    client: Handle,
    event: *mut *const Event,
    timeout_ms: i64,
) -> i32 {
    answering(|| {
        if !event.is_null() {
            // SAFETY: as the caller promises.
            unsafe { event.write(std::ptr::null()) };
        }
        let_go(client);
        let owned = find(client)?;
        let taken =
            match owned.client.take(u64::try_from(timeout_ms).ok().map(Duration::from_millis)) {
                Taken::Event(event) => event,
                Taken::Nothing => return Ok(0),
                Taken::Over => {
                    let text = "the last event was taken: free the client";
                    return Err(Failure::new(Code::Closed, text));
                }
                Taken::Freed => return Err(nobody(client)),
            };
        let delivered = Delivered::new(client, taken);
        // SAFETY: the event lives longer than the call.
        unsafe { call(&owned.callbacks, delivered.event()) };
        // Its callback may have freed it.
        find(client)?;
        if !event.is_null() {
            // SAFETY: as the caller promises.
            unsafe { event.write(delivered.event()) };
        }
        hold(delivered, |client| CLIENTS.get(client).is_some());
        Ok(1)
    }) as i32
}

/// Sends a text message of `len` bytes of UTF-8, or with TIELINE_WS_NUL_TERMINATED up to the NUL.
///
/// It is copied, queued and sent whole or not at all. TIELINE_WS_ERROR_NOT_OPEN before OPEN and
/// after CLOSE was polled, TIELINE_WS_ERROR_FULL where too much waits (nothing is waited for),
/// TIELINE_WS_ERROR_TOO_BIG, TIELINE_WS_ERROR_UTF8. What is queued when a line is lost may or may
/// not have arrived, and is not sent again.
///
/// # Safety
///
/// `text` points to that many bytes, or to a text that ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tieline_ws_send_text(
    client: Handle,
    text: *const c_char,
    len: usize,
) -> i32 {
    with(client, |owned| {
        // SAFETY: as the caller promises.
        let text = utf8(unsafe { bytes(text.cast(), len, "text") }?, "text")?;
        owned.client.send(Order::Message(Message::from(text)))
    })
}

/// Sends a binary message of `len` bytes; the rest is as `tieline_ws_send_text` says.
///
/// # Safety
///
/// `data` points to that many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tieline_ws_send_binary(
    client: Handle,
    data: *const c_void,
    len: usize,
) -> i32 {
    with(client, |owned| {
        // SAFETY: as the caller promises.
        let data = unsafe { bytes(data, len, "data") }?;
        owned.client.send(Order::Message(Message::from(data.to_vec())))
    })
}

/// Sends a ping of up to 125 bytes; PONG tells when it is answered. Lines are pinged without it
/// when they are silent (`ping_after_ms`). Errors are those of `tieline_ws_send_text`.
///
/// # Safety
///
/// `data` points to that many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tieline_ws_ping(client: Handle, data: *const c_void, len: usize) -> i32 {
    with(client, |owned| {
        // SAFETY: as the caller promises.
        let data = unsafe { bytes(data, len, "data") }?;
        owned.client.send(Order::Ping(Bytes::copy_from_slice(data)))
    })
}

/// Ends the line well, once what was sent before has left, and stays away. Waits for nothing: poll
/// gives the server's last messages, and then CLOSE. Called again it changes nothing.
///
/// `code` is 1000 or what the protocol allows, `reason` up to 123 bytes of UTF-8, `len` its length
/// or TIELINE_WS_NUL_TERMINATED. A client without a line ends at once, with the code 1006.
///
/// # Safety
///
/// `reason` points to that many bytes, or to a text that ends with a NUL; it may be NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tieline_ws_close(
    client: Handle,
    code: u32,
    reason: *const c_char,
    len: usize,
) -> i32 {
    with(client, |owned| {
        // SAFETY: as the caller promises.
        let reason = utf8(unsafe { bytes(reason.cast(), len, "reason") }?, "reason")?;
        owned.client.close(code, reason)
    })
}

/// Frees a client: its handle is none any more, its line is broken off where it was not closed, its
/// events are gone, and threads that poll it get TIELINE_WS_ERROR_HANDLE. Allowed in its callbacks.
///
/// With the last client the library's thread ends, which is waited for (no network is).
#[unsafe(no_mangle)]
pub extern "C" fn tieline_ws_free(client: Handle) -> i32 {
    answering(|| {
        let_go(client);
        let owned = CLIENTS.remove(client).ok_or_else(|| nobody(client))?;
        owned.client.free();
        Ok(0)
    }) as i32
}

/// Bytes that the system has not taken yet: what waits in the queue, 16 more for each message than
/// its length, and what waits below it. Or a negative error.
#[unsafe(no_mangle)]
pub extern "C" fn tieline_ws_buffered_amount(client: Handle) -> i64 {
    answering(|| {
        let amount = find(client)?.client.buffered_amount();
        Ok(i64::try_from(amount).unwrap_or(i64::MAX))
    })
}

/// Where in its life the client is, a `tieline_ws_state`, as far as its events were polled. Or a
/// negative error.
#[unsafe(no_mangle)]
pub extern "C" fn tieline_ws_ready_state(client: Handle) -> i32 {
    answering(|| Ok(State::from(find(client)?.client.ready_state()) as i64)) as i32
}

/// What went wrong last with this client, in words, and what would be right; empty where nothing
/// did. With 0: what went wrong last on this thread, also where there was no client.
///
/// Never NULL, ends with a NUL; its length is written to `len`, unless that is NULL. It belongs to
/// the library and is valid until this thread calls this function again, or ends.
///
/// # Safety
///
/// `len` is NULL, or points to a size that is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tieline_ws_last_error(client: Handle, len: *mut usize) -> *const c_char {
    let (text, length) = guarded((c"".as_ptr(), 0), || {
        show(match (client, CLIENTS.get(client)) {
            (0, _) => kept(),
            (_, Some(owned)) => owned.client.last_error(),
            (_, None) => nobody(client).text,
        })
    });
    if !len.is_null() {
        // SAFETY: as the caller promises.
        unsafe { len.write(length) };
    }
    text
}

/// What a `tieline_ws_error` means, in general. Never NULL, ends with a NUL, and lives for ever; its
/// length is written to `len`, unless that is NULL.
///
/// # Safety
///
/// `len` is NULL, or points to a size that is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tieline_ws_error_text(error: i32, len: *mut usize) -> *const c_char {
    // SAFETY: as the caller promises.
    unsafe { lasting(Code::text(error), len) }
}

/// The version of the library, such as `0.1.0`; otherwise as `tieline_ws_error_text`.
///
/// # Safety
///
/// `len` is NULL, or points to a size that is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tieline_ws_version(len: *mut usize) -> *const c_char {
    // SAFETY: as the caller promises.
    unsafe { lasting(concat!(env!("CARGO_PKG_VERSION"), "\0"), len) }
}

/// # Safety
///
/// `len` is NULL, or points to a size that is written.
unsafe fn lasting(text: &'static str, len: *mut usize) -> *const c_char {
    if !len.is_null() {
        // SAFETY: as the caller promises.
        unsafe { len.write(text.len() - 1) };
    }
    text.as_ptr().cast()
}

/// # Safety
///
/// The callbacks are those of the program's options, and still callable.
unsafe fn call(callbacks: &Callbacks, event: &Event) {
    let callback = match event.kind {
        Kind::Open => callbacks.on_open,
        Kind::Message => callbacks.on_message,
        Kind::Close => callbacks.on_close,
        Kind::Error => callbacks.on_error,
        Kind::Pong => callbacks.on_pong,
    };
    if let Some(callback) = callback {
        // SAFETY: as the caller promises.
        unsafe { callback(callbacks.user, event) };
    }
}

/// Does something with a client, which keeps what goes wrong.
fn with(client: Handle, body: impl FnOnce(&Owned) -> Result<(), Failure>) -> i32 {
    answering(|| {
        let owned = find(client)?;
        body(&owned).inspect_err(|failure| owned.client.failed(&failure.text))?;
        Ok(0)
    }) as i32
}

fn find(client: Handle) -> Result<Arc<Owned>, Failure> {
    CLIENTS.get(client).ok_or_else(|| nobody(client))
}

fn nobody(client: Handle) -> Failure {
    let text = format!(
        "{client:#x} is no client: it is 0, was freed, or is not what tieline_ws_connect has written"
    );
    Failure::new(Code::Handle, text)
}
