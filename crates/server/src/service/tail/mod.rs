//! Lines of files, of commands and of files of other machines, shown as they are written.
//!
//! | from       | message                                  | then                                    |
//! |------------|------------------------------------------|-----------------------------------------|
//! | (joins)    |                                          | it gets the last lines                  |
//! | the server | lines and news, as its [format] has them |                                         |
//! | a client   | `{"type":"filter","contains":"…"}`       | it gets only lines with this text       |
//! | a client   | `{"type":"filter","regex":"…"}`          | it gets only lines that match           |
//! | a client   | `{"type":"filter"}`                      | it gets all lines                       |
//! | a client   | anything else that contains `quit`       | `close connect`, and the end with 1000  |
//!
//! A filter that is not taken is answered `{"type":"refused","reason":"…"}`, and the old one stays.
//! Anything else that a client says changes nothing and is counted in the log; a binary message ends
//! its line with 1003.
//!
//! [format]: crate::source::Format

mod before;
mod command;
mod files;
mod host;
mod plan;
mod told;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use tieline::serve::{Message, Overflow};
use tieline::{CloseCode, Closed};

pub(crate) use self::command::Plan as Command;
pub(crate) use self::files::{Pattern, Plan as Files, split};
pub(crate) use self::host::{Password, Plan as Host};
pub(crate) use self::plan::{Plan, Planned};
use crate::peer::Peer;
use crate::request::Request;
use crate::resources::Resources;
use crate::service::misunderstood::Misunderstood;
use crate::service::object::decode_object;
use crate::service::{Conversation, Service};
use crate::source::{ALL, Filter, FilterError, Source, Viewer};

/// What is shown on one route.
pub(crate) struct Tail {
    source: Arc<Source>,
    overflow: Overflow,
}

/// One who looks.
struct Watching {
    viewer: Viewer,
    misunderstood: Misunderstood,
}

/// What a client may ask; other members of the object are let be.
#[derive(Deserialize)]
struct Ask<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    contains: Option<String>,
    regex: Option<String>,
}

impl Ask<'_> {
    /// The filter that is asked for; `None` where something else is, or nothing.
    fn parse(text: &str) -> Option<Result<Option<Filter>, FilterError>> {
        let ask = decode_object::<Ask<'_>>(text).ok().filter(|ask| ask.kind == "filter")?;
        match (ask.contains, ask.regex) {
            (None, None) => Some(Ok(None)),
            (Some(text), None) => Some(Filter::contains(&text).map(Some)),
            (None, Some(pattern)) => Some(Filter::regex(&pattern).map(Some)),
            (Some(_), Some(_)) => None,
        }
    }
}

impl Tail {
    pub(crate) fn new(plan: &Plan, path: &str, resources: &Resources) -> Self {
        let slow = plan.format.gap(ALL, "the line is too slow: lines were left out");
        let readers = plan.readers(path, resources);
        let source = Arc::new(Source::new(plan.format, plan.keep, readers));
        Self { source, overflow: Overflow::DropOldest(slow) }
    }
}

impl Service for Tail {
    fn overflow(&self) -> Overflow {
        self.overflow.clone()
    }

    fn open(&self, peer: &Peer, _request: &Request) -> Box<dyn Conversation> {
        let viewer = self.source.join(peer);
        Box::new(Watching { viewer, misunderstood: Misunderstood::new("tail") })
    }
}

impl Conversation for Watching {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        let Some(text) = message.text() else {
            return peer.close(CloseCode::UNSUPPORTED, "the tail speaks text");
        };
        match Ask::parse(text) {
            Some(filter) => {
                let set = filter.and_then(|filter| self.viewer.set_filter(peer, filter));
                if let Err(error) = set {
                    self.viewer.refuse(peer, &error.to_string());
                }
            }
            None if text.contains("quit") => {
                peer.send("close connect");
                peer.close(CloseCode::NORMAL, "");
            }
            None => self.misunderstood.add(peer),
        }
    }

    fn close(&mut self, peer: &Peer, _how: &Closed) {
        self.misunderstood.sum_up(peer);
        self.viewer.leave(peer);
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").field("source", &self.source).finish_non_exhaustive()
    }
}
