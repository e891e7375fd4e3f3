//! The recordings of a route: a folder with files whose names are the server's own.
//!
//! A name is `20261122T024500Z-1f2e3d4c.cast`: when it began, and 32 random bits. Nothing else is
//! listed, fetched or removed, so that no name that a client sends can lead anywhere else. A name
//! does not say which session it was: who knows that might join it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::OFlags;
use serde::Serialize;

use super::recorder::Recorder;
use super::session::Terms;
use crate::config::Record;
use crate::events::At;
use crate::random;

/// What a name looks like: `d` is a digit, `x` a hexadecimal one.
const FORM: &[u8] = b"ddddddddTddddddZ-xxxxxxxx.cast";

/// Where recordings are, and what they may cost.
#[derive(Clone, Debug)]
pub(super) struct Recordings {
    folder: PathBuf,
    max_bytes: u64,
    max_files: usize,
    has_input: bool,
}

/// A recording, as others are told of it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Recording {
    pub(super) name: String,
    pub(super) bytes: u64,
}

impl Recordings {
    pub(super) fn new(plan: &Record) -> Self {
        Self {
            folder: plan.folder.clone(),
            max_bytes: plan.max_bytes,
            max_files: plan.max_files,
            has_input: plan.input,
        }
    }

    /// Begins a recording; the oldest goes where there are as many as may be. Blocks.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn begin(&self, terms: &Terms) -> io::Result<Recorder> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let recordings = self.list()?;
        let excess = (recordings.len() + 1).saturating_sub(self.max_files);
        for oldest in recordings.iter().rev().take(excess) {
            match fs::remove_file(self.folder.join(&oldest.name)) {
                // A session that began at the same time was quicker.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        let name = new_name();
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.folder.join(&name))?;
        let Terms { command, size, .. } = terms;
        Ok(Recorder::new(file, name, command, *size, self.has_input, self.max_bytes))
    }

    /// All of them, the newest first. Blocks.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn list(&self) -> io::Result<Vec<Recording>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            // Nothing was recorded yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let recording = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().ok().filter(|name| is_name(name))?;
            let metadata = entry.metadata().ok().filter(|metadata| metadata.is_file())?;
            Some(Recording { name, bytes: metadata.len() })
        };
        let mut recordings: Vec<_> = entries.filter_map(Result::ok).filter_map(recording).collect();
        recordings.sort_by(|one, other| other.cmp(one));
        Ok(recordings)
    }

    /// Opens one, and says how long it is now; `None` where there is none with this name. Blocks.
    ///
    /// # Errors
    ///
    /// What the system says of one that is there.
    pub(super) fn open(&self, name: &str) -> io::Result<Option<(File, u64)>> {
        if !is_name(name) {
            return Ok(None);
        }
        // Neither a link nor a pipe that somebody put there.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(self.folder.join(name));
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        Ok(metadata.is_file().then_some((file, metadata.len())))
    }
}

fn is_name(name: &str) -> bool {
    let fits = |(byte, form): (u8, &u8)| match form {
        b'd' => byte.is_ascii_digit(),
        b'x' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        other => byte == *other,
    };
    name.len() == FORM.len() && name.bytes().zip(FORM).all(fits)
}

fn new_name() -> String {
    let random = u32::from_ne_bytes(random::bytes());
    // 2026-11-22T02:45:00.123Z, without what is between its numbers.
    let now: String =
        At::now().to_string().chars().filter(|c| !matches!(c, '-' | ':')).take(15).collect();
    format!("{now}Z-{random:08x}.cast")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::terminal::words::Size;
    use std::os::unix::fs::{MetadataExt, symlink};
    use tieline_store::Scratch;

    fn recordings(folder: &Scratch, max_files: usize) -> Recordings {
        let folder = folder.to_path_buf();
        Recordings { folder, max_bytes: 1 << 20, max_files, has_input: false }
    }

    fn terms() -> Terms {
        Terms {
            command: "sh".into(),
            size: Size { columns: 80, rows: 24 },
            scrollback_lines: 0,
            typing: crate::config::Typing::None,
            max_viewers: 1,
            is_recorded: true,
        }
    }

    #[test]
    fn names_are_the_servers_own() {
        for name in [&new_name(), "20261122T024500Z-1f2e3d4c.cast"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "../secret",
            "..",
            "/etc/passwd",
            "20261122T024500Z-1f2e3d4c.cast/",
            "20261122T024500Z-1f2e3d4C.cast",
            "20261122T024500Z-../../c.cast",
            "20261122T024500Z%2F1f2e3d4.cast",
            "2026112éT024500Z-1f2e3d4.cast",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[tokio::test]
    async fn recordings_are_listed_newest_first_and_the_oldest_goes() {
        let folder = Scratch::new();
        let recordings = recordings(&folder, 2);
        assert_eq!(recordings.list().unwrap(), []);
        for old in ["20200101T000000Z-00000000.cast", "20210101T000000Z-00000000.cast"] {
            fs::create_dir_all(&*folder).unwrap();
            fs::write(folder.join(old), "x").unwrap();
        }
        fs::write(folder.join("other"), "not ours").unwrap();
        recordings.begin(&terms()).unwrap().finish().await;
        let listed = recordings.list().unwrap();
        assert_eq!(listed.len(), 2);
        assert!(listed[0].name.as_str() > "2025" && listed[0].bytes > 0);
        assert_eq!(listed[1].name, "20210101T000000Z-00000000.cast");
        let mode = fs::metadata(folder.join(&listed[0].name)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(folder.join("other").exists());
    }

    #[test]
    fn nothing_but_a_file_of_the_folder_is_opened() {
        let folder = Scratch::new();
        fs::create_dir_all(&*folder).unwrap();
        let recordings = recordings(&folder, 2);
        let [file, link, sub] =
            ["00", "01", "02"].map(|number| format!("20200101T000000Z-000000{number}.cast"));
        fs::write(folder.join(&file), "yes").unwrap();
        symlink("/etc/passwd", folder.join(&link)).unwrap();
        fs::create_dir(folder.join(&sub)).unwrap();
        assert_eq!(recordings.open(&file).unwrap().unwrap().1, 3);
        assert!(!matches!(recordings.open(&link), Ok(Some(_))));
        assert!(recordings.open(&sub).unwrap().is_none());
        assert!(recordings.open("../etc/passwd").unwrap().is_none());
        assert!(recordings.open("20200101T000000Z-ffffffff.cast").unwrap().is_none());
        let listed: Vec<_> = recordings.list().unwrap().into_iter().map(|it| it.name).collect();
        assert_eq!(listed, [file]);
    }
}
