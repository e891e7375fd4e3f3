//! Files from disk, never from outside the folder that was configured.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use percent_encoding::percent_decode_str;

/// A file that is open, and what tells its versions apart.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) file: File,
    pub(super) len: u64,
    /// Weak: made of time and length, not of the bytes.
    pub(super) etag: String,
}

/// What a path below a folder leads to.
#[derive(Debug)]
pub(super) enum Below {
    File(Found),
    /// A folder that was asked for without the slash at its end.
    Folder,
    Nothing,
}

/// Opens one file.
pub(super) fn open(path: &Path) -> io::Result<Found> {
    // Looked at before it is opened, too: to open a FIFO is to wait for whoever writes to it.
    regular(fs::metadata(path)?)?;
    let file = File::open(path)?;
    let metadata = regular(file.metadata()?)?;
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = changed.unwrap_or_default().as_nanos();
    let etag = format!("W/\"{:x}-{changed:x}\"", metadata.len());
    Ok(Found { file, len: metadata.len(), etag })
}

/// What is neither a folder nor a pipe, socket or device.
fn regular(metadata: Metadata) -> io::Result<Metadata> {
    if metadata.is_file() { Ok(metadata) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Opens what lies at `rest` below `folder`, which is a path without links.
///
/// Names that begin with a dot are not there. A link is followed only to what lies in the folder,
/// too: whoever may write links into it is trusted to leave them while they are looked at.
pub(super) fn open_below(folder: &Path, rest: &str) -> Below {
    let Some(path) = resolve(folder, rest) else { return Below::Nothing };
    if path.is_dir() {
        let is_whole = rest.is_empty() || rest.ends_with('/');
        return match is_whole.then(|| resolve(folder, &format!("{rest}index.html"))).flatten() {
            Some(index) => open(&index).map_or(Below::Nothing, Below::File),
            None if is_whole => Below::Nothing,
            None => Below::Folder,
        };
    }
    open(&path).map_or(Below::Nothing, Below::File)
}

/// The path without links, where it is one inside the folder.
fn resolve(folder: &Path, rest: &str) -> Option<PathBuf> {
    let rest = percent_decode_str(rest).decode_utf8().ok()?;
    let mut path = folder.to_path_buf();
    for name in rest.split('/').filter(|name| !name.is_empty()) {
        if name.starts_with('.') || name.contains(['\\', '\0']) {
            return None;
        }
        path.push(name);
    }
    let path = fs::canonicalize(path).ok()?;
    path.starts_with(folder).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::process::Command;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    /// A folder with a page in it and a secret beside it.
    fn folder(name: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("tieline-disk-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("pages/sub")).unwrap();
        fs::write(root.join("secret.txt"), "secret").unwrap();
        fs::write(root.join("pages/index.html"), "index").unwrap();
        fs::write(root.join("pages/a b.txt"), "space").unwrap();
        fs::write(root.join("pages/.hidden"), "hidden").unwrap();
        fs::write(root.join("pages/sub/index.html"), "sub").unwrap();
        symlink(root.join("secret.txt"), root.join("pages/out.txt")).unwrap();
        symlink("..", root.join("pages/up")).unwrap();
        symlink("a b.txt", root.join("pages/in.txt")).unwrap();
        root.join("pages").canonicalize().unwrap()
    }

    fn text(below: Below) -> Option<String> {
        let Below::File(mut found) = below else { return None };
        let mut text = String::new();
        found.file.read_to_string(&mut text).unwrap();
        Some(text)
    }

    #[test]
    fn files_and_indexes_are_found() {
        let folder = folder("found");
        for (rest, expected) in [
            ("", "index"),
            ("index.html", "index"),
            ("a%20b.txt", "space"),
            ("in.txt", "space"),
            ("sub/", "sub"),
            ("sub//index.html", "sub"),
        ] {
            assert_eq!(text(open_below(&folder, rest)).as_deref(), Some(expected), "{rest}");
        }
        assert!(matches!(open_below(&folder, "sub"), Below::Folder));
    }

    #[test]
    fn a_pipe_is_no_page_and_is_not_waited_for() {
        let folder = folder("pipe");
        let made = Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap();
        assert!(made.success());
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            done.send(matches!(open_below(&folder, "pipe"), Below::Nothing)).unwrap();
        });
        assert_eq!(is_done.recv_timeout(Duration::from_secs(20)), Ok(true));
    }

    #[test]
    fn nothing_outside_the_folder_is_found() {
        let folder = folder("outside");
        for rest in [
            "../secret.txt",
            "..%2fsecret.txt",
            "%2e%2e/secret.txt",
            "sub/../../secret.txt",
            "/../secret.txt",
            "..\\secret.txt",
            "out.txt",
            "up/secret.txt",
            ".hidden",
            "/etc/passwd",
            "a%00b",
            "%ff",
            "missing",
        ] {
            assert!(matches!(open_below(&folder, rest), Below::Nothing), "{rest}");
        }
    }
}
