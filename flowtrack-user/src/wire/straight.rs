//! The straight path: the headers of most frames, at the places where most frames have them.
//!
//! It leads to what [`packets()`](super::packets()) finds, without its detours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use flowtrack_common::{Envelope, Frame, L4Proto, LinkType, VlanStack};

use super::{
    Layer, Packet, Transport,
    ip::{self, Version},
    link, transport, tunnel,
};

const TCP: u8 = L4Proto::Tcp.number();
const UDP: u8 = L4Proto::Udp.number();
const ICMP: u8 = L4Proto::Icmp.number();
const ICMP_V6: u8 = L4Proto::IcmpV6.number();

/// The headers of a plain packet: one of TCP, UDP or ICMP, whole and sound, not an error and not the
/// outside of a tunnel, in Ethernet with at most one VLAN tag, over IP without options and extension
/// headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain<A> {
    /// Source and destination address.
    pub(crate) addresses: [A; 2],
    /// Transport protocol.
    pub(crate) l4: L4Proto,
    /// What the transport header says.
    pub(crate) transport: Transport,
    /// Bytes of the IP packet by its length field.
    pub(crate) ip_len: u32,
    /// Time to live or hop limit.
    pub(crate) ttl: u8,
    /// The frame was cut by the snap length of the capture.
    pub(crate) truncated: bool,
    /// VLAN tag.
    pub(crate) vlans: VlanStack,
}

/// An IP address as the number that it is.
pub(crate) trait Address: Copy + Ord {
    fn ip(self) -> IpAddr;
}

impl Address for u32 {
    #[inline]
    fn ip(self) -> IpAddr {
        Ipv4Addr::from_bits(self).into()
    }
}

impl Address for u128 {
    #[inline]
    fn ip(self) -> IpAddr {
        Ipv6Addr::from_bits(self).into()
    }
}

/// Somebody who wants the headers of a plain packet. There is code for each kind of address and
/// transport header: were they brought together, they would go through memory once more.
pub(crate) trait Reader {
    /// What is made of them.
    type Output;

    /// Takes the headers.
    fn read<A: Address>(self, packet: &Plain<A>) -> Self::Output;
}

/// An IP header without options and extension headers, of a packet that is no fragment.
pub(super) struct Header<'a, A> {
    pub(super) addresses: [A; 2],
    /// Number of the transport protocol.
    pub(super) l4: u8,
    pub(super) ttl: u8,
    pub(super) ip_len: u32,
    /// What is behind the header, without padding.
    pub(super) payload: Layer<'a>,
}

/// Gives `reader` the only packet of `frame`, if that is plain. `None` says nothing about the frame.
#[expect(
    clippy::inline_always,
    reason = "what is read goes into registers; by a call it would go through memory"
)]
#[inline(always)]
pub(crate) fn straight<R: Reader>(frame: &Frame<'_>, reader: R) -> Option<R::Output> {
    if frame.link != LinkType::ETHERNET {
        return None;
    }
    let found = link::find_plain(Layer::of(frame))?;
    match found.version {
        Version::V4 => read(&ip::plain_v4(found.layer)?, found.vlans, reader),
        Version::V6 => read(&ip::plain_v6(found.layer)?, found.vlans, reader),
    }
}

/// The same for the packet behind an IP header.
#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
fn read<A: Address, R: Reader>(
    header: &Header<'_, A>,
    vlans: VlanStack,
    reader: R,
) -> Option<R::Output> {
    let plain = |l4, transport| Plain {
        addresses: header.addresses,
        l4,
        transport,
        ip_len: header.ip_len,
        ttl: header.ttl,
        truncated: !header.payload.is_whole(),
        vlans,
    };
    match header.l4 {
        TCP => {
            let transport = transport::plain_tcp(header.payload)?;
            Some(reader.read(&plain(L4Proto::Tcp, transport)))
        }
        UDP => {
            let (ports, payload_len) = transport::plain_udp(header.payload)?;
            if tunnel::has_udp_port(ports) {
                return None;
            }
            let transport = Transport::Datagram { ports, payload_len };
            Some(reader.read(&plain(L4Proto::Udp, transport)))
        }
        ICMP | ICMP_V6 => {
            let l4 = L4Proto::from_number(header.l4);
            let transport = transport::plain_icmp(l4, header.payload)?;
            Some(reader.read(&plain(l4, transport)))
        }
        _ => None,
    }
}

/// The plain packet of `frame`, as [`packets()`](super::packets()) has it.
#[inline]
pub(super) fn packet(frame: &Frame<'_>) -> Option<Packet> {
    straight(frame, ToPacket)
}

struct ToPacket;

impl Reader for ToPacket {
    type Output = Packet;

    #[inline]
    fn read<A: Address>(self, packet: &Plain<A>) -> Packet {
        let [src, dst] = packet.addresses.map(A::ip);
        Packet {
            src,
            dst,
            l4: packet.l4,
            ip_len: packet.ip_len,
            ttl: packet.ttl,
            transport: packet.transport,
            truncated: packet.truncated,
            envelope: Envelope {
                vlans: packet.vlans,
                ..Envelope::default()
            },
            fragment: None,
            quoted: None,
        }
    }
}
