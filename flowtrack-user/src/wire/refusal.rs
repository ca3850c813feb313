//! Why a packet cannot be attributed to a flow.

use std::ops::AddAssign;

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $variant:ident => $name:literal,)+) => {
        /// Why a packet cannot be attributed to a flow: the first thing that stood in the way.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Refusal {
            /// All reasons, in the order of their counters.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Name of its counter.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

refusals! {
    /// The capture has a link layer that is not known.
    LinkType => "link_type",
    /// Shorter than an Ethernet header.
    EthernetTruncated => "ethernet_truncated",
    /// The frame ends inside the header of another link layer.
    LinkTruncated => "link_truncated",
    /// The frame ends inside a VLAN tag, or another tag of a bridge.
    VlanTruncated => "vlan_truncated",
    /// More tags and headers before the IP packet than are followed.
    LinkDepth => "link_depth",
    /// The frame ends inside an MPLS label stack.
    MplsTruncated => "mpls_truncated",
    /// More MPLS labels than are followed.
    MplsDepth => "mpls_depth",
    /// Neither IPv4 nor IPv6: ARP, LLDP, spanning tree and the like.
    NotIp => "not_ip",
    /// Nothing where an IP header was announced, or too little of it.
    IpTruncated => "ip_truncated",
    /// An IP version other than 4 and 6, or not the announced one.
    IpVersion => "ip_version",
    /// A header length below the minimum, or beyond the packet.
    IpHeaderLength => "ip_header_length",
    /// A packet length shorter than the header, or longer than the frame on the wire.
    IpLength => "ip_length",
    /// A wrong checksum of an IPv4 header (only where checksums are verified).
    IpChecksum => "ip_checksum",
    /// The packet ends inside an IPv6 extension header.
    Ipv6ExtensionTruncated => "ipv6_extension_truncated",
    /// More IPv6 extension headers than are followed.
    Ipv6ExtensionDepth => "ipv6_extension_depth",
    /// The packet ends inside the TCP header.
    TcpTruncated => "tcp_truncated",
    /// A TCP data offset below the minimum, or beyond the segment.
    TcpHeaderLength => "tcp_header_length",
    /// A wrong checksum of a TCP segment (only where checksums are verified).
    TcpChecksum => "tcp_checksum",
    /// The packet ends inside the UDP header.
    UdpTruncated => "udp_truncated",
    /// A wrong checksum of a UDP datagram (only where checksums are verified).
    UdpChecksum => "udp_checksum",
    /// The packet ends inside the ICMP header.
    IcmpTruncated => "icmp_truncated",
    /// A wrong checksum of an ICMP or ICMPv6 message (only where checksums are verified).
    IcmpChecksum => "icmp_checksum",
    /// The packet ends inside the SCTP common header.
    SctpTruncated => "sctp_truncated",
    /// A fragment of a datagram that was not whole yet, where datagrams are put together. Those that
    /// become whole count with their last fragment.
    FragmentHeld => "fragment_held",
    /// A tunnel in which no packet was found, where only what is inside has flows.
    TunnelContent => "tunnel_content",
    /// The headers are sound, but the extractor found no key.
    NoKey => "no_key",
}

/// Packets refused, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefusalCounts([u64; Refusal::ALL.len()]);

impl RefusalCounts {
    /// Counts one packet.
    pub fn count(&mut self, refusal: Refusal) {
        self.add(refusal, 1);
    }

    /// Counts `packets`.
    pub fn add(&mut self, refusal: Refusal, packets: u64) {
        if let Some(counter) = self.0.get_mut(refusal as usize) {
            *counter += packets;
        }
    }

    /// Packets of all reasons.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Each reason with its packets, also where there are none.
    pub fn iter(&self) -> impl Iterator<Item = (Refusal, u64)> + '_ {
        Refusal::ALL.iter().copied().zip(self.0)
    }
}

impl AddAssign for RefusalCounts {
    fn add_assign(&mut self, other: Self) {
        for (refusal, packets) in other.iter() {
            self.add(refusal, packets);
        }
    }
}
