//! An open file, and how far it was read.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use super::super::before::{Before, MAX_BYTES};
use super::root::Id;
use crate::source::{Line, Splitter};

/// A file that is being read.
#[derive(Debug)]
pub(super) struct Opened {
    file: File,
    id: Id,
    mark: Mark,
    /// When it was last written to, by the look before: seconds, and nanoseconds of the next.
    modified: Option<(i64, i64)>,
    splitter: Splitter,
}

/// How far a file was read, and how to see that it is still the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    offset: u64,
    before: Before,
}

/// Where reading begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Begin<'a> {
    /// With the last lines, at most so many and so many bytes.
    End { lines: usize, bytes: u64 },
    /// Where it was left, if it is still the same, or else with the first byte.
    Mark(Option<&'a Mark>),
}

/// What one look at a file gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Bytes that were read.
    pub(super) bytes: usize,
    /// Whether it was shortened or written anew, after which it is read from its first byte.
    pub(super) is_anew: bool,
}

/// Bytes of one read.
const BLOCK_BYTES: usize = 64 << 10;

impl Opened {
    pub(super) fn new(file: File, from: Begin<'_>, max_line_bytes: usize) -> io::Result<Self> {
        let id = Id::of(&file.metadata()?);
        let mut splitter = Splitter::new(max_line_bytes);
        let mark = match from {
            Begin::End { lines, bytes } => {
                let start = last_lines(&file, lines, bytes)?;
                if start.is_within {
                    splitter.skip_to_next();
                }
                Mark::read(&file, start.offset)?
            }
            Begin::Mark(Some(mark)) if mark.is_of(&file)? => mark.clone(),
            Begin::Mark(_) => Mark::default(),
        };
        Ok(Self { file, id, mark, modified: None, splitter })
    }

    pub(super) const fn id(&self) -> Id {
        self.id
    }

    /// How far it was read.
    pub(super) const fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Whether it has a name in some folder.
    pub(super) fn has_name(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
    }

    /// Reads what is new, at most about `max_bytes`.
    pub(super) fn read(&mut self, max_bytes: usize, lines: &mut Vec<Line>) -> io::Result<Look> {
        let mut look = Look::default();
        let metadata = self.file.metadata()?;
        let modified = Some((metadata.mtime(), metadata.mtime_nsec()));
        // One that was written anew may be as long as before.
        let is_touched = std::mem::replace(&mut self.modified, modified) != modified;
        if (is_touched || metadata.len() != self.mark.offset) && !self.mark.is_of(&self.file)? {
            lines.extend(self.splitter.cut());
            self.mark = Mark::default();
            look.is_anew = true;
            return Ok(look);
        }
        let mut block = vec![0; BLOCK_BYTES.min(max_bytes)];
        while look.bytes < max_bytes {
            let read = self.file.read_at(&mut block, self.mark.offset)?;
            if read == 0 {
                break;
            }
            self.splitter.take(&block[..read], lines);
            self.mark.pass(&block[..read]);
            look.bytes += read;
        }
        Ok(look)
    }

    /// It is read no more: its last line may have no end.
    pub(super) fn finish(mut self) -> (Option<Line>, Id, Mark) {
        (self.splitter.finish(), self.id, self.mark)
    }
}

impl Mark {
    fn read(file: &File, offset: u64) -> io::Result<Self> {
        let len = offset.min(MAX_BYTES as u64);
        let mut before = vec![0; len as usize];
        file.read_exact_at(&mut before, offset - len)?;
        Ok(Self { offset, before: Before::new(&before) })
    }

    /// Whether the file has the same bytes in front of the offset still.
    fn is_of(&self, file: &File) -> io::Result<bool> {
        let mut before = [0; MAX_BYTES];
        let before = &mut before[..self.before.bytes().len()];
        match file.read_exact_at(before, self.offset - before.len() as u64) {
            Ok(()) => Ok(before == self.before.bytes()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// These bytes were read.
    fn pass(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        self.before.pass(bytes);
    }
}

/// Where the last lines of a file begin.
struct Start {
    offset: u64,
    /// Whether that is somewhere within a line.
    is_within: bool,
}

/// Looks for the last lines from the end, block by block. A line without an end is not counted.
fn last_lines(file: &File, lines: usize, max_bytes: u64) -> io::Result<Start> {
    let len = file.metadata()?.len();
    let least = len.saturating_sub(max_bytes);
    let (mut at, mut missing, mut first) = (len, lines, None);
    let mut block = vec![0; BLOCK_BYTES];
    while at > least {
        let size = (at - least).min(BLOCK_BYTES as u64);
        let block = &mut block[..size as usize];
        at -= size;
        match file.read_exact_at(block, at) {
            // It was shortened meanwhile: what is in it then is new.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(Start { offset: 0, is_within: false });
            }
            read => read?,
        }
        for end in memchr::memrchr_iter(b'\n', block) {
            let offset = at + end as u64 + 1;
            if missing == 0 {
                return Ok(Start { offset, is_within: false });
            }
            missing -= 1;
            first = Some(offset);
        }
    }
    Ok(match first {
        _ if least == 0 => Start { offset: 0, is_within: false },
        Some(offset) => Start { offset, is_within: false },
        None => Start { offset: len, is_within: true },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tieline_store::Scratch;

    fn scratch() -> (Scratch, std::path::PathBuf) {
        let scratch = Scratch::new();
        fs::create_dir_all(&*scratch).unwrap();
        let path = scratch.join("log");
        (scratch, path)
    }

    fn read(opened: &mut Opened) -> (Vec<String>, bool) {
        let mut lines = Vec::new();
        let mut is_anew = false;
        loop {
            let look = opened.read(1 << 20, &mut lines).unwrap();
            is_anew |= look.is_anew;
            if look == Look::default() {
                break;
            }
        }
        (lines.into_iter().map(|line| line.text.to_string()).collect(), is_anew)
    }

    fn last(text: &str, lines: usize, bytes: u64) -> Vec<String> {
        let (_scratch, path) = scratch();
        fs::write(&path, text).unwrap();
        let from = Begin::End { lines, bytes };
        read(&mut Opened::new(File::open(&path).unwrap(), from, 1 << 20).unwrap()).0
    }

    #[test]
    fn the_last_lines_are_found_from_the_end() {
        assert_eq!(last("1\n2\n3\n", 2, 1 << 20), ["2", "3"]);
        assert_eq!(last("1\n2\n3\n", 9, 1 << 20), ["1", "2", "3"]);
        assert_eq!(last("1\n2\n3", 1, 1 << 20), ["2"]);
        assert_eq!(last("\n\n", 1, 1 << 20), [""]);
        for text in ["", "1", "1\n"] {
            assert!(last(text, 0, 1 << 20).is_empty(), "{text:?}");
        }
        let many: String = (0..100_000).map(|n| format!("{n}\n")).collect();
        assert_eq!(last(&many, 2, 1 << 20), ["99998", "99999"]);
        assert_eq!(last(&many, 20_000, 1 << 20).len(), 20_000);
    }

    #[test]
    fn the_last_lines_are_no_more_than_so_many_bytes() {
        assert_eq!(last("11\n22\n33\n", 9, 5), ["33"]);
        assert!(last(&"x".repeat(100), 9, 10).is_empty());
    }

    #[test]
    fn a_line_that_has_no_end_yet_comes_when_it_has() {
        let (_scratch, path) = scratch();
        fs::write(&path, "old\nhal").unwrap();
        let from = Begin::End { lines: 0, bytes: 1 << 20 };
        let mut opened = Opened::new(File::open(&path).unwrap(), from, 1 << 20).unwrap();
        assert!(read(&mut opened).0.is_empty());
        fs::write(&path, "old\nhalf\n").unwrap();
        assert_eq!(read(&mut opened).0, ["half"]);
    }

    #[test]
    fn a_file_that_is_shortened_is_read_from_its_first_byte() {
        let (_scratch, path) = scratch();
        fs::write(&path, "1\n2\nha").unwrap();
        let from = Begin::Mark(None);
        let mut opened = Opened::new(File::open(&path).unwrap(), from, 1 << 20).unwrap();
        assert_eq!(read(&mut opened).0, ["1", "2"]);
        fs::write(&path, "3\n").unwrap();
        assert_eq!(read(&mut opened), (vec!["ha [cut]".to_owned(), "3".to_owned()], true));
    }

    #[test]
    fn a_file_that_was_shortened_and_has_grown_again_meanwhile_is_seen_as_new() {
        let (_scratch, path) = scratch();
        fs::write(&path, "1\n2\n").unwrap();
        let from = Begin::Mark(None);
        let mut opened = Opened::new(File::open(&path).unwrap(), from, 1 << 20).unwrap();
        assert_eq!(read(&mut opened).0, ["1", "2"]);
        fs::write(&path, "3\n4\n5\n").unwrap();
        let texts = ["3", "4", "5"].map(str::to_owned).to_vec();
        assert_eq!(read(&mut opened), (texts, true));
    }

    #[test]
    fn a_file_that_is_written_anew_and_as_long_as_before_is_seen_as_new() {
        let (_scratch, path) = scratch();
        fs::write(&path, "1\n2\n").unwrap();
        let from = Begin::Mark(None);
        let mut opened = Opened::new(File::open(&path).unwrap(), from, 1 << 20).unwrap();
        assert_eq!(read(&mut opened).0, ["1", "2"]);
        fs::write(&path, "3\n4\n").unwrap();
        // Whatever the clock of the file system can tell apart.
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(1);
        File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        let texts = ["3", "4"].map(str::to_owned).to_vec();
        assert_eq!(read(&mut opened), (texts, true));
    }

    #[test]
    fn reading_goes_on_at_a_mark_where_the_file_is_the_same() {
        let (_scratch, path) = scratch();
        fs::write(&path, "1\n2\n").unwrap();
        let mut opened =
            Opened::new(File::open(&path).unwrap(), Begin::Mark(None), 1 << 20).unwrap();
        read(&mut opened);
        let (_, _, mark) = opened.finish();
        fs::write(&path, "1\n2\n3\n").unwrap();
        let again = |mark: &Mark| {
            let file = File::open(&path).unwrap();
            read(&mut Opened::new(file, Begin::Mark(Some(mark)), 1 << 20).unwrap()).0
        };
        assert_eq!(again(&mark), ["3"]);
        fs::write(&path, "x\ny\nz\n").unwrap();
        assert_eq!(again(&mark), ["x", "y", "z"]);
    }
}
