//! Any program's standard input and output as a WebSocket.
//!
//! ```text
//! own:     peer ─▶ Input ─▶ stdin      stdout ─▶ Framer ─▶ peer         own.rs
//! shared:  peers ─▶ Input ─▶ stdin     stdout ─▶ Framer ─▶ Members      shared.rs
//! ```
//!
//! Nothing piles up: where a peer does not read, its program's pipe is not read either; where a
//! program does not read, its peers are not. A shared program waits for nobody who is slow, who misses
//! the oldest instead. When the program has ended, its peers are told how, with 1000.

mod framer;
mod input;
mod log;
mod own;
mod run;
mod settings;
mod shared;
mod source;

use std::sync::Arc;

use tieline::serve::Overflow;

use self::own::Own;
use self::settings::Settings;
use self::shared::Shared;
use crate::config;
use crate::peer::Peer;
use crate::process::{self, Processes};
use crate::request::Request;
use crate::service::{Conversation, Service};

/// The command of one route.
#[derive(Debug)]
pub(crate) struct Command {
    settings: Arc<Settings>,
    /// The one process of all peers, where they share it.
    shared: Option<Arc<Shared>>,
}

impl Command {
    pub(crate) fn new(written: &config::Command, route: &str, processes: &Processes) -> Self {
        let settings = Arc::new(Settings::new(written, route, processes));
        let shared = written.shared.then(|| Arc::new(Shared::new(Arc::clone(&settings))));
        Self { settings, shared }
    }
}

impl Service for Command {
    fn overflow(&self) -> Overflow {
        match self.shared {
            Some(_) => Overflow::DropOldest(self.settings.gap()),
            None => Overflow::Wait,
        }
    }

    fn takes_below(&self) -> bool {
        self.settings.below
    }

    fn open(&self, peer: &Peer, request: &Request) -> Box<dyn Conversation> {
        match &self.shared {
            Some(shared) => Box::new(shared::Viewer::join(shared, peer)),
            None => {
                let Settings { route, headers, .. } = &*self.settings;
                let variables = process::variables(request, route, headers);
                Box::new(Own::start(&self.settings, variables, peer))
            }
        }
    }
}
