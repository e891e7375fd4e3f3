//! Checking a program that the server runs.

use std::path::{Path, PathBuf};

use super::{Check, NO_TIME};
use crate::config::error::{ConfigError, Problem};
use crate::config::process::{Ending, Environment};
use crate::config::source::Key;
use crate::config::span::Span;

/// Most words of a command, and most bytes of one: what Linux takes of one.
const MAX_WORDS: usize = 4_096;
const MAX_WORD_BYTES: usize = (128 << 10) - 1;

/// Longest time that one step of an ending may take.
const MAX_STEP: Span = Span::from_secs(600);

impl Check<'_> {
    /// A command and its arguments.
    pub(super) fn argv(&self, argv: &[String], key: &Key) -> Result<(), ConfigError> {
        if argv.first().is_none_or(String::is_empty) {
            return Err(self.fail(Problem::NoCommand, key));
        }
        self.in_range(argv.len(), 1, MAX_WORDS, key)?;
        for (index, word) in argv.iter().enumerate() {
            if word.contains('\0') || word.len() > MAX_WORD_BYTES {
                return Err(self.fail(Problem::Word, &key.index(index)));
            }
        }
        Ok(())
    }

    /// The folder in which a program runs.
    pub(super) fn program_dir(&self, dir: Option<&Path>, key: &Key) -> Result<(), ConfigError> {
        let Some(dir) = dir else { return Ok(()) };
        let path = self.source.resolve(dir);
        match std::fs::read_dir(&path) {
            Ok(_) => Ok(()),
            Err(source) => Err(self.fail(Problem::ProgramDir { path, source }, key)),
        }
    }

    /// The folder as it is seen from anywhere.
    pub(super) fn resolve_dir(&self, dir: &mut Option<PathBuf>) {
        *dir = dir.take().map(|dir| self.source.resolve(&dir));
    }

    /// The variables that a program finds.
    pub(super) fn environment(&self, written: &Environment, key: &Key) -> Result<(), ConfigError> {
        for (index, name) in written.allow.iter().enumerate() {
            self.variable(name, &key.name("allow").index(index))?;
        }
        for (name, value) in &written.set {
            let key = key.name("set").name(name);
            self.variable(name, &key)?;
            if value.contains('\0') || value.len() > MAX_WORD_BYTES {
                return Err(self.fail(Problem::Word, &key));
            }
        }
        Ok(())
    }

    /// How a program is ended.
    pub(super) fn ending(&self, written: &Ending, key: &Key) -> Result<(), ConfigError> {
        for (span, name) in
            [(written.stdin_within, "stdin_within"), (written.term_within, "term_within")]
        {
            self.time_in_range(span, NO_TIME, MAX_STEP, &key.name(name))?;
        }
        Ok(())
    }

    fn variable(&self, name: &str, key: &Key) -> Result<(), ConfigError> {
        // It is how descendants are known: nobody else may say it.
        let is_kept = name == "TIELINE_PROCESS";
        if name.is_empty() || name.contains(['=', '\0']) || is_kept {
            return Err(self.fail(Problem::Variable(name.to_owned()), key));
        }
        Ok(())
    }
}
