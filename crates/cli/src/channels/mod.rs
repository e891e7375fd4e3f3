//! `tieline publish` and `tieline subscribe`: channels from a shell.

mod failure;
mod publish;
pub(crate) mod show;
mod subscribe;
mod to;

pub(crate) use failure::Failure;
pub(crate) use publish::{EXAMPLES as PUBLISH_EXAMPLES, Publish};
pub(crate) use subscribe::{EXAMPLES as SUBSCRIBE_EXAMPLES, Subscribe};
pub(crate) use to::TOKEN;
