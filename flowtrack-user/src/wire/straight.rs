//! The straight path: the headers of most frames, at the places where most frames have them.
//!
//! It leads to what [`packets()`](super::packets()) finds, without its detours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use flowtrack_common::{Envelope, Frame, L4Proto, LinkType, TcpInfo, VlanStack};

use super::{
    Layer, Packet, Ports, Transport,
    ip::{self, Version},
    link, transport, tunnel,
};

const TCP: u8 = L4Proto::Tcp.number();
const UDP: u8 = L4Proto::Udp.number();

/// The headers of a plain packet: one of TCP or UDP, whole and sound, not the outside of a tunnel, in
/// Ethernet with at most one VLAN tag, over IP without options and extension headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain<A> {
    /// Source and destination address.
    pub(crate) addresses: [A; 2],
    /// TCP or UDP.
    pub(crate) l4: L4Proto,
    /// Source and destination port.
    pub(crate) ports: Ports,
    /// The TCP header.
    pub(crate) tcp: Option<TcpInfo>,
    /// Bytes of payload.
    pub(crate) payload_len: u32,
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

/// Somebody who wants the headers of a plain packet. There is code for each kind of address, and for
/// TCP and UDP: were they brought together, they would go through memory once more.
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
    let plain = |l4, ports, tcp, payload_len| Plain {
        addresses: header.addresses,
        l4,
        ports,
        tcp,
        payload_len,
        ip_len: header.ip_len,
        ttl: header.ttl,
        truncated: !header.payload.is_whole(),
        vlans,
    };
    match header.l4 {
        TCP => {
            let (ports, info) = transport::plain_tcp(header.payload)?;
            Some(reader.read(&plain(L4Proto::Tcp, ports, Some(info), info.payload_len)))
        }
        UDP => {
            let (ports, payload_len) = transport::plain_udp(header.payload)?;
            let is_plain = !tunnel::has_udp_port(ports);
            is_plain.then(|| reader.read(&plain(L4Proto::Udp, ports, None, payload_len)))
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
        let &Plain {
            ports, payload_len, ..
        } = packet;
        let [src, dst] = packet.addresses.map(A::ip);
        Packet {
            src,
            dst,
            l4: packet.l4,
            ip_len: packet.ip_len,
            ttl: packet.ttl,
            transport: match packet.tcp {
                Some(info) => Transport::Tcp { ports, info },
                None => Transport::Datagram { ports, payload_len },
            },
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
