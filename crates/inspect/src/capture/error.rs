//! Why a capture cannot be read, or not further.

use std::io;

use thiserror::Error;

/// A capture cannot be read, or not further than this.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// A block says what cannot be.
    #[error("the capture is broken at byte {at}: a block there makes no sense")]
    Broken {
        /// Where the block begins.
        at: u64,
    },
    /// It is compressed as a whole.
    #[error("that is compressed and no capture yet: decompress it first ({0} -d)")]
    Compressed(&'static str),
    /// It ends inside a block.
    #[error("the capture is cut off: its last block begins at byte {at} and does not end")]
    CutOff {
        /// Where the block begins.
        at: u64,
    },
    /// There is nothing.
    #[error("that is empty, and no capture: even one without packets has a header")]
    Empty,
    /// It is something else.
    #[error(
        "that is no capture: it begins with {0}, and pcap begins with a1b2c3d4 or a1b23c4d \
         (either way round), pcapng with 0a0d0d0a"
    )]
    Other(String),
    /// It could not be read.
    #[error("the capture cannot be read")]
    Read(#[source] io::Error),
    /// A block says that it is larger than any packet.
    #[error(
        "the capture is broken at byte {at}: a block there says to be larger than {limit} bytes"
    )]
    TooLarge {
        /// Where the block begins.
        at: u64,
        /// What is taken for one, in bytes.
        limit: usize,
    },
}
