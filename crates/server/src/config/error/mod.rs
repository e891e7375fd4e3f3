//! What an operator has written wrong, and where it stands.

mod problem;
mod words;

use std::fmt;
use std::io;

pub use self::problem::Problem;
use self::words::{in_the_words_of_files, unknown_name};
use super::source::{At, Key, Source};
use crate::causes::Causes;

/// A configuration that cannot be: nothing was started.
///
/// Its `Display` is one line, `FILE:LINE:COLUMN: key: what is wrong`, without the cause;
/// [`report`](Self::report) has the cause, shows the line, and says what would be right.
#[derive(Debug)]
pub struct ConfigError(Box<Wrong>);

#[derive(Debug)]
struct Wrong {
    place: Place,
    problem: Problem,
}

/// Where the operator wrote it.
#[derive(Debug)]
enum Place {
    File(String),
    Flag(&'static str),
    Key { file: String, key: Key, at: Option<At> },
}

impl Problem {
    /// Where this is the problem.
    pub(super) fn at(self, key: &Key, source: &Source) -> ConfigError {
        let (file, key) = (source.name().to_owned(), key.clone());
        let at = source.locate(&key);
        ConfigError::new(Place::Key { file, key, at }, self)
    }

    /// Where this is the problem: a flag, or the variable that stands for it.
    pub(super) fn at_flag(self, flag: &'static str) -> ConfigError {
        ConfigError::new(Place::Flag(flag), self)
    }

    /// The parser's error, with the key it is about.
    pub(super) fn of_toml(error: &toml::de::Error, source: &Source) -> ConfigError {
        let problem = Self::Content(in_the_words_of_files(error.message()));
        let file = source.name().to_owned();
        let Some(span) = error.span() else {
            return ConfigError::new(Place::File(file), problem);
        };
        // Inside a table with `kind` the parser only knows the table: look for the name there.
        let named = unknown_name(error.message()).and_then(|name| source.find_name(name, &span));
        let (key, span) = named.unwrap_or_else(|| (source.key_at(span.start), span));
        let at = Some(source.at(span));
        ConfigError::new(Place::Key { file, key, at }, problem)
    }
}

impl ConfigError {
    fn new(place: Place, problem: Problem) -> Self {
        Self(Box::new(Wrong { place, problem }))
    }

    /// A file that cannot be read.
    pub fn unreadable(file: impl Into<String>, error: io::Error) -> Self {
        Self::new(Place::File(file.into()), Problem::Read(error))
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// The key it is about, such as `route[1].path`; `None` for a flag or the file as a whole.
    pub fn key(&self) -> Option<String> {
        match &self.0.place {
            Place::Key { key, .. } if !key.is_top() => Some(key.to_string()),
            _ => None,
        }
    }

    /// Line and column, both from 1.
    pub fn position(&self) -> Option<(usize, usize)> {
        match &self.0.place {
            Place::Key { at: Some(at), .. } => Some((at.line, at.column)),
            _ => None,
        }
    }

    /// The error for people: its line of the file, and what would be right, on several lines.
    pub fn report(&self) -> String {
        let mut report = Causes(self).to_string();
        if let Place::Key { at: Some(at), .. } = &self.0.place {
            let number = at.line.to_string();
            let margin = " ".repeat(number.len());
            let before = " ".repeat(at.column - 1);
            let marks = "^".repeat(at.len);
            let text = at.text.replace(|c: char| c.is_control(), " ");
            report.push_str(&format!(
                "\n  {margin} |\n  {number} | {text}\n  {margin} | {before}{marks}"
            ));
        }
        if let Some(advice) = self.0.problem.advice() {
            report.push_str(&format!("\n  help: {advice}"));
        }
        report
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.place {
            Place::File(file) => write!(f, "{file}: ")?,
            Place::Flag(flag) => write!(f, "{flag}: ")?,
            Place::Key { file, key, at } => {
                write!(f, "{file}:")?;
                if let Some(at) = at {
                    write!(f, "{}:{}:", at.line, at.column)?;
                }
                f.write_str(" ")?;
                if !key.is_top() {
                    write!(f, "{key}: ")?;
                }
            }
        }
        self.0.problem.fmt(f)
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.problem.source()
    }
}
