//! Opening files below a folder, and never outside it.
//!
//! The kernel resolves each path beneath the folder (openat2, `RESOLVE_BENEATH`): `..` and links that
//! lead out are refused, also those that are put there between two looks.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, openat2, statat};
use rustix::io::Errno;

/// What tells a file from every other, under whatever name: device and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(u64, u64);

/// What a path seems to lead to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hint {
    pub(super) id: Id,
    pub(super) is_folder: bool,
}

/// A folder below which files are looked for.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    folder: OwnedFd,
}

/// How often a path is resolved again that somebody changes meanwhile.
const TRIES: usize = 8;

impl Id {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

impl Root {
    /// The folder itself is the operator's to name; it may be reached over links.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self { path: path.to_owned(), folder })
    }

    /// The path of what lies below it.
    pub(super) fn path_of(&self, below: &Path) -> PathBuf {
        self.path.join(below)
    }

    /// Opens a file for reading: a regular one, and no pipe, device or folder.
    pub(super) fn file(&self, below: &Path) -> io::Result<File> {
        // To open a pipe is not to wait for whoever writes to it.
        let file = File::from(self.open_below(below, OFlags::NONBLOCK | OFlags::NOCTTY)?);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::Error::other("it is not a file"))
        }
    }

    /// What the path leads to now. No more than a hint: it is not confined.
    pub(super) fn hint(&self, below: &Path) -> io::Result<Hint> {
        let stat = statat(&self.folder, below, AtFlags::empty())?;
        let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        Ok(Hint { id: Id(stat.st_dev, stat.st_ino), is_folder })
    }

    /// The names in a folder below it, at most `max`.
    pub(super) fn names(&self, below: &Path, max: usize) -> io::Result<Vec<String>> {
        let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
        let folder = self.open_below(below, OFlags::DIRECTORY)?;
        let mut names = Vec::new();
        for entry in Dir::new(folder)?.take(max) {
            // A name that is not UTF-8 is no pattern's.
            if let Ok(name) = entry?.file_name().to_str() {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn open_below(&self, below: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..TRIES {
            match openat2(&self.folder, below, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                opened => return Ok(opened?),
            }
        }
        Err(Errno::AGAIN.into())
    }
}

/// Why a file is not read, without its path.
pub(super) fn reason(error: &io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::XDEV | Errno::LOOP) => "it leads out of the folder: it is not read",
        Some(Errno::NOENT | Errno::NOTDIR) => "it is not there",
        Some(Errno::ACCESS | Errno::PERM) => "it may not be read",
        Some(Errno::NOSYS) => "this system cannot keep to the folder: nothing is read",
        _ => "it cannot be read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::process::Command;
    use tieline_store::Scratch;

    fn folder() -> Scratch {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.join("root/sub")).unwrap();
        fs::write(scratch.join("secret"), "secret").unwrap();
        fs::write(scratch.join("root/a"), "a").unwrap();
        scratch
    }

    #[test]
    fn a_file_below_is_opened_and_so_is_what_a_link_within_leads_to() {
        let scratch = folder();
        symlink("../a", scratch.join("root/sub/link")).unwrap();
        let root = Root::open(&scratch.join("root")).unwrap();
        for path in ["a", "sub/../a", "sub/link"] {
            let mut text = String::new();
            root.file(Path::new(path)).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "a", "{path}");
        }
        assert_eq!(root.names(Path::new(""), 100).unwrap(), [".", "..", "a", "sub"]);
        assert_eq!(root.names(Path::new("sub"), 100).unwrap(), [".", "..", "link"]);
    }

    #[test]
    fn nothing_leads_out() {
        let scratch = folder();
        symlink(scratch.join("secret"), scratch.join("root/absolute")).unwrap();
        symlink("../secret", scratch.join("root/relative")).unwrap();
        symlink("..", scratch.join("root/up")).unwrap();
        symlink("/proc/self/environ", scratch.join("root/environ")).unwrap();
        symlink("/proc/self/fd/0", scratch.join("root/magic")).unwrap();
        let root = Root::open(&scratch.join("root")).unwrap();
        for path in
            ["../secret", "absolute", "relative", "up/secret", "environ", "magic", "/etc/passwd"]
        {
            let error = root.file(Path::new(path)).unwrap_err();
            assert_eq!(reason(&error), "it leads out of the folder: it is not read", "{path}");
        }
        assert!(root.names(Path::new("up"), 100).is_err());
    }

    #[test]
    fn a_pipe_and_a_folder_are_no_files_and_are_not_waited_for() {
        let scratch = folder();
        let made = Command::new("mkfifo").arg(scratch.join("root/pipe")).status().unwrap();
        assert!(made.success());
        let root = Root::open(&scratch.join("root")).unwrap();
        for path in ["pipe", "sub"] {
            assert_eq!(
                reason(&root.file(Path::new(path)).unwrap_err()),
                "it cannot be read",
                "{path}"
            );
        }
    }

    #[test]
    fn a_link_that_is_swapped_all_the_time_never_leads_out() {
        let scratch = folder();
        let (link, a) = (scratch.join("root/link"), scratch.join("root/next"));
        let root = Root::open(&scratch.join("root")).unwrap();
        std::thread::scope(|scope| {
            let swapping = scope.spawn(|| {
                for turn in 0..2_000 {
                    let target = if turn % 2 == 0 { "../secret" } else { "a" };
                    symlink(target, &a).unwrap();
                    fs::rename(&a, &link).unwrap();
                }
            });
            while !swapping.is_finished() {
                if let Ok(mut file) = root.file(Path::new("link")) {
                    let mut text = String::new();
                    file.read_to_string(&mut text).unwrap();
                    assert_eq!(text, "a");
                }
            }
        });
    }
}
