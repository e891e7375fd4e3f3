//! Where frames begin, in bytes that begin anywhere.
//!
//! How the bytes are cut changes nothing about the answer.

use tieline_proto::frame::{Header, Opcode};
use tieline_proto::{mask, utf8};

use crate::frame::Sender;

/// Frames that have to follow each other at the first byte, where a packet began.
const ENOUGH_AT_FIRST: usize = 2;

/// Frames that have to follow each other anywhere else.
const ENOUGH: usize = 5;

/// Most bytes in which that many frames are looked for.
const MAX_HELD: usize = 64 << 10;

/// Looks for the first byte from which on there are frames.
#[derive(Debug)]
pub(crate) struct Search {
    sender: Sender,
    held: Vec<u8>,
    /// The place in `held` that is judged.
    at: usize,
    /// How many bytes have to be held before it can be.
    wanted: usize,
    /// Bytes passed over before those held.
    passed: u64,
}

/// What is thought of a place.
enum Verdict {
    Frames,
    No,
    /// So many bytes are needed to know.
    Wanted(usize),
}

impl Search {
    pub(crate) const fn new(sender: Sender) -> Self {
        Self { sender, held: Vec::new(), at: 0, wanted: 0, passed: 0 }
    }

    /// Bytes passed over so far.
    pub(crate) const fn passed(&self) -> u64 {
        self.passed + self.at as u64
    }

    /// How much memory it holds.
    pub(crate) const fn held(&self) -> usize {
        self.held.capacity()
    }

    /// Takes more bytes; once frames are found, those from the first of them on.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.held.extend_from_slice(bytes);
        self.look(false)
    }

    /// Nothing more comes: the frames at the end, where they end with it.
    pub(crate) fn finish(&mut self) -> Option<Vec<u8>> {
        self.wanted = 0;
        self.look(true)
    }

    fn look(&mut self, is_end: bool) -> Option<Vec<u8>> {
        while self.at < self.held.len() {
            if self.held.len() < self.wanted && !is_end {
                return None;
            }
            match self.judge(is_end) {
                Verdict::Frames => return Some(self.held.split_off(self.at)),
                Verdict::Wanted(bytes) if bytes <= MAX_HELD && !is_end => {
                    self.wanted = self.at + bytes;
                }
                Verdict::No | Verdict::Wanted(_) => {
                    self.at += 1;
                    self.wanted = 0;
                }
            }
            if self.at >= MAX_HELD {
                self.drop_passed();
            }
        }
        self.drop_passed();
        None
    }

    fn drop_passed(&mut self) {
        self.held.drain(..self.at);
        self.passed += self.at as u64;
        self.wanted = self.wanted.saturating_sub(self.at);
        self.at = 0;
    }

    /// Whether frames follow each other from here on.
    fn judge(&self, is_end: bool) -> Verdict {
        let bytes = &self.held[self.at..];
        let enough = if self.passed() == 0 { ENOUGH_AT_FIRST } else { ENOUGH };
        let (mut at, mut frames) = (0, 0);
        loop {
            let rest = &bytes[at..];
            if is_end && rest.is_empty() && frames > 0 {
                // At the very first byte one is enough, if the end fits.
                return if self.passed() == 0 || frames > 1 {
                    Verdict::Frames
                } else {
                    Verdict::No
                };
            }
            let (header, len) = match Header::decode(rest) {
                Ok(Some(decoded)) => decoded,
                Ok(None) => return Verdict::Wanted(bytes.len() + 1),
                Err(_) => return Verdict::No,
            };
            if !self.is_likely(header) {
                return Verdict::No;
            }
            frames += 1;
            if frames == enough {
                return Verdict::Frames;
            }
            let end = usize::try_from(header.len).unwrap_or(usize::MAX).saturating_add(len);
            match rest.get(len..end) {
                Some(payload) if is_text(header, payload) => at += end,
                Some(_) => return Verdict::No,
                None => return Verdict::Wanted(at.saturating_add(end)),
            }
        }
    }

    fn is_likely(&self, header: Header) -> bool {
        let compressed = header.reserved == Header::COMPRESSED
            && matches!(header.opcode, Opcode::Text | Opcode::Binary);
        header.mask.is_some() == (self.sender == Sender::Client)
            && (header.reserved == 0 || compressed)
    }
}

/// Whether what is to be text, all of it, is such; nothing is known of the others.
fn is_text(header: Header, payload: &[u8]) -> bool {
    if header.opcode != Opcode::Text || !header.fin || header.reserved != 0 {
        return true;
    }
    let mut payload = payload.to_vec();
    if let Some(key) = header.mask {
        mask::apply(&mut payload, key);
    }
    utf8::is_valid(&payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where frames are found in these bytes, however they are cut.
    fn found(bytes: &[u8]) -> Option<usize> {
        let search = |step: usize| {
            let mut search = Search::new(Sender::Server);
            let found =
                bytes.chunks(step).find_map(|piece| search.push(piece).map(|_| search.passed()));
            found.or_else(|| search.finish().map(|_| search.passed()))
        };
        let whole = search(bytes.len());
        for step in 1..bytes.len() {
            assert_eq!(search(step), whole, "in steps of {step}");
        }
        whole.map(|at| at as usize)
    }

    #[test]
    fn frames_that_follow_each_other_are_found() {
        let frames = b"\x81\x01a\x82\x03abc\x89\x00\x81\x02bc\x8a\x00\x81\x01d";
        assert_eq!(found(frames), Some(0));
        assert_eq!(found(&[&b"no frames, but text"[..], frames].concat()), Some(19));
        assert_eq!(found(&frames[1..]), Some(2));
    }

    #[test]
    fn a_frame_or_two_are_enough_where_they_end_with_the_bytes() {
        assert_eq!(found(b"\x81\x05Hello"), Some(0));
        assert_eq!(found(b"\xf5\x81\x05Hello"), None);
        assert_eq!(found(b"\xf5\x81\x05Hello\x81\x01a"), Some(1));
    }

    #[test]
    fn what_is_no_text_is_no_text_frame() {
        assert_eq!(found(b"\x81\x02\xc3\x28\x81\x01a"), None);
        assert_eq!(found(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"), None);
    }
}
