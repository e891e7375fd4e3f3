//! What the configuration says of a command, ready to be used.

use std::time::Duration;

use http::HeaderName;
use tieline::Message;

use super::framer::{Framer, Stream};
use crate::config::{self, Errors, Frame};
use crate::process::{Places, Processes, Program, Stderr};

/// What all peers of a command share.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) route: String,
    pub(super) program: Program,
    pub(super) places: Places,
    pub(super) headers: Vec<HeaderName>,
    pub(super) below: bool,
    /// Messages that a newcomer hears first.
    pub(super) replay: usize,
    /// Whether it hears what peers say.
    pub(super) has_input: bool,
    pub(super) frame: Frame,
    errors: Errors,
    gap: String,
    max_line_bytes: usize,
    run_within: Option<Duration>,
}

impl Settings {
    pub(super) fn new(written: &config::Command, route: &str, processes: &Processes) -> Self {
        let program = Program {
            argv: written.argv.clone(),
            dir: written.dir.clone(),
            environment: (&written.environment).into(),
            ending: (&written.ending).into(),
        };
        Self {
            route: route.to_owned(),
            program,
            places: processes.places(route, written.max_processes),
            headers: written.headers.iter().filter_map(|name| name.parse().ok()).collect(),
            below: written.below,
            replay: written.replay,
            has_input: written.has_input(),
            frame: written.frame,
            errors: written.stderr,
            gap: written.gap.clone(),
            max_line_bytes: written.max_line_bytes,
            run_within: Some(written.run_within.get()).filter(|within| !within.is_zero()),
        }
    }

    /// Where its standard error goes.
    pub(super) fn stderr(&self) -> Stderr {
        match self.errors {
            Errors::Merge => Stderr::Merged,
            Errors::Log | Errors::Tag => Stderr::Apart,
        }
    }

    /// What cuts its output into messages.
    pub(super) fn framer(&self) -> Framer {
        let tag = self.is_tagged().then_some(Stream::Stdout);
        Framer::new(self.frame, tag, self.max_line_bytes)
    }

    /// What cuts its standard error into messages, where that is for its peers.
    pub(super) fn error_framer(&self) -> Option<Framer> {
        let framer = || Framer::new(self.frame, Some(Stream::Stderr), self.max_line_bytes);
        self.is_tagged().then(framer)
    }

    /// What is told instead of what was left out.
    pub(super) fn gap(&self) -> Option<Message> {
        match self.gap.as_str() {
            _ if self.is_tagged() => Some(r#"{"stream":"gap"}"#.into()),
            "" => None,
            gap => Some(gap.into()),
        }
    }

    /// Becomes ready when a process that begins now has run for too long.
    pub(super) async fn too_long(&self) {
        match self.run_within {
            Some(within) => tokio::time::sleep(within).await,
            None => std::future::pending().await,
        }
    }

    fn is_tagged(&self) -> bool {
        self.errors == Errors::Tag
    }
}
