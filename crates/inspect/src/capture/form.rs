//! The blocks of both forms, pcap and pcapng.

use std::ops::Range;
use std::time::Duration;

use data_encoding::HEXLOWER;
use pcap_parser::nom::Err as Parse;
use pcap_parser::pcapng::{Block as NgBlock, parse_block_be, parse_block_le};
use pcap_parser::{
    InterfaceDescriptionBlock, LegacyPcapBlock, PcapError, PcapHeader, parse_pcap_frame,
    parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header,
};

use super::CaptureError;

/// Most interfaces of a section that are remembered.
const MAX_INTERFACES: usize = 4096;

/// How the capture is written, and what its header says.
#[derive(Debug)]
pub(super) enum Form {
    Pcap {
        /// `None` before it was read.
        header: Option<PcapHeader>,
    },
    Pcapng {
        is_big_endian: bool,
        interfaces: Vec<Interface>,
    },
}

/// Where packets of a section come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    link: i32,
    /// Units of a second.
    resolution: u64,
    /// Seconds to add.
    offset: i64,
}

/// What stands in a block.
pub(super) enum Block {
    Packet {
        time: Duration,
        link: i32,
        /// Where its bytes are, from the block's first on.
        data: Range<usize>,
    },
    /// Something else.
    Other,
}

type Parsed<'a, T> = Result<(&'a [u8], T), Parse<PcapError<&'a [u8]>>>;

impl Form {
    /// Says how a capture is written that begins like this; `None` while that is not enough.
    pub(super) fn of(bytes: &[u8], is_end: bool) -> Result<Option<Self>, CaptureError> {
        let Some(magic) = bytes.first_chunk::<4>() else {
            return match (is_end, bytes) {
                (false, _) => Ok(None),
                (true, []) => Err(CaptureError::Empty),
                (true, bytes) => Err(CaptureError::Other(HEXLOWER.encode(bytes))),
            };
        };
        Ok(Some(match magic {
            [0x0A, 0x0D, 0x0D, 0x0A] => {
                Self::Pcapng { is_big_endian: false, interfaces: Vec::new() }
            }
            [0xA1, 0xB2, 0xC3, 0xD4] | [0xD4, 0xC3, 0xB2, 0xA1] => Self::Pcap { header: None },
            [0xA1, 0xB2, 0x3C, 0x4D] | [0x4D, 0x3C, 0xB2, 0xA1] => Self::Pcap { header: None },
            [0x34, 0xCD, 0xB2, 0xA1] => Self::Pcap { header: None },
            [0x1F, 0x8B, ..] => return Err(CaptureError::Compressed("gzip")),
            [0x28, 0xB5, 0x2F, 0xFD] => return Err(CaptureError::Compressed("zstd")),
            [0xFD, b'7', b'z', b'X'] => return Err(CaptureError::Compressed("xz")),
            magic => return Err(CaptureError::Other(HEXLOWER.encode(magic))),
        }))
    }

    /// The block at the front of these bytes and its length; `None` while it is not whole.
    pub(super) fn block(&mut self, bytes: &[u8]) -> Result<Option<(usize, Block)>, ()> {
        match self {
            Self::Pcap { header: header @ None } => {
                let Some((len, read)) = whole(bytes, parse_pcap_header(bytes))? else {
                    return Ok(None);
                };
                *header = Some(read);
                Ok(Some((len, Block::Other)))
            }
            Self::Pcap { header: Some(header) } => {
                let parse = match (header.is_modified_format(), header.is_bigendian()) {
                    (true, _) => parse_pcap_frame_modified,
                    (_, true) => parse_pcap_frame_be,
                    (_, false) => parse_pcap_frame,
                };
                let Some((len, packet)) = whole(bytes, parse(bytes))? else { return Ok(None) };
                let time = time(&packet, header.is_nanosecond_precision());
                // Above are how a frame check sequence is announced.
                let link = header.network.0 & 0xFFFF;
                let data = place(bytes, packet.data);
                Ok(Some((len, Block::Packet { time, link, data })))
            }
            Self::Pcapng { is_big_endian, interfaces } => {
                let parse = if *is_big_endian { parse_block_be } else { parse_block_le };
                let Some((len, block)) = whole(bytes, parse(bytes))? else { return Ok(None) };
                Ok(Some((len, ng_block(bytes, &block, is_big_endian, interfaces)?)))
            }
        }
    }
}

fn ng_block(
    bytes: &[u8],
    block: &NgBlock<'_>,
    is_big_endian: &mut bool,
    interfaces: &mut Vec<Interface>,
) -> Result<Block, ()> {
    match block {
        NgBlock::SectionHeader(header) => {
            *is_big_endian = header.big_endian();
            interfaces.clear();
        }
        NgBlock::InterfaceDescription(description) => {
            if interfaces.len() == MAX_INTERFACES {
                return Err(());
            }
            interfaces.push(Interface::of(description).ok_or(())?);
        }
        NgBlock::EnhancedPacket(packet) => {
            let id = usize::try_from(packet.if_id).map_err(drop)?;
            let interface = interfaces.get(id).ok_or(())?;
            let kept = usize::try_from(packet.caplen).map_err(drop)?;
            let data = packet.data.get(..kept).ok_or(())?;
            return Ok(Block::Packet {
                time: interface.time(packet.ts_high, packet.ts_low),
                link: interface.link,
                data: place(bytes, data),
            });
        }
        NgBlock::SimplePacket(packet) => {
            let link = interfaces.first().ok_or(())?.link;
            let there = packet.data.len().min(usize::try_from(packet.origlen).map_err(drop)?);
            let data = place(bytes, &packet.data[..there]);
            return Ok(Block::Packet { time: Duration::ZERO, link, data });
        }
        _ => {}
    }
    Ok(Block::Other)
}

/// What was parsed and how long it was, or `None` while it is not whole.
fn whole<'a, T>(bytes: &'a [u8], parsed: Parsed<'a, T>) -> Result<Option<(usize, T)>, ()> {
    match parsed {
        Ok((rest, value)) => Ok(Some((bytes.len() - rest.len(), value))),
        Err(Parse::Incomplete(_)) => Ok(None),
        Err(Parse::Error(_) | Parse::Failure(_)) => Err(()),
    }
}

/// Where a part of these bytes is.
fn place(bytes: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr() - bytes.as_ptr().addr();
    start..start + part.len()
}

fn time(packet: &LegacyPcapBlock<'_>, is_exact: bool) -> Duration {
    let fraction = u64::from(packet.ts_usec);
    let fraction = match is_exact {
        true => Duration::from_nanos(fraction),
        false => Duration::from_micros(fraction),
    };
    Duration::from_secs(packet.ts_sec.into()) + fraction
}

impl Interface {
    fn of(description: &InterfaceDescriptionBlock<'_>) -> Option<Self> {
        Some(Self {
            link: description.linktype.0,
            resolution: description.ts_resolution().filter(|resolution| *resolution > 0)?,
            offset: description.ts_offset(),
        })
    }

    fn time(&self, high: u32, low: u32) -> Duration {
        let units = u64::from(high) << 32 | u64::from(low);
        let seconds = (units / self.resolution).saturating_add_signed(self.offset);
        let fraction = u128::from(units % self.resolution) * 1_000_000_000;
        let fraction = u64::try_from(fraction / u128::from(self.resolution)).unwrap_or_default();
        Duration::from_secs(seconds).saturating_add(Duration::from_nanos(fraction))
    }
}
