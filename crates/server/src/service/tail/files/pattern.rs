//! Which files are meant: a path, in which `*`, `?` and `[…]` stand for letters of one name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::root::Root;

/// A path below a folder, with or without wildcards.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
enum Segment {
    Name(String),
    /// Names that match; those that begin with a dot only where the pattern does.
    Any {
        regex: Regex,
        may_hide: bool,
    },
}

/// What was found in a search.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files or other things, sorted.
    pub(super) paths: Vec<PathBuf>,
    /// The folders that were looked into.
    pub(super) folders: BTreeSet<PathBuf>,
    /// Whether there were more than there may be.
    pub(super) has_more: bool,
}

/// Most names that are looked at in one folder.
const MAX_NAMES: usize = 10_000;

/// Most folders that are looked into.
const MAX_FOLDERS: usize = 1_000;

impl Pattern {
    /// Parses what lies below a folder; `None` where it is empty, leads up or out, or has a `[` that
    /// nothing closes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_plain = !text.is_empty() && !text.contains('\0');
        let segments = text.split('/').filter(|name| !matches!(*name, "" | "."));
        let segments: Option<Vec<_>> = segments.map(Segment::parse).collect();
        let segments = segments.filter(|all| is_plain && !all.is_empty())?;
        Some(Self { segments })
    }

    /// Whether it is one path.
    pub(crate) fn as_path(&self) -> Option<PathBuf> {
        let name = |segment: &'_ Segment| match segment {
            Segment::Name(name) => Some(name.clone()),
            Segment::Any { .. } => None,
        };
        self.segments.iter().map(name).collect()
    }

    /// Looks for what matches, at most `max`.
    pub(super) fn find(&self, root: &Root, max: usize) -> Found {
        let mut found = Found::default();
        let mut paths = vec![PathBuf::new()];
        for segment in &self.segments {
            let mut next = Vec::new();
            for path in paths {
                match segment {
                    Segment::Name(name) => {
                        found.folders.insert(path.clone());
                        next.push(path.join(name));
                    }
                    Segment::Any { regex, may_hide } => {
                        // What is no folder, or not to be looked into, has nothing in it.
                        let Ok(names) = root.names(&path, MAX_NAMES) else { continue };
                        let fits = |name: &&String| {
                            (*may_hide || !name.starts_with('.'))
                                && !matches!(&***name, "." | "..")
                                && regex.is_match(name)
                        };
                        next.extend(names.iter().filter(fits).map(|name| path.join(name)));
                        found.folders.insert(path);
                    }
                }
            }
            found.has_more |= next.len() > max.max(MAX_FOLDERS);
            next.truncate(max.max(MAX_FOLDERS));
            paths = next;
        }
        found.has_more |= paths.len() > max;
        paths.truncate(max);
        found.paths = paths;
        found
    }
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        if text == ".." {
            return None;
        }
        if !text.contains(['*', '?', '[']) {
            return Some(Self::Name(text.to_owned()));
        }
        let mut pattern = String::from("^(?s:");
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '*' => pattern.push_str(".*"),
                '?' => pattern.push('.'),
                '[' => {
                    let (class, rest) = letters.as_str().split_once(']')?;
                    letters = rest.chars();
                    pattern.push_str(&parse_class(class)?);
                }
                letter => pattern.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4]))),
            }
        }
        pattern.push_str(")$");
        let regex = Regex::new(&pattern).ok()?;
        Some(Self::Any { regex, may_hide: text.starts_with('.') })
    }
}

/// `a-z`, `!0-9`: what stands between brackets, as a class of a regular expression.
fn parse_class(class: &str) -> Option<String> {
    let (not, class) = match class.strip_prefix(['!', '^']) {
        Some(class) => ("^", class),
        None => ("", class),
    };
    if class.is_empty() {
        return None;
    }
    let escape = |letter: char| match letter {
        '-' => "-".to_owned(),
        letter if letter.is_alphanumeric() || letter == '_' => letter.to_string(),
        letter => format!("\\x{{{:x}}}", u32::from(letter)),
    };
    Some(format!("[{not}{}]", class.chars().map(escape).collect::<String>()))
}

/// What is not written with wildcards lies here: the longest folder in front of the first of them,
/// and what is below it. Of a path without any, its folder and its name.
pub(crate) fn split(path: &str) -> (&Path, &str) {
    let end = path.find(['*', '?', '[']).unwrap_or(path.len());
    match path[..end].rfind('/') {
        Some(0) => (Path::new("/"), &path[1..]),
        Some(slash) => (Path::new(&path[..slash]), &path[slash + 1..]),
        None => (Path::new("."), path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use tieline_store::Scratch;

    #[test]
    fn wildcards_stand_for_letters_of_one_name() {
        let scratch = Scratch::new();
        for path in ["a.log", "b.log", "b.log.1", ".hidden.log", "sub/c.log", "sub/deep/d.log"] {
            let path = scratch.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        symlink("..", scratch.join("sub/up")).unwrap();
        let root = Root::open(&scratch).unwrap();
        let find = |pattern: &str, max: usize| {
            let found = Pattern::parse(pattern).unwrap().find(&root, max);
            let names = found.paths.iter().map(|path| path.to_str().unwrap().to_owned());
            (names.collect::<Vec<_>>(), found.has_more)
        };
        let all = |pattern: &str| find(pattern, 100).0;
        assert_eq!(all("*.log"), ["a.log", "b.log"]);
        assert_eq!(all("?.log*"), ["a.log", "b.log", "b.log.1"]);
        assert_eq!(all("[!a].log"), ["b.log"]);
        assert_eq!(all("[a-b].log"), ["a.log", "b.log"]);
        assert_eq!(all(".*.log"), [".hidden.log"]);
        assert_eq!(all("*/*.log"), ["sub/c.log"]);
        assert_eq!(all("sub/*/*.log"), ["sub/deep/d.log", "sub/up/a.log", "sub/up/b.log"]);
        assert_eq!(all("none"), ["none"]);
        assert_eq!(find("*.log", 1), (vec!["a.log".to_owned()], true));
    }

    #[test]
    fn a_link_to_a_folder_outside_is_not_looked_into() {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.join("root")).unwrap();
        fs::write(scratch.join("secret.log"), "").unwrap();
        symlink("..", scratch.join("root/up")).unwrap();
        let root = Root::open(&scratch.join("root")).unwrap();
        assert!(Pattern::parse("*/*.log").unwrap().find(&root, 100).paths.is_empty());
    }

    #[test]
    fn what_leads_up_or_is_no_pattern_is_none() {
        for text in ["", "/", "..", "a/../b", "../a", "a[", "a[]", "a\0b"] {
            assert!(Pattern::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_path_is_split_in_front_of_the_name_or_of_the_first_wildcard() {
        for (path, folder, below) in [
            ("/var/log/syslog", "/var/log", "syslog"),
            ("/var/log/*/a.log", "/var/log", "*/a.log"),
            ("/var/log/a*", "/var/log", "a*"),
            ("/*", "/", "*"),
            ("/a", "/", "a"),
            ("a", ".", "a"),
            ("logs/a?", "logs", "a?"),
        ] {
            assert_eq!(split(path), (Path::new(folder), below), "{path}");
        }
    }
}
