//! A client of channels in the native language, `tieline.v1`: subscribes and publishes with nothing lost unsaid.
//!
//! ```text
//! Client ─▶ orders ─▶ driver.rs: one task ─▶ Reconnecting: one line after the other
//!                        │ session/: what was asked, taken, answered and seen
//!                        ▼
//! Subscription ◀─ queue.rs, bounded: what was published; a gap where the reader was too slow
//! Device ◀─ mailbox.rs, bounded: what was sent to it, each message once
//! ```
//!
//! | what happens                                  | what the program sees                                  |
//! |-----------------------------------------------|--------------------------------------------------------|
//! | the line is lost, and comes back in time      | nothing: calls go on, subscriptions give what was missed |
//! | publications are gone: a restart, an age      | [`Event::Gap`] in that place of the [`Subscription`]   |
//! | a subscription is read too slowly             | [`Event::Gap`] in the place of the oldest; others go on |
//! | nobody knows whether a call was done          | [`Error::Lost`]; a publication is sent again by its key, and done once |
//! | coming back makes no sense                    | [`Error::Line`] or [`Error::Disconnected`] for everything that waits |
//!
//! `docs/wire.md` of the repository has the language.

mod builder;
mod device;
mod driver;
mod error;
mod event;
#[cfg(test)]
mod fixtures;
mod handle;
mod history;
mod letters;
mod mailbox;
mod position;
mod queue;
mod session;
mod state;
mod subscription;
mod token;
mod words;

pub use builder::Builder;
pub use device::Device;
pub use error::{Advice, Error, Fault};
pub use event::{Event, Gap, Member, Publication, Reason};
pub use handle::Client;
pub use history::{History, Published, Range, Stats};
pub use letters::DirectMessage;
pub use mailbox::DeviceMessage;
pub use position::{Position, PositionError};
pub use state::State;
pub use subscription::Subscription;
