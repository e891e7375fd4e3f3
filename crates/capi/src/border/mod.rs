//! The functions and structs of the header. All that is unsafe in this crate is here.
//!
//! | what                                         | file           |
//! |----------------------------------------------|----------------|
//! | the functions                                | `functions.rs` |
//! | options, of any version                      | `options.rs`   |
//! | events, and who keeps their memory           | `events.rs`    |
//! | texts and bytes that come in                 | `given.rs`     |
//! | what no function lets out: panics, `errno`   | `guard.rs`     |

mod events;
mod functions;
mod given;
mod guard;
mod options;

pub use events::Event;
pub use functions::*;
pub use given::TIELINE_WS_NUL_TERMINATED;
pub use options::{Callback, Options};
