//! What no function lets out: a panic, and a change of `errno`. And what went wrong, in words.

use std::cell::RefCell;
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::code::{Code, Failure};

thread_local! {
    /// What went wrong last on this thread, where no client can keep it.
    static LAST_ERROR: RefCell<String> = const { RefCell::new(String::new()) };
    /// What this thread was [shown](show) last.
    static SHOWN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Runs the body of a function of the header.
pub(super) fn guarded<T>(on_panic: T, body: impl FnOnce() -> T) -> T {
    let errno = errno::errno();
    // What a panic leaves behind is behind a lock that forgets it, or belongs to one client.
    let answer = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Dropping it could panic again.
        std::mem::forget(payload);
        on_panic
    });
    errno::set_errno(errno);
    answer
}

/// [`guarded`], for what answers a code or a number.
pub(super) fn answering(body: impl FnOnce() -> Result<i64, Failure>) -> i64 {
    guarded(Code::Internal as i64, || match body() {
        Ok(number) => number,
        Err(failure) => {
            keep(&failure.text);
            failure.code as i64
        }
    })
}

pub(super) fn keep(text: &str) {
    // A thread that ends has nobody to read it.
    let _ = LAST_ERROR.try_with(|last| text.clone_into(&mut last.borrow_mut()));
}

pub(super) fn kept() -> String {
    LAST_ERROR.try_with(|last| last.borrow().clone()).unwrap_or_default()
}

/// Keeps a text, ended by a NUL, until this thread is shown another; answers where it is and how
/// long.
pub(super) fn show(text: String) -> (*const c_char, usize) {
    let length = text.len();
    let mut bytes = text.into_bytes();
    bytes.push(0);
    let shown = SHOWN.try_with(|shown| {
        *shown.borrow_mut() = bytes;
        (shown.borrow().as_ptr().cast(), length)
    });
    shown.unwrap_or((c"".as_ptr(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_code() {
        assert_eq!(answering(|| panic!("a bug")), Code::Internal as i64);
        assert_eq!(guarded(7, || 8), 8);
    }

    #[test]
    fn a_panic_that_panics_again_when_it_is_dropped_is_one_as_well() {
        struct Again;
        impl Drop for Again {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        assert_eq!(guarded(7, || std::panic::panic_any(Again)), 7);
    }

    #[test]
    fn errno_is_what_it_was() {
        errno::set_errno(errno::Errno(42));
        guarded((), || errno::set_errno(errno::Errno(7)));
        assert_eq!(errno::errno(), errno::Errno(42));
    }
}
