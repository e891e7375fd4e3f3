//! Texts and bytes that a program gives. Nothing of them is kept: they are copied.
#![expect(unsafe_code, reason = "what a program points to is read here")]

use std::ffi::{CStr, c_char, c_void};

use crate::code::{Code, Failure};

/// The length of a text that ends with a NUL: it is counted.
pub const TIELINE_WS_NUL_TERMINATED: usize = usize::MAX;

/// A text that ends with a NUL; a NULL is an empty one.
///
/// # Safety
///
/// `text` is NULL, or points to bytes of which one is NUL, and nobody changes them meanwhile.
pub(super) unsafe fn c_text(text: *const c_char, name: &str) -> Result<String, Failure> {
    if text.is_null() {
        return Ok(String::new());
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    utf8(bytes, name).map(str::to_owned)
}

/// `len` bytes, or with [`TIELINE_WS_NUL_TERMINATED`] those before the first NUL.
///
/// # Safety
///
/// `data` is NULL, or points to that many bytes, which live as long as `'a`, and nobody changes them
/// meanwhile.
pub(super) unsafe fn bytes<'a>(
    data: *const c_void,
    len: usize,
    name: &str,
) -> Result<&'a [u8], Failure> {
    match (data.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, TIELINE_WS_NUL_TERMINATED) => Ok(&[]),
        (true, _) => {
            let text =
                format!("`{name}` is NULL and its length is {len}: only nothing may be NULL");
            Err(Failure::new(Code::Argument, text))
        }
        // SAFETY: as the caller promises.
        (false, TIELINE_WS_NUL_TERMINATED) => Ok(unsafe { CStr::from_ptr(data.cast()) }.to_bytes()),
        (false, len) if len > isize::MAX as usize => {
            let text = format!("the length of `{name}` is {len}: no memory is that large");
            Err(Failure::new(Code::Argument, text))
        }
        // SAFETY: as the caller promises; the length is within what a slice may have.
        (false, len) => Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) }),
    }
}

pub(super) fn utf8<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str, Failure> {
    std::str::from_utf8(bytes).map_err(|error| {
        let text = format!("`{name}` is not UTF-8 from byte {} on", error.valid_up_to());
        Failure::new(Code::Utf8, text)
    })
}
