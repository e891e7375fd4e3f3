//! What runs on the host: a script for any `sh`, with nothing but `cat`, `find`, `head`, `od`,
//! `sleep`, `stat`, `tail` and `wc`.

use super::{Place, Plan};

/// It is one command, so that `sh` has read it whole before it begins. Descriptor 3 is its standard
/// input, at whose end it ends; 4 is the file, whose offset is where the next `cat` goes on; 5 is the
/// one that has its name since. That is opened as soon as it is seen, and read once the other was
/// silent for 3 s, or has been renamed itself. While nothing is written there is one look a second.
const SCRIPT: &str = include_str!("follow.sh");

/// The script, with what it is to read and where it begins.
pub(super) fn script(plan: &Plan, place: Option<&Place>, nonce: &str) -> String {
    let (lines, bytes) = plan.last;
    let path = quoted(&plan.path);
    let known = place.map_or_else(
        || "known=".to_owned(),
        |place| {
            let Place { id, offset, before } = place;
            let (have, hex) = (before.bytes().len(), before.hex());
            format!("known={id} at={offset} have={have} bytes='{hex}'")
        },
    );
    format!("{known} f={path} n={nonce} last={lines} max={bytes}\n{SCRIPT}\n")
}

/// A word for `sh`, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
