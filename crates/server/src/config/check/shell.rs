//! Checking a route where peers run commands.

use super::Check;
use crate::config::error::{ConfigError, Problem};
use crate::config::shell::Shell;
use crate::config::source::Key;

impl Check<'_> {
    pub(super) fn shell(&self, written: &Shell, key: &Key) -> Result<(), ConfigError> {
        if written.commands.is_empty() && !written.danger_any_command {
            return Err(self.fail(Problem::NoCommands, key));
        }
        for (line, argv) in &written.commands {
            self.argv(argv, &key.name("commands").name(line))?;
        }
        self.program_dir(written.dir.as_deref(), &key.name("dir"))?;
        self.environment(&written.environment, &key.name("environment"))?;
        self.lasting(written.run_within, &key.name("run_within"))?;
        self.in_range(written.max_output_bytes, 1, 1 << 24, &key.name("max_output_bytes"))?;
        self.in_range(written.max_processes, 1, 1 << 20, &key.name("max_processes"))?;
        self.ending(&written.ending, &key.name("ending"))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{File, Overrides, Plan, Source};

    #[test]
    fn what_cannot_be_is_told_with_its_key() {
        for (settings, key, words) in [
            ("", "route[0].service", "danger_any_command"),
            ("commands = { a = [] }\n", "service.commands.a: ", "no program"),
            ("commands = { a = 'b' }\n", "", "a list in [ ]"),
            ("danger_any_command = true\nrun_within = '0s'\n", "run_within: ", "between 1ms and"),
            ("danger_any_command = true\nmax_output_bytes = 0\n", "max_output_bytes: ", "between"),
            ("danger_any_command = true\nmax_processes = 0\n", "max_processes: ", "between 1 and"),
        ] {
            let text =
                format!("[[route]]\npath = '/'\n[route.service]\nkind = 'shell'\n{settings}");
            let source = Source::new("tieline.toml", text.as_str());
            let plan = File::parse(&source)
                .and_then(|file| Plan::new(file, &source, &Overrides::default()));
            let report = plan.unwrap_err().report();
            assert!(report.contains(key) && report.contains(words), "{report}");
        }
    }
}
