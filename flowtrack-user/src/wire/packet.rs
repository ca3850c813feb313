//! The headers of a packet, as plain values.

use std::net::IpAddr;

use flowtrack_common::{Envelope, L4Proto, TcpInfo};

use super::IcmpMessage;

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

/// An IP fragment (RFC 791, RFC 8200), the first one too. An IPv6 fragment that is the whole packet
/// (RFC 6946) is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Which datagram it belongs to, between two addresses and, in IPv4, for one protocol.
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
        message: IcmpMessage,
        /// Bytes behind the eight of the header.
        payload_len: u32,
    },
    /// An IP fragment other than the first, or a first one too small for the transport header.
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
    /// What a TCP header says.
    pub const fn tcp(&self) -> Option<TcpInfo> {
        match *self {
            Self::Tcp { info, .. } => Some(info),
            _ => None,
        }
    }

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Source port.
    pub src: u16,
    /// Destination port.
    pub dst: u16,
}

impl Ports {
    /// The first four bytes of a TCP, UDP or SCTP header.
    pub(super) const fn new([a, b, c, d]: [u8; 4]) -> Self {
        Self {
            src: u16::from_be_bytes([a, b]),
            dst: u16::from_be_bytes([c, d]),
        }
    }
}
