//! `tieline man`: the manual, a page for each command.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::error::ErrorKind;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

pub(crate) const EXAMPLES: &str = "\
Examples:
  tieline man | man -l -
  tieline man connect | man -l -
  tieline man --folder /usr/local/share/man/man1";

/// Which pages, and where they go.
#[derive(Debug, clap::Args)]
pub(crate) struct Manual {
    /// The command, such as connect or config check [default: tieline itself]
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,

    /// Writes all pages into this folder: tieline.1, tieline-serve.1 …
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    folder: Option<PathBuf>,
}

impl Manual {
    /// Prints or writes what is asked for of a program's pages.
    pub(crate) fn run(&self, mut program: clap::Command) -> anyhow::Result<()> {
        program.build();
        match &self.folder {
            Some(folder) => write_all(&program, folder),
            None => Ok(io::stdout().write_all(&page(self.find(&program))?)?),
        }
    }

    /// The command that is meant; ends the program where there is none.
    fn find<'a>(&self, program: &'a clap::Command) -> &'a clap::Command {
        self.command.iter().fold(program, |command, name| {
            command.find_subcommand(name).unwrap_or_else(|| {
                let names: Vec<_> =
                    command.get_subcommands().map(clap::Command::get_name).collect();
                let what = format!("there is no page for '{name}': there are {}", names.join(", "));
                program.clone().error(ErrorKind::InvalidValue, what).exit()
            })
        })
    }
}

fn write_all(command: &clap::Command, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(format!("{}.1", name(command)));
    fs::write(&path, page(command)?).with_context(|| format!("cannot write {}", path.display()))?;
    command.get_subcommands().try_for_each(|command| write_all(command, folder))
}

fn page(command: &clap::Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = Man::new(command.clone())
        .title(name(command))
        .source(concat!("tieline ", env!("CARGO_PKG_VERSION")))
        .manual("Tieline");
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let behind = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for paragraph in behind.split("\n\n") {
        section(paragraph).to_writer(&mut page)?;
    }
    Ok(page)
}

/// What stands behind the options: a paragraph of the help is a section of the page.
fn section(paragraph: &str) -> Roff {
    let (title, text) = match paragraph.split_once(':') {
        Some(("Examples", text)) => ("EXAMPLES", text),
        Some(("Exit codes", text)) => ("EXIT STATUS", text),
        Some(("Signals", text)) => ("SIGNALS", text),
        _ => ("NOTES", paragraph),
    };
    let mut section = Roff::new();
    section.control("SH", [title]);
    if title == "EXAMPLES" {
        // Each line is a command, or says what it does.
        section.control("nf", []);
        for line in text.lines().filter(|line| !line.is_empty()) {
            section.text([roman(line)]);
        }
        section.control("fi", []);
    } else {
        let words: Vec<_> = text.split_whitespace().collect();
        section.text([roman(words.join(" "))]);
    }
    section
}

/// `tieline config check` has the page `tieline-config-check`.
fn name(command: &clap::Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}
