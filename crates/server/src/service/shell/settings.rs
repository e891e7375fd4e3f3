//! What the configuration says of a shell, and how one of its commands is run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;

use super::result::{Part, result};
use crate::config;
use crate::process::{
    Ending, Environment, NotStarted, Places, Processes, Program, Running, Stderr,
};

/// What all users of a shell share.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) route: String,
    commands: BTreeMap<String, Vec<String>>,
    danger_any_command: bool,
    dir: Option<PathBuf>,
    environment: Environment,
    ending: Ending,
    run_within: Duration,
    max_output_bytes: usize,
    places: Places,
}

impl Settings {
    pub(super) fn new(written: &config::Shell, route: &str, processes: &Processes) -> Self {
        Self {
            route: route.to_owned(),
            commands: written.commands.clone(),
            danger_any_command: written.danger_any_command,
            dir: written.dir.clone(),
            environment: (&written.environment).into(),
            ending: (&written.ending).into(),
            run_within: written.run_within.get(),
            max_output_bytes: written.max_output_bytes,
            places: processes.places(route, written.max_processes),
        }
    }

    /// What a line has run, where it may have anything run.
    pub(super) fn program(&self, line: &str) -> Option<Program> {
        let argv = match self.commands.get(line) {
            Some(argv) => argv.clone(),
            None if self.danger_any_command => {
                ["/bin/sh", "-c", line].into_iter().map(str::to_owned).collect()
            }
            None => return None,
        };
        let (dir, environment) = (self.dir.clone(), self.environment.clone());
        Some(Program { argv, dir, environment, ending: self.ending })
    }

    /// Runs a command until nothing of it is left, or for as long as it may, and says what it wrote.
    /// By then its place is free, where it did not have to be ended.
    pub(super) async fn run(&self, program: &Program) -> Result<String, NotStarted> {
        let running = self.places.start(program, &[], Stderr::Apart).await?;
        let Running { stdin, stdout, stderr, kept } = running;
        // There is nothing to read.
        drop(stdin);
        let (mut out, mut err) = (Part::default(), Part::default());
        let most = self.max_output_bytes;
        let ended = async {
            let err = async {
                if let Some(stderr) = stderr {
                    err.read(stderr, most).await;
                }
            };
            tokio::join!(out.read(stdout, most), err, kept.gone());
        };
        if timeout(self.run_within, ended).await.is_err() {
            err.note("the command ran for longer than it may, and was ended");
        }
        if out.is_cut() || err.is_cut() {
            err.note("the rest of what the command wrote was left out");
        }
        Ok(result(&out, &err))
    }
}
