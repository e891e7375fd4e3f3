//! A configuration as text, and where in it a key stands.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text of a configuration file, with its name for error messages.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    base: PathBuf,
}

/// A place in a [`Source`]: what an error message points at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct At {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The whole line.
    pub text: String,
    /// How many characters of it are meant.
    pub len: usize,
}

/// The way to a key: `route[1].origins[0]`, counted from 0 as in the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

impl Key {
    /// The key of this name at the top of the file.
    pub(super) fn top(name: &str) -> Self {
        Self::default().name(name)
    }

    /// The key of this name inside the table `self`.
    pub(super) fn name(&self, name: &str) -> Self {
        self.then(Step::Name(name.to_owned()))
    }

    /// The element of this index inside the array `self`.
    pub(super) fn index(&self, index: usize) -> Self {
        self.then(Step::Index(index))
    }

    /// Whether it is the file as a whole.
    pub(super) fn is_top(&self) -> bool {
        self.0.is_empty()
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Name(name) if position > 0 => write!(f, ".{}", name.escape_debug())?,
                Step::Name(name) => write!(f, "{}", name.escape_debug())?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl Source {
    /// Text under a name, without a file; relative paths in it start from the current directory.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), base: PathBuf::new() }
    }

    /// Reads a file; relative paths in it start from the file's folder.
    ///
    /// # Errors
    ///
    /// What the system says: the file is missing, may not be read, or is not UTF-8.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(Self { name: path.display().to_string(), text, base })
    }

    /// The name under which error messages know it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A path as written in it, from where the file stands.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// Where this key stands, or the nearest table around it that is written down.
    pub fn locate(&self, key: &Key) -> Option<At> {
        let tree = DeTable::parse(&self.text).ok()?;
        let mut best = None;
        let mut table = Some(tree.get_ref());
        let mut value: Option<&Spanned<DeValue<'_>>> = None;
        for step in &key.0 {
            let (span, next) = match step {
                Step::Name(name) => {
                    let Some(entry) = table.and_then(|table| table.get_key_value(name.as_str()))
                    else {
                        break;
                    };
                    (entry.0.span(), entry.1)
                }
                Step::Index(index) => {
                    let array = value.and_then(|value| value.get_ref().as_array());
                    let Some(element) = array.and_then(|array| array.get(*index)) else { break };
                    (element.span(), element)
                }
            };
            best = Some(span);
            value = Some(next);
            table = next.get_ref().as_table();
        }
        // A plain value says more than its key does.
        if let Some(value) = value.filter(|value| !is_container(value.get_ref())) {
            best = Some(value.span());
        }
        best.map(|span| self.at(span))
    }

    /// The place of a range of bytes.
    pub(super) fn at(&self, span: Range<usize>) -> At {
        let start = self.floor(span.start);
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let rest = &self.text[start..self.floor(span.end).max(start)];
        let len = rest.lines().next().unwrap_or_default().chars().count();
        At {
            line: before.matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            text: line.to_owned(),
            len: len.max(1),
        }
    }

    /// The innermost key whose own text or value holds the byte at `offset`.
    pub(super) fn key_at(&self, offset: usize) -> Key {
        let Ok(tree) = DeTable::parse(&self.text) else { return Key::default() };
        let mut key = Key::default();
        descend_table(tree.get_ref(), offset, &mut key);
        key
    }

    /// Where a key of this name is written inside `span`, for errors that know no better.
    pub(super) fn find_name(&self, name: &str, span: &Range<usize>) -> Option<(Key, Range<usize>)> {
        let tree = DeTable::parse(&self.text).ok()?;
        search_table(tree.get_ref(), name, span, &Key::default())
    }

    fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

fn is_container(value: &DeValue<'_>) -> bool {
    value.is_table() || value.is_array()
}

fn descend_table(table: &DeTable<'_>, offset: usize, key: &mut Key) {
    for (name, value) in table {
        if name.span().contains(&offset) {
            *key = key.name(name.get_ref());
            return;
        }
        if holds(value, offset) {
            *key = key.name(name.get_ref());
            return descend_value(value, offset, key);
        }
    }
}

fn descend_value(value: &Spanned<DeValue<'_>>, offset: usize, key: &mut Key) {
    match value.get_ref() {
        DeValue::Table(table) => descend_table(table, offset, key),
        DeValue::Array(array) => {
            if let Some(index) = array.iter().position(|element| holds(element, offset)) {
                *key = key.index(index);
                descend_value(&array[index], offset, key);
            }
        }
        _ => {}
    }
}

/// A `[table]` spans only its header, and `[[array]]` only its first one: look inside as well.
fn holds(value: &Spanned<DeValue<'_>>, offset: usize) -> bool {
    value.span().contains(&offset)
        || match value.get_ref() {
            DeValue::Table(table) => table
                .iter()
                .any(|(name, value)| name.span().contains(&offset) || holds(value, offset)),
            DeValue::Array(array) => array.iter().any(|element| holds(element, offset)),
            _ => false,
        }
}

fn search_table(
    table: &DeTable<'_>,
    wanted: &str,
    within: &Range<usize>,
    key: &Key,
) -> Option<(Key, Range<usize>)> {
    table.iter().find_map(|(name, value)| {
        let inner = key.name(name.get_ref());
        let found = name.get_ref() == wanted && within.contains(&name.span().start);
        if found {
            return Some((inner, name.span()));
        }
        search_value(value, wanted, within, &inner)
    })
}

fn search_value(
    value: &Spanned<DeValue<'_>>,
    wanted: &str,
    within: &Range<usize>,
    key: &Key,
) -> Option<(Key, Range<usize>)> {
    match value.get_ref() {
        DeValue::Table(table) => {
            // The header alone may be what the error spans; then everything below it counts.
            let header = value.span();
            let within = if within.contains(&header.start) && header == *within {
                &(header.start..usize::MAX)
            } else {
                within
            };
            search_table(table, wanted, within, key)
        }
        DeValue::Array(array) => array
            .iter()
            .enumerate()
            .find_map(|(index, element)| search_value(element, wanted, within, &key.index(index))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "drain = \"1s\"\n\n[[route]]\npath = \"/a\"\n\n[[route]]\n\
                        path = \"/b\"\norigins = [\"null\", \"é\", \"x\"]\n";

    fn key() -> Key {
        Key::top("route").index(1).name("origins").index(2)
    }

    #[test]
    fn a_key_is_found_with_line_and_column_in_characters() {
        let at = Source::new("t.toml", TEXT).locate(&key()).unwrap();
        assert_eq!((at.line, at.column, at.len), (8, 25, 3));
        assert_eq!(at.text, "origins = [\"null\", \"é\", \"x\"]");
    }

    #[test]
    fn a_key_that_is_not_written_points_at_its_table() {
        let source = Source::new("t.toml", TEXT);
        let at = source.locate(&Key::top("route").index(1).name("service")).unwrap();
        assert_eq!((at.line, at.column), (6, 1));
        assert_eq!(source.locate(&Key::top("listener")), None);
    }

    #[test]
    fn an_offset_is_turned_into_its_key() {
        let source = Source::new("t.toml", TEXT);
        let offset = TEXT.find("\"x\"").unwrap();
        assert_eq!(source.key_at(offset), key());
        assert_eq!(source.key_at(offset).to_string(), "route[1].origins[2]");
    }
}
