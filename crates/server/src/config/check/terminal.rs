//! Checking a program in a terminal.

use super::{Check, NO_TIME, YEAR};
use crate::config::error::{ConfigError, Problem};
use crate::config::source::Key;
use crate::config::terminal::Terminal;

/// Most columns, and most rows.
const MAX_CELLS: usize = 1_000;

/// Least and most of one recording, in bytes.
const RECORDING_BYTES: (usize, usize) = (1 << 10, 1 << 40);

impl Check<'_> {
    pub(super) fn terminal(&self, written: &Terminal, key: &Key) -> Result<(), ConfigError> {
        self.argv(&written.argv, &key.name("argv"))?;
        self.program_dir(written.dir.as_deref(), &key.name("dir"))?;
        self.environment(&written.environment, &key.name("environment"))?;
        self.ending(&written.ending, &key.name("ending"))?;
        for (name, value, min, max) in [
            ("columns", written.columns.into(), 1, MAX_CELLS),
            ("rows", written.rows.into(), 1, MAX_CELLS),
            ("scrollback_lines", written.scrollback_lines, 0, 100_000),
            ("max_sessions", written.max_sessions, 1, 10_000),
            ("max_viewers", written.max_viewers, 1, 100_000),
            ("audit_notes", written.audit_notes, 0, 10_000),
        ] {
            self.in_range(value, min, max, &key.name(name))?;
        }
        let Terminal { keep, idle, lifetime, .. } = *written;
        for (name, span) in [("keep", keep), ("idle", idle), ("lifetime", lifetime)] {
            self.time_in_range(span, NO_TIME, YEAR, &key.name(name))?;
        }
        let Some(record) = &written.record else { return Ok(()) };
        let key = key.name("record");
        let max_bytes = usize::try_from(record.max_bytes).unwrap_or(usize::MAX);
        let (least, most) = RECORDING_BYTES;
        self.in_range(max_bytes, least, most, &key.name("max_bytes"))?;
        self.in_range(record.max_files, 1, 100_000, &key.name("max_files"))?;
        let path = self.source.resolve(&record.folder);
        // The folder is made with the first recording, not when the configuration is checked.
        if record.folder.as_os_str().is_empty() || path.exists() && !path.is_dir() {
            return Err(self.fail(Problem::StorePath(path), &key.name("folder")));
        }
        Ok(())
    }

    /// Has its paths as they are seen from anywhere.
    pub(super) fn resolve_terminal(&self, terminal: &mut Terminal) {
        self.resolve_dir(&mut terminal.dir);
        if let Some(record) = &mut terminal.record {
            record.folder = self.source.resolve(&record.folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::file;
    use crate::config::{File, Overrides, Plan, Service, Source, Typing};

    fn text(lines: &str) -> String {
        format!("[[route]]\npath = '/t'\n[route.service]\nkind = 'terminal'\n{lines}\n")
    }

    fn plan(lines: &str) -> Result<Terminal, ConfigError> {
        plan_of(&Source::new("x.toml", text(lines)))
    }

    fn plan_of(source: &Source) -> Result<Terminal, ConfigError> {
        let plan = Plan::new(File::parse(source)?, source, &Overrides::default())?;
        let Some(Service::Terminal(terminal)) = &plan.routes[0].service else {
            panic!("no terminal")
        };
        Ok((**terminal).clone())
    }

    #[test]
    fn nobody_types_and_nothing_is_recorded_unless_that_is_written() {
        let terminal = plan("argv = ['bash', '-l']").unwrap();
        assert_eq!(terminal.typing, Typing::None);
        assert!(terminal.record.is_none());
        assert!(!terminal.audit_input && terminal.audit_notes == 0);
        assert_eq!((terminal.keep.get().as_secs(), terminal.lifetime.get().as_secs()), (600, 0));
        assert_eq!(terminal.idle.get().as_secs(), 0);
        assert_eq!((terminal.columns, terminal.rows), (80, 24));
        assert_eq!((terminal.max_sessions, terminal.max_viewers), (16, 64));
    }

    #[test]
    fn paths_start_from_the_folder_of_the_file() {
        let lines = "argv = ['sh']\ndir = '.'\nrecord = { folder = 'casts' }";
        let file = file(&text(lines));
        let folder = file.parent().unwrap();
        let terminal = plan_of(&Source::read(&file).unwrap()).unwrap();
        assert_eq!(terminal.dir, Some(folder.join(".")));
        assert_eq!(terminal.record.unwrap().folder, folder.join("casts"));
    }

    #[test]
    fn what_cannot_be_is_told_with_its_key() {
        for (lines, key, words) in [
            ("argv = []", "argv", "there is no program"),
            ("argv = ['']", "argv", "there is no program"),
            ("argv = ['sh']\ndir = '/does/not/exist'", "dir", "no program can run in"),
            ("argv = ['sh']\nenvironment = { allow = ['A=B'] }", "allow[0]", "variable"),
            ("argv = ['sh']\ncolumns = 0", "columns", "0 is not between 1 and 1000"),
            ("argv = ['sh']\nrows = 1001", "rows", "1001 is not between 1 and 1000"),
            ("argv = ['sh']\nmax_sessions = 0", "max_sessions", "0 is not between"),
            ("argv = ['sh']\nmax_viewers = 0", "max_viewers", "0 is not between"),
            ("argv = ['sh']\naudit_notes = 10001", "audit_notes", "is not between"),
            ("argv = ['sh']\nkeep = '9000h'", "keep", "is not between"),
            ("argv = ['sh']\nidle = '9000h'", "idle", "is not between"),
            ("argv = ['sh']\ntyping = 'some'", "service", "`first`"),
            ("argv = ['sh']\nrecord = { folder = '/etc/passwd' }", "folder", "not a folder"),
            ("argv = ['sh']\nrecord = { folder = 'x', max_bytes = 1 }", "max_bytes", "between"),
            ("argv = ['sh']\nshell = true", "shell", "unknown key"),
        ] {
            let report = plan(lines).unwrap_err().report();
            assert!(report.contains(key) && report.contains(words), "{lines}: {report}");
        }
    }
}
