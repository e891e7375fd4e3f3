//! The page that is built into the program.

use bytes::Bytes;
use rust_embed::{EmbeddedFile, RustEmbed};

/// The files of `web/console/dist`, or a plain page that says how to build them.
#[derive(RustEmbed)]
#[folder = "$TIELINE_CONSOLE"]
struct Files;

/// One file of the page.
pub(super) struct Asset {
    pub(super) bytes: Bytes,
    /// Quoted, and another one whenever the bytes are.
    pub(super) etag: String,
}

/// The file of this name.
pub(super) fn asset(name: &str) -> Option<Asset> {
    let EmbeddedFile { data, metadata, .. } = Files::get(name)?;
    let bytes = match data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => bytes.into(),
    };
    let hash = metadata.sha256_hash();
    let etag = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Some(Asset { bytes, etag: format!("\"{etag}\"") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_page() {
        let page = asset("index.html").unwrap();
        assert!(page.bytes.starts_with(b"<!doctype html>"));
        assert_eq!(page.etag.len(), 18);
        assert!(asset("nothing.html").is_none());
    }
}
