//! The terminal of a person: a line that is edited, and above it what happens.
//!
//! ```text
//!  keys ─▶ editor thread ─▶ Input ─▶ the conversation
//!          (a line, history)             │ text
//!  screen ◀── editor ◀── printer thread ◀┘ bounded: who talks too fast waits
//! ```

use std::collections::VecDeque;
use std::io::{self, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::termios::{InputModes, LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History};
use rustyline::{Config, Editor, ExternalPrinter};
use tokio::sync::mpsc;

use super::command;
use super::input::Input;

/// Lines that are kept between runs.
const MAX_HISTORY: usize = 1_000;

/// Texts that wait to be shown.
const MAX_TEXTS: usize = 256;

/// Most that is typed, or pasted, and not yet sent, in bytes: the editor never waits, for what is to
/// be shown goes through it.
const MAX_TYPED: usize = 64 << 20;

type TextEditor = Editor<(), FileHistory>;

/// A terminal that is talked at.
pub(super) struct Console {
    pub(super) inputs: mpsc::UnboundedReceiver<Input>,
    typed: Arc<Typed>,
    printer: JoinHandle<()>,
    /// How the terminal was.
    before: Termios,
}

/// What was typed.
#[derive(Debug, Default)]
struct Typed {
    /// Bytes that wait.
    waiting: AtomicUsize,
    /// The last lines, for the history.
    lines: Mutex<VecDeque<String>>,
}

impl Console {
    /// Takes the terminal; what is to be shown goes into the sender.
    pub(super) fn open() -> anyhow::Result<(Self, mpsc::Sender<String>)> {
        let before = tcgetattr(stdin())?;
        tcsetattr(stdin(), OptionalActions::Drain, &between_lines(&before))?;
        // Each line of what is pasted is a message, as each line that is typed.
        let config = Config::builder()
            .max_history_size(MAX_HISTORY)?
            .history_ignore_space(true)
            .auto_add_history(true)
            .bracketed_paste(false)
            .build();
        let mut editor =
            TextEditor::with_history(config.clone(), FileHistory::with_config(&config))?;
        if let Some(path) = history_file() {
            // The first time there is none.
            let _ = editor.load_history(&path);
        }
        let mut screen = editor.create_external_printer()?;
        let (prints, mut texts) = mpsc::channel::<String>(MAX_TEXTS);
        let printer = thread::spawn(move || {
            while let Some(text) = texts.blocking_recv() {
                if screen.print(text).is_err() {
                    return;
                }
            }
            // The second is taken when the last text is on the screen: the editor takes one at a time.
            for _ in 0..2 {
                let _ = screen.print(NOTHING.to_owned());
            }
        });
        let typed = Arc::<Typed>::default();
        let (says, inputs) = mpsc::unbounded_channel();
        let noted = Arc::clone(&typed);
        thread::spawn(move || edit(editor, &says, &noted));
        Ok((Self { inputs, typed, printer, before }, prints))
    }

    /// Says that an input was taken.
    pub(super) fn taken(&self, input: &Input) {
        self.typed.waiting.fetch_sub(weight(input), Ordering::Relaxed);
    }

    /// Shows what is still to be shown, keeps the history, and gives the terminal back as it was.
    /// Nobody may hold a sender of texts any more.
    pub(super) fn close(self) {
        // A printer that has panicked shows nothing more.
        let _ = self.printer.join();
        // Where the terminal has gone it needs nothing.
        let _ = tcsetattr(stdin(), OptionalActions::Drain, &self.before);
        let _ = write!(stdout(), "\r\x1b[K").and_then(|()| stdout().flush());
        if let Some(path) = history_file()
            && let Err(error) = self.typed.keep(&path)
        {
            eprintln!("cannot write the history {}: {error}", path.display());
        }
    }
}

/// How the terminal is between two lines: as the editor has it, by letters and without echo. A system
/// that puts lines together itself throws away what it cannot, in the midst of what is pasted.
fn between_lines(before: &Termios) -> Termios {
    let mut modes = before.clone();
    modes.local_modes -=
        LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN | LocalModes::ISIG;
    modes.input_modes -= InputModes::BRKINT | InputModes::ICRNL | InputModes::IXON;
    modes
}

/// Text that changes nothing on the screen.
const NOTHING: &str = "\x1b[A\n";

/// Reads lines until nobody wants them.
fn edit(mut editor: TextEditor, says: &mpsc::UnboundedSender<Input>, typed: &Typed) {
    let mut is_leaving = false;
    loop {
        let input = match editor.readline("> ") {
            Ok(line) => {
                let input = command::parse(&line);
                typed.note(line);
                input
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) if is_leaving => Input::Abort,
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => Input::Quit,
            Err(_) => Input::Abort,
        };
        is_leaving |= input == Input::Quit;
        let (is_last, weight) = (input == Input::Abort, weight(&input));
        let waiting = typed.waiting.fetch_add(weight, Ordering::Relaxed);
        let input = match waiting + weight {
            0..=MAX_TYPED => input,
            _ => {
                typed.waiting.fetch_sub(weight, Ordering::Relaxed);
                Input::Wrong("not sent: too much is waiting to be sent".to_owned())
            }
        };
        if says.send(input).is_err() || is_last {
            return;
        }
    }
}

fn weight(input: &Input) -> usize {
    match input {
        Input::Message(tieline::Message::Text(text)) => text.as_bytes().len(),
        Input::Message(tieline::Message::Binary(bytes)) => bytes.len(),
        _ => 0,
    }
}

impl Typed {
    fn note(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == MAX_HISTORY {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Adds what was typed to the history, with what others have added meanwhile.
    fn keep(&self, path: &Path) -> anyhow::Result<()> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let config =
            Config::builder().max_history_size(MAX_HISTORY)?.history_ignore_space(true).build();
        let mut history = FileHistory::with_config(&config);
        for line in lines.iter() {
            history.add(line)?;
        }
        match history.append(path) {
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                history.save(path)?;
            }
            appended => appended?,
        }
        Ok(())
    }
}

/// Where what was typed is kept: `$XDG_STATE_HOME/tieline/history`, by default below `~/.local/state`.
fn history_file() -> Option<PathBuf> {
    let given = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = given("XDG_STATE_HOME").or_else(|| Some(given("HOME")?.join(".local/state")))?;
    Some(folder.join("tieline/history"))
}
