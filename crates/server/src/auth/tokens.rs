//! Tokens that are shared with whoever may come: a file, one a line.
//!
//! ```text
//! # comment
//! TOKEN
//! NAME TOKEN
//! NAME TOKEN RIGHT RIGHT
//! ```

use std::path::{Path, PathBuf};

use arc_swap::ArcSwap;

use super::denied::Denied;
use super::error::AccessError;
use super::identity::Identity;
use super::secret::Secret;

/// Shortest token, in bytes.
const MIN_BYTES: usize = 16;

/// The user whose token has no name.
const NAMELESS: &str = "token";

/// The tokens of a file, which can be read again.
#[derive(Debug)]
pub(crate) struct Tokens {
    path: PathBuf,
    current: ArcSwap<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    secret: Secret,
    identity: Identity,
}

impl Tokens {
    /// Reads the file.
    pub(crate) fn load(path: PathBuf) -> Result<Self, AccessError> {
        let current = ArcSwap::from_pointee(read(&path)?);
        Ok(Self { path, current })
    }

    pub(crate) fn reload(&self) -> Result<(), AccessError> {
        self.current.store(read(&self.path)?.into());
        Ok(())
    }

    /// Whose token it is. All are compared, whichever it is.
    pub(crate) fn check(&self, token: &str) -> Result<Identity, Denied> {
        let secret = Secret::new(token);
        let entries = self.current.load();
        let found = entries.iter().fold(None, |found, entry| {
            if entry.secret.is(&secret) { Some(&entry.identity) } else { found }
        });
        found.cloned().ok_or(Denied::Malformed)
    }
}

fn read(path: &Path) -> Result<Vec<Entry>, AccessError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| AccessError::Read { path: path.to_path_buf(), source })?;
    let path = || path.to_path_buf();
    let mut entries = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let line = index + 1;
        let words: Vec<_> = text.split_whitespace().collect();
        let (user, token, rights) = match words.as_slice() {
            [] => continue,
            [word, ..] if word.starts_with('#') => continue,
            [token] => (NAMELESS, *token, &[][..]),
            [user, token, rights @ ..] => (*user, *token, rights),
        };
        if !Identity::is_name(user) {
            return Err(AccessError::Name { path: path(), line });
        }
        if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
            return Err(AccessError::BadToken { path: path(), line });
        }
        if token.len() < MIN_BYTES {
            return Err(AccessError::Short { path: path(), bytes: token.len(), min: MIN_BYTES });
        }
        let rights = rights.iter().map(|&right| right.to_owned()).collect();
        let identity = Identity { rights, ..Identity::of(user) };
        entries.push(Entry { secret: Secret::new(token), identity });
    }
    if entries.is_empty() {
        return Err(AccessError::NoToken { path: path() });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::file;

    #[test]
    fn several_tokens_are_good_at_once_and_know_their_names_and_rights() {
        let path = file("# ours\n\n0123456789abcdef\nalice fedcba9876543210 chat push\n");
        let tokens = Tokens::load(path.clone()).unwrap();
        let nameless = tokens.check("0123456789abcdef").unwrap();
        assert_eq!((nameless.user.as_str(), nameless.rights.len()), ("token", 0));
        let alice = tokens.check("fedcba9876543210").unwrap();
        assert_eq!(
            (alice.user.as_str(), alice.rights),
            ("alice", vec!["chat".into(), "push".into()])
        );
        assert_eq!(tokens.check("fedcba987654321"), Err(Denied::Malformed));
        assert!(!format!("{tokens:?}").contains("fedcba"));

        // Rotation: the file is changed and read again; a bad one changes nothing.
        std::fs::write(&path, "short\n").unwrap();
        assert!(matches!(tokens.reload(), Err(AccessError::Short { bytes: 5, .. })));
        assert!(tokens.check("0123456789abcdef").is_ok());
        std::fs::write(&path, "a-new-token-that-is-long\n").unwrap();
        tokens.reload().unwrap();
        assert_eq!(tokens.check("0123456789abcdef"), Err(Denied::Malformed));
        assert!(tokens.check("a-new-token-that-is-long").is_ok());
    }

    #[test]
    fn an_empty_file_lets_nobody_in_and_is_refused() {
        assert!(matches!(Tokens::load(file("# none\n")), Err(AccessError::NoToken { .. })));
        assert!(matches!(
            Tokens::load(file("0123456789abc\u{e9}def\n")),
            Err(AccessError::BadToken { line: 1, .. })
        ));
    }
}
