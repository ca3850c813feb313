//! From a frame to the flow that it belongs to.

use core::{hash::Hash, net::IpAddr};

use crate::{Envelope, L4Proto, TcpInfo, Timestamp};

/// A captured frame, borrowed from wherever it lies.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The bytes that were captured, from the first byte of the link layer.
    pub bytes: &'a [u8],
    /// Bytes of the frame on the wire; more than `bytes` has where the capture was cut.
    pub wire_len: u32,
    /// What the first byte belongs to.
    pub link: LinkType,
    /// When it was received.
    pub ts: Timestamp,
}

/// Link layer of a capture, by its number in the registry at tcpdump.org/linktypes.html.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// IEEE 802.3 Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// An address family in the byte order of the capturing host, then IP (BSD loopback).
    pub const NULL: Self = Self(0);
    /// PPP, perhaps in HDLC-like framing.
    pub const PPP: Self = Self(9);
    /// PPP in HDLC-like framing.
    pub const PPP_HDLC: Self = Self(50);
    /// An address family in network byte order, then IP (OpenBSD loopback).
    pub const LOOP: Self = Self(108);
    /// Linux cooked mode, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// Linux cooked mode, version 2.
    pub const LINUX_SLL2: Self = Self(276);
    /// Log of the Linux firewall.
    pub const NFLOG: Self = Self(239);
    /// IPv4 or IPv6, by the version in the first byte.
    pub const RAW: Self = Self(101);
    /// IPv4.
    pub const IPV4: Self = Self(228);
    /// IPv6.
    pub const IPV6: Self = Self(229);
}

/// What identifies a flow.
///
/// A key has a source and a destination. The two directions of a flow have keys that are each
/// other's reverse, and an extractor gives the same one of them for both.
pub trait FlowKey: Copy + Eq + Hash {
    /// The key of the opposite direction.
    #[must_use]
    fn reversed(self) -> Self;

    /// Where its packets go to, if the key says so.
    fn destination(&self) -> Option<IpAddr> {
        None
    }

    /// Its source port and its destination port, if it has ports.
    fn ports(&self) -> Option<(u16, u16)> {
        None
    }

    /// The key in few bytes, if it fits: its flow takes less room then. Two keys that differ have
    /// different compact forms.
    fn compact(&self) -> Option<CompactKey> {
        None
    }

    /// The key whose compact form this is.
    fn from_compact(compact: CompactKey) -> Option<Self> {
        let _ = compact;
        None
    }
}

/// The compact form of a key: as many bytes as two IPv4 addresses, a protocol and two ports take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CompactKey(pub [u8; 13]);

/// How a packet relates to the key under which its flow is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Orientation {
    /// The packet goes from the key's source to its destination.
    Forward,
    /// The packet goes the other way.
    Reverse,
}

impl Orientation {
    /// The other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Forward => Self::Reverse,
            Self::Reverse => Self::Forward,
        }
    }
}

/// What an extractor found in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extracted<K> {
    /// The same for both directions of a flow.
    pub key: K,
    /// Direction of this packet.
    pub orientation: Orientation,
    /// Transport protocol, if the key has one.
    pub l4: Option<L4Proto>,
    /// TCP header, if the tracker is to follow the connection.
    pub tcp: Option<TcpInfo>,
    /// Bytes of the frame on the wire.
    pub wire_len: u32,
    /// Bytes of the IP packet by its header.
    pub ip_len: u32,
    /// Bytes of transport payload by the headers.
    pub payload_len: u32,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// The frame was cut by the snap length of the capture; all lengths are those in the headers.
    pub truncated: bool,
    /// What is wrong with the packet.
    pub defects: Defects,
    /// What the packet was wrapped in.
    pub envelope: Envelope,
}

/// What is wrong with a packet that can be attributed all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Defects(pub u8);

impl Defects {
    /// A sound packet.
    pub const NONE: Self = Self(0);
    /// An IP fragment that overlaps another one.
    pub const FRAGMENT_OVERLAP: Self = Self(1);
    /// A first IP fragment too small for its transport header.
    pub const TINY_FRAGMENT: Self = Self(1 << 1);

    /// Whether all of `other` are there.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The defects of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Decides which flow a frame belongs to.
pub trait FlowExtractor {
    /// The key of the flows.
    type Key: FlowKey;

    /// The flow of `frame`, or `None` if it belongs to none. Such a frame is counted as unmatched,
    /// with its reason, and makes no event.
    fn extract(&mut self, frame: &Frame<'_>) -> Option<Extracted<Self::Key>>;
}
