//! The page that is built into the program.

/// Name, bytes and tag of the files of `web/console/dist`, or of a plain page that says how to
/// build them. Written by the build script.
const FILES: &[(&str, &[u8], &str)] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// One file of the page.
#[derive(Debug)]
pub(super) struct Asset {
    pub(super) bytes: &'static [u8],
    /// Quoted, and another one whenever the bytes are.
    pub(super) etag: &'static str,
}

/// The file of this name.
pub(super) fn asset(name: &str) -> Option<Asset> {
    let &(_, bytes, etag) = FILES.iter().find(|(known, ..)| *known == name)?;
    Some(Asset { bytes, etag })
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
