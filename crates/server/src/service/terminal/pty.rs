//! A pseudo-terminal: the program at one end, the server at the other.

use std::io;

use futures_util::FutureExt;
use pty_process::{Command, Pts, Pty};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;

use super::words::Size;
use crate::process::{Program, Variables};

impl From<Size> for pty_process::Size {
    fn from(size: Size) -> Self {
        Self::new(size.rows, size.columns)
    }
}

/// A new terminal, inside a runtime: the server's end and the program's.
///
/// # Errors
///
/// What the system says.
pub(super) fn open(size: Size) -> io::Result<(Pty, Pts)> {
    let (pty, pts) = pty_process::open().map_err(as_io)?;
    pty.resize(size.into()).map_err(as_io)?;
    Ok((pty, pts))
}

/// Starts a program as the leader of a session of its own, with this terminal. Blocks.
///
/// # Errors
///
/// What the system says.
pub(super) fn start(program: &Program, variables: Variables, pts: Pts) -> io::Result<Child> {
    let (first, arguments) = program.argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(first).args(arguments).env_clear().envs(variables);
    if let Some(dir) = &program.dir {
        command = command.current_dir(dir);
    }
    command.spawn(pts).map_err(as_io)
}

/// Reads what there is, once there is something: a terminal gives a few thousand bytes at a time.
///
/// # Errors
///
/// What the system says; also where nobody is at the other end any more.
///
/// # Cancel safety
///
/// Dropping it loses nothing.
pub(super) async fn read(
    pty: &mut (impl AsyncRead + Unpin),
    buffer: &mut [u8],
) -> io::Result<usize> {
    let mut len = pty.read(buffer).await?;
    while 0 < len && len < buffer.len() {
        match pty.read(&mut buffer[len..]).now_or_never() {
            Some(Ok(more)) if more > 0 => len += more,
            // What went wrong is told again.
            _ => break,
        }
    }
    Ok(len)
}

pub(super) fn as_io(error: pty_process::Error) -> io::Error {
    match error {
        pty_process::Error::Io(error) => error,
        pty_process::Error::Rustix(error) => error.into(),
        other => io::Error::other(other),
    }
}
