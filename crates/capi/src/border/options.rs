//! Options, as programs of any version of the header hand them in.
#![expect(unsafe_code, reason = "a struct that a program points to is read here")]

use std::ffi::{c_char, c_void};
use std::mem::{MaybeUninit, align_of, offset_of, size_of};

use super::events::Event;
use super::given::c_text;
use crate::code::{Code, Failure};
use crate::settings::Asked;

/// Called inside `tieline_ws_poll`, on its thread, with `user` of the options. The event is valid
/// until the callback returns. Any function may be called in it, `tieline_ws_free` included. It
/// must return: no C++ exception and no longjmp may leave it.
pub type Callback = Option<unsafe extern "C" fn(user: *mut c_void, event: *const Event)>;

/// How a client connects. Set every byte to zero, `size` to `sizeof(tieline_ws_options)`, and the
/// fields you mean: zero and NULL are defaults. Texts end with a NUL and are UTF-8; nothing of the
/// struct, nor of what it points to, is needed after `tieline_ws_connect`.
///
/// Later versions append fields. A program that was built with an older header gets the defaults
/// of what it does not know; one with a newer header is refused where it sets what this library
/// does not know.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a struct of a C header, versioned by its size")]
#[repr(C)]
pub struct Options {
    /// `sizeof(tieline_ws_options)`.
    pub size: usize,
    /// `ws://host/path` or `wss://host/path`, perhaps with `user:password@`. Needed.
    pub url: *const c_char,
    /// Subprotocols to offer, the best first, separated by commas: `chat.v2, chat.v1`.
    pub protocols: *const c_char,
    /// Headers to send, a line for each: `Authorization: Bearer x\nX-Other: y`.
    pub headers: *const c_char,
    /// The Origin to send, for servers that want one. Default none.
    pub origin: *const c_char,
    /// A proxy: `http://host:port` or `socks5://host:port`, perhaps with `user:password@`, or
    /// `environment` for what the environment says. Default none.
    pub proxy: *const c_char,
    /// Root certificates to trust besides those of the system, PEM.
    pub ca_pem: *const c_char,
    /// The certificate to show to a server that asks for one, and those above it, PEM.
    pub certificate_pem: *const c_char,
    /// The private key of that certificate, PEM.
    pub key_pem: *const c_char,
    /// Keys of which the server must have one, checked besides its certificate, in the form of
    /// `curl --pinnedpubkey`: `sha256//BASE64`, several separated by semicolons. Default any.
    pub pinned_key: *const c_char,
    /// 1 to trust `ca_pem` alone, and not the system's roots.
    pub ca_only: i64,
    /// 1 to believe every server to be who it says, so that anybody on the way can read and change
    /// what is sent: for tests. `pinned_key` is checked nevertheless.
    pub danger_accept_any_certificate: i64,
    /// Longest time to connect, everything together, in milliseconds. Default 10,000.
    pub connect_timeout_ms: i64,
    /// Silence of the server after which it is pinged, in milliseconds; -1 never pings. Default
    /// 25,000.
    pub ping_after_ms: i64,
    /// How long the server may then stay silent before the line counts as lost, in milliseconds.
    /// Default 10,000.
    pub pong_timeout_ms: i64,
    /// How long the server may take to answer a close, in milliseconds. Default 5,000.
    pub close_timeout_ms: i64,
    /// Largest message to accept, in bytes, after decompression. Default 1 MiB.
    pub max_message_bytes: i64,
    /// How much may wait to be sent, in bytes, 16 more for each message than its length. When it is
    /// full, sending answers TIELINE_WS_ERROR_FULL. Default 1 MiB.
    pub send_queue_bytes: i64,
    /// How much may wait to be polled, in bytes. When it is full nothing more is read from the
    /// server, which then has to wait: it holds at most one message more. Default 4 MiB.
    pub event_queue_bytes: i64,
    /// How many events may wait to be polled, likewise. Default 1,024.
    pub event_queue_events: i64,
    /// Most redirects to follow. Default 0: a redirect is a refusal.
    pub redirects: i64,
    /// permessage-deflate: 0 off, 1 offered, 2 required. Default 0.
    pub deflate: i64,
    /// Effort of compression, 1 to 9. Default 4.
    pub deflate_level: i64,
    /// 1 to come back when the line is lost, or does not open, where that makes sense: not after
    /// the close codes 1000, 1003, 1008, 1010, 3000 and 3003, the statuses 400, 401, 403, 404, 405,
    /// 410 and 426, and errors that stay. Default 0.
    pub reconnect: i64,
    /// Longest wait before the first attempt to come back, in milliseconds; it doubles with each,
    /// and every wait is a random part of its longest. Default 500.
    pub reconnect_base_ms: i64,
    /// Where the doubling ends, in milliseconds. Default 30,000.
    pub reconnect_max_ms: i64,
    /// How long a line must have been open for the doubling to start anew, in milliseconds. Default
    /// 10,000.
    pub reconnect_stable_ms: i64,
    /// Handed to every callback.
    pub user: *mut c_void,
    /// Called for OPEN.
    pub on_open: Callback,
    /// Called for MESSAGE.
    pub on_message: Callback,
    /// Called for CLOSE.
    pub on_close: Callback,
    /// Called for ERROR.
    pub on_error: Callback,
    /// Called for PONG.
    pub on_pong: Callback,
}

/// The callbacks of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Callbacks {
    pub(super) user: *mut c_void,
    pub(super) on_open: Callback,
    pub(super) on_message: Callback,
    pub(super) on_close: Callback,
    pub(super) on_error: Callback,
    pub(super) on_pong: Callback,
}

// SAFETY: the pointer is handed back and never followed; on which threads it is valid is for the
// program to see to, as the header says: callbacks run on the thread that polls.
unsafe impl Send for Callbacks {}
// SAFETY: as above.
unsafe impl Sync for Callbacks {}

/// The size up to which a struct must reach: there is no client without a URL.
const LEAST: usize = offset_of!(Options, protocols);

/// Copies the options of any version: what is missing is zero, and what is not known must be.
///
/// # Safety
///
/// `options` is NULL, or points to a readable `size_t`, and where that is a size that can be (up
/// to 64 KiB), to as many bytes of initialised memory.
pub(super) unsafe fn read(options: *const Options) -> Result<Options, Failure> {
    /// No version will be larger: a size above it is garbage, and not to be read.
    const MOST: usize = 64 << 10;
    let ours = size_of::<Options>();
    let refuse = |text: String| Err(Failure::new(Code::Argument, text));
    if options.is_null() {
        return refuse("`options` is NULL: it points to a tieline_ws_options".to_owned());
    }
    // SAFETY: as the caller promises; the pointer need not be aligned.
    let size = unsafe { options.cast::<usize>().read_unaligned() };
    if !(LEAST..=MOST).contains(&size) || size % align_of::<Options>() != 0 {
        return refuse(format!(
            "`size` of the options is {size}: set it to sizeof(tieline_ws_options), which is {ours} here"
        ));
    }
    if size > ours {
        // SAFETY: these are the bytes behind ours, of the `size` that the caller promises.
        let unknown =
            unsafe { std::slice::from_raw_parts(options.cast::<u8>().add(ours), size - ours) };
        if let Some(at) = unknown.iter().position(|byte| *byte != 0) {
            return refuse(format!(
                "the options have something at byte {} that this version of the library does not \
                 know: leave it zero, or use a newer library",
                ours + at
            ));
        }
    }
    let mut copy = MaybeUninit::<Options>::zeroed();
    let known = size.min(ours);
    // SAFETY: both have `known` bytes, and a fresh local overlaps nothing. Every field may be zero:
    // numbers, pointers that may be NULL, and functions that may be none.
    unsafe {
        std::ptr::copy_nonoverlapping(options.cast::<u8>(), copy.as_mut_ptr().cast::<u8>(), known);
        Ok(copy.assume_init())
    }
}

impl Options {
    /// Copies the texts, and names what is not UTF-8.
    ///
    /// # Safety
    ///
    /// Every text is NULL or ends with a NUL.
    pub(super) unsafe fn asked(&self) -> Result<Asked, Failure> {
        // SAFETY: as the caller promises.
        let text = |text, name| unsafe { c_text(text, name) };
        Ok(Asked {
            url: text(self.url, "url")?,
            protocols: text(self.protocols, "protocols")?,
            headers: text(self.headers, "headers")?,
            origin: text(self.origin, "origin")?,
            proxy: text(self.proxy, "proxy")?,
            ca_pem: text(self.ca_pem, "ca_pem")?,
            certificate_pem: text(self.certificate_pem, "certificate_pem")?,
            key_pem: text(self.key_pem, "key_pem")?,
            pinned_key: text(self.pinned_key, "pinned_key")?,
            ca_only: self.ca_only,
            danger_accept_any_certificate: self.danger_accept_any_certificate,
            connect_timeout_ms: self.connect_timeout_ms,
            ping_after_ms: self.ping_after_ms,
            pong_timeout_ms: self.pong_timeout_ms,
            close_timeout_ms: self.close_timeout_ms,
            max_message_bytes: self.max_message_bytes,
            send_queue_bytes: self.send_queue_bytes,
            event_queue_bytes: self.event_queue_bytes,
            event_queue_events: self.event_queue_events,
            redirects: self.redirects,
            deflate: self.deflate,
            deflate_level: self.deflate_level,
            reconnect: self.reconnect,
            reconnect_base_ms: self.reconnect_base_ms,
            reconnect_max_ms: self.reconnect_max_ms,
            reconnect_stable_ms: self.reconnect_stable_ms,
        })
    }

    pub(super) const fn callbacks(&self) -> Callbacks {
        let Self { user, on_open, on_message, on_close, on_error, on_pong, .. } = *self;
        Callbacks { user, on_open, on_message, on_close, on_error, on_pong }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Options as bytes, cut or padded to `size`.
    fn sized(size: usize, change: impl FnOnce(&mut Options)) -> Vec<usize> {
        // SAFETY: every field may be zero.
        let mut options: Options = unsafe { MaybeUninit::zeroed().assume_init() };
        options.size = size;
        change(&mut options);
        let mut words = vec![0; size.max(size_of::<Options>()).div_ceil(size_of::<usize>())];
        // SAFETY: there is room for the whole struct.
        unsafe { words.as_mut_ptr().cast::<Options>().write_unaligned(options) };
        words.truncate(size.div_ceil(size_of::<usize>()).max(1));
        words
    }

    fn text(words: &[usize]) -> String {
        // SAFETY: there are as many bytes as the size says, or the size cannot be.
        unsafe { read(words.as_ptr().cast()) }.map(|_| ()).unwrap_err().text
    }

    #[test]
    fn what_an_older_header_does_not_have_is_its_default() {
        let words = sized(LEAST, |options| options.reconnect = 1);
        // SAFETY: there are as many bytes as the size says.
        let options = unsafe { read(words.as_ptr().cast()) }.unwrap();
        assert_eq!((options.size, options.reconnect), (LEAST, 0));
        let half = offset_of!(Options, deflate);
        let words = sized(half, |options| (options.redirects, options.deflate) = (3, 2));
        // SAFETY: as above.
        let options = unsafe { read(words.as_ptr().cast()) }.unwrap();
        assert_eq!((options.redirects, options.deflate), (3, 0));
        assert!(options.on_pong.is_none());
    }

    #[test]
    fn what_a_newer_header_has_must_be_zero() {
        let ours = size_of::<Options>();
        let mut words = sized(ours + 16, |_| {});
        // SAFETY: as above.
        assert!(unsafe { read(words.as_ptr().cast()) }.is_ok());
        *words.last_mut().unwrap() = 1;
        assert!(text(&words).contains("newer library"));
    }

    #[test]
    fn a_size_that_cannot_be_is_refused_with_the_right_one() {
        for size in [0, 1, 8, LEAST - 1, LEAST + 4, usize::MAX, 1 << 20] {
            let words = [size, 0, 0, 0];
            let right = format!("which is {} here", size_of::<Options>());
            assert!(text(&words).contains(&right), "{size}");
        }
        // SAFETY: NULL is allowed.
        assert!(unsafe { read(std::ptr::null()) }.is_err());
    }
}
