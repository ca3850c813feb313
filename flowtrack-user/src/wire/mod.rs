//! From the bytes of a frame to its headers.
//!
//! Each protocol has a file. A parser looks at the lengths once and answers with plain values or
//! with the [`Refusal`] that says why the packet cannot be attributed; there is one counter for each
//! reason. Nothing in here can panic, whatever the bytes are.
//!
//! Lengths come from the headers, not from what was captured, so a capture that was cut by a snap
//! length still counts what was on the wire.
#![forbid(unsafe_code)]

mod cooked;
mod ethernet;
mod ethertype;
mod icmp;
mod ipv4;
mod ipv6;
mod mpls;
mod ppp;
mod refusal;
mod sctp;
mod tcp;
mod udp;

use std::net::IpAddr;

use flowtrack_common::{Envelope, Frame, L4Proto, LinkType, TcpInfo};

pub use self::refusal::{Refusal, RefusalCounts};

/// The headers of a packet, as far as a tracker needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Transport protocol, behind all extension headers.
    pub l4: L4Proto,
    /// Bytes of the IP packet by its length field.
    pub ip_len: u32,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// What the transport header says.
    pub transport: Transport,
    /// The frame was cut by the snap length of the capture.
    pub truncated: bool,
    /// What the packet was wrapped in.
    pub envelope: Envelope,
    /// Where it belongs in its datagram, if it is a fragment of one.
    pub fragment: Option<Fragment>,
    /// What an ICMP error says which packet it is about.
    pub quoted: Option<Quoted>,
}

/// An IP fragment (RFC 791, RFC 8200), the first one too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Which datagram it belongs to, between two addresses and for one protocol.
    pub id: u32,
    /// Bytes of the datagram's payload before it.
    pub offset: u32,
    /// Bytes of the datagram's payload in it.
    pub len: u32,
    /// There are more behind it.
    pub more: bool,
    /// Where the IP header starts in the frame.
    pub header_at: u32,
    /// Bytes of IP headers before the payload, that of the fragment too.
    pub header_len: u32,
}

/// The packet that an ICMP error quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Transport protocol.
    pub l4: L4Proto,
    /// Ports; 0 for protocols without ports.
    pub ports: Ports,
    /// The message, if it is an ICMP one.
    pub message: Option<IcmpMessage>,
}

/// The packets of a frame, the outermost first: each but the first came in a tunnel of the one before
/// it. It ends with the first one that is refused.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: Option<Layer<'a>>,
    link: LinkType,
}

/// The packets of `frame`.
pub fn packets<'a>(frame: &Frame<'a>) -> Packets<'a> {
    Packets {
        rest: Some(Layer {
            bytes: frame.bytes,
            wire_len: (frame.wire_len as usize).max(frame.bytes.len()),
            offset: 0,
        }),
        link: frame.link,
    }
}

impl Iterator for Packets<'_> {
    type Item = Result<Packet, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        let layer = self.rest.take()?;
        Some(match self.link {
            LinkType::ETHERNET => ethernet::parse(layer),
            LinkType::RAW => ip(layer),
            LinkType::IPV4 => ipv4::parse(layer),
            LinkType::IPV6 => ipv6::parse(layer),
            LinkType::LINUX_SLL => cooked::parse_sll(layer),
            LinkType::LINUX_SLL2 => cooked::parse_sll2(layer),
            LinkType::NULL | LinkType::LOOP => cooked::parse_family(layer),
            LinkType::PPP | LinkType::PPP_HDLC => ppp::parse(layer),
            _ => Err(Refusal::LinkType),
        })
    }
}

/// What the header behind the IP header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp {
        /// Source and destination port.
        ports: Ports,
        /// What a tracker follows the connection by.
        info: TcpInfo,
    },
    /// UDP or SCTP.
    Datagram {
        /// Source and destination port.
        ports: Ports,
        /// Payload bytes by the header.
        payload_len: u32,
    },
    /// ICMP or ICMPv6.
    Icmp {
        /// Type, code and identifier.
        message: icmp::Message,
        /// Bytes behind the eight of the header.
        payload_len: u32,
    },
    /// An IP fragment other than the first: it has no transport header.
    Fragment {
        /// Bytes of the fragment.
        payload_len: u32,
    },
    /// Any other protocol.
    Other {
        /// Bytes behind the IP header.
        payload_len: u32,
    },
}

impl Transport {
    /// Bytes of payload.
    pub const fn payload_len(&self) -> u32 {
        match *self {
            Self::Tcp { info, .. } => info.payload_len,
            Self::Datagram { payload_len, .. }
            | Self::Icmp { payload_len, .. }
            | Self::Fragment { payload_len }
            | Self::Other { payload_len } => payload_len,
        }
    }
}

/// Source and destination port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Source port.
    pub src: u16,
    /// Destination port.
    pub dst: u16,
}

pub use self::icmp::Message as IcmpMessage;

/// A part of a frame: the bytes that were captured, and how many there were on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer<'a> {
    /// Captured bytes from here on.
    bytes: &'a [u8],
    /// Bytes on the wire from here on, never fewer than `bytes` has.
    wire_len: usize,
    /// Bytes of the frame before this layer.
    offset: usize,
}

impl<'a> Layer<'a> {
    /// The first `N` bytes, or `None` if fewer were captured.
    fn header<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.bytes.first_chunk()
    }

    /// What follows `len` bytes of header; `None` if the header was not captured whole.
    fn after(self, len: usize) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.get(len..)?,
            wire_len: self.wire_len.saturating_sub(len),
            offset: self.offset + len,
        })
    }

    /// The same, cut to `len` bytes: the rest is padding.
    fn limited(self, len: usize) -> Self {
        Self {
            bytes: self.bytes.get(..len).unwrap_or(self.bytes),
            wire_len: self.wire_len.min(len),
            offset: self.offset,
        }
    }

    /// Bytes on the wire; a layer is limited by a 16-bit length or by the frame's 32-bit one.
    fn len(&self) -> u32 {
        u32::try_from(self.wire_len).unwrap_or(u32::MAX)
    }
}

/// The headers of the outermost packet of `frame`, or why there are none to attribute it by.
pub fn parse(frame: &Frame<'_>) -> Result<Packet, Refusal> {
    packets(frame).next().unwrap_or(Err(Refusal::NotIp))
}

/// Source and destination MAC address of `frame`, if it has them.
pub fn macs(frame: &Frame<'_>) -> Option<([u8; 6], [u8; 6])> {
    let (dst, rest) = frame.bytes.split_first_chunk()?;
    (frame.link == LinkType::ETHERNET).then_some((*rest.first_chunk()?, *dst))
}

/// An IP packet of either version.
fn ip(layer: Layer<'_>) -> Result<Packet, Refusal> {
    match layer.bytes.first().map(|byte| byte >> 4) {
        Some(4) => ipv4::parse(layer),
        Some(6) => ipv6::parse(layer),
        Some(_) => Err(Refusal::IpVersion),
        None => Err(Refusal::IpTruncated),
    }
}

/// The transport header of an IP packet, or of its first fragment.
fn transport(l4: L4Proto, layer: Layer<'_>) -> Result<Transport, Refusal> {
    match l4 {
        L4Proto::Tcp => tcp::parse(layer),
        L4Proto::Udp => udp::parse(layer),
        L4Proto::Icmp | L4Proto::IcmpV6 => icmp::parse(l4, layer),
        L4Proto::Sctp => sctp::parse(layer),
        L4Proto::Other(_) => Ok(Transport::Other {
            payload_len: layer.len(),
        }),
    }
}

#[cfg(test)]
pub(crate) mod tests;
