//! The TCP segment in a packet, whatever lies around it.

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TcpSlice, TransportSlice};

/// One segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) sequence: u32,
    /// What the sender has received, where it says so.
    pub(crate) acknowledged: Option<u32>,
    pub(crate) is_syn: bool,
    pub(crate) is_fin: bool,
    pub(crate) is_reset: bool,
    pub(crate) payload: &'a [u8],
    /// Bytes of the payload that were not captured.
    pub(crate) missing: usize,
}

/// What is in a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'a> {
    /// A part of a datagram.
    Fragment,
    /// Anything else but TCP, or too little of it.
    Other,
    Segment(Segment<'a>),
    /// Nobody knows how to read this link.
    UnknownLink,
}

/// The links that are understood, as <https://www.tcpdump.org/linktypes.html> numbers them.
mod link {
    pub(super) const NULL: i32 = 0;
    pub(super) const ETHERNET: i32 = 1;
    pub(super) const RAW_BSD: i32 = 12;
    pub(super) const RAW_OPENBSD: i32 = 14;
    pub(super) const RAW: i32 = 101;
    pub(super) const LOOP: i32 = 108;
    pub(super) const LINUX_SLL: i32 = 113;
    pub(super) const IPV4: i32 = 228;
    pub(super) const IPV6: i32 = 229;
    pub(super) const LINUX_SLL2: i32 = 276;
}

/// Finds the segment in a packet of this link.
pub(crate) fn find(link: i32, data: &[u8]) -> Content<'_> {
    let behind = |header: usize, kind: usize| {
        let kind = data.get(kind..kind + 2)?.try_into().ok()?;
        let kind = EtherType(u16::from_be_bytes(kind));
        Some(LaxSlicedPacket::from_ether_type(kind, data.get(header..)?))
    };
    let sliced = match link {
        link::ETHERNET => LaxSlicedPacket::from_ethernet(data).ok(),
        link::LINUX_SLL => behind(16, 14),
        link::LINUX_SLL2 => behind(20, 0),
        // Four bytes say which kind of IP it is, and so does its first.
        link::NULL | link::LOOP => {
            data.get(4..).and_then(|data| LaxSlicedPacket::from_ip(data).ok())
        }
        link::RAW | link::RAW_BSD | link::RAW_OPENBSD | link::IPV4 | link::IPV6 => {
            LaxSlicedPacket::from_ip(data).ok()
        }
        _ => return Content::UnknownLink,
    };
    let Some(LaxSlicedPacket { net: Some(net), transport, .. }) = sliced else {
        return Content::Other;
    };
    match transport {
        Some(TransportSlice::Tcp(tcp)) => {
            segment(&net, &tcp).map_or(Content::Other, Content::Segment)
        }
        None if net.ip_payload_ref().is_some_and(|payload| payload.fragmented) => Content::Fragment,
        _ => Content::Other,
    }
}

fn segment<'a>(net: &LaxNetSlice<'a>, tcp: &TcpSlice<'a>) -> Option<Segment<'a>> {
    let (source, destination, announced): (IpAddr, IpAddr, _) = match net {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            let announced = header.payload_len().ok().filter(|_| header.total_len() > 0);
            (header.source_addr().into(), header.destination_addr().into(), announced)
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            let extensions = u16::try_from(ip.extensions().slice().len()).ok()?;
            let announced = Some(header.payload_length()).filter(|len| *len > 0);
            let announced = announced.map(|len| len.saturating_sub(extensions));
            (header.source_addr().into(), header.destination_addr().into(), announced)
        }
        LaxNetSlice::Arp(_) => return None,
    };
    let payload = tcp.payload();
    let header = usize::from(tcp.data_offset()) * 4;
    let announced = announced.map_or(payload.len(), |len| usize::from(len).saturating_sub(header));
    Some(Segment {
        source: SocketAddr::new(source, tcp.source_port()),
        destination: SocketAddr::new(destination, tcp.destination_port()),
        sequence: tcp.sequence_number(),
        acknowledged: tcp.ack().then(|| tcp.acknowledgment_number()),
        is_syn: tcp.syn(),
        is_fin: tcp.fin(),
        is_reset: tcp.rst(),
        payload,
        missing: announced.saturating_sub(payload.len()),
    })
}
