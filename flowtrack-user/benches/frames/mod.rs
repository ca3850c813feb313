//! Frames for measurements: 64 bytes on the wire where their headers fit, each of another flow, and in
//! either direction by chance.

use std::net::{Ipv4Addr, Ipv6Addr};

use flowtrack::common::{Frame, LinkType, Timestamp};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const VXLAN_PORT: u16 = 4789;
/// A frame of 64 bytes without its check sequence.
const MIN_LEN: usize = 60;

/// Makes the frame of a flow, by the number of the flow.
pub(crate) type Maker = fn(u32) -> Vec<u8>;

/// Kinds of frames, by name.
pub(crate) const KINDS: [(&str, Maker); 6] = [
    ("tcp4", tcp4),
    ("udp4", udp4),
    ("tcp6", tcp6),
    ("vlan_tcp4", vlan_tcp4),
    ("vxlan_tcp4", vxlan_tcp4),
    ("icmp4", icmp4),
];

/// Frames of the flows 0 to `count`.
pub(crate) fn batch(maker: Maker, count: u32) -> Vec<Vec<u8>> {
    (0..count).map(maker).collect()
}

/// A frame that was captured whole.
pub(crate) fn frame(bytes: &[u8]) -> Frame<'_> {
    Frame {
        bytes,
        wire_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        link: LinkType::ETHERNET,
        ts: Timestamp::new(1_700_000_000, 0),
    }
}

/// TCP over IPv4.
pub(crate) fn tcp4(flow: u32) -> Vec<u8> {
    ethernet(&[], IPV4, &ipv4(flow, TCP, &tcp(flow)))
}

/// UDP over IPv4.
pub(crate) fn udp4(flow: u32) -> Vec<u8> {
    ethernet(&[], IPV4, &ipv4(flow, UDP, &udp(ends(flow).1, &[0; 18])))
}

fn tcp6(flow: u32) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 20, TCP, 64];
    let (addresses, _) = ends(flow);
    for address in addresses {
        packet.extend(address.to_ipv6_mapped().octets());
    }
    // Not mapped ones: they would be told apart only at their ends.
    for at in [8, 24] {
        packet[at..at + 12]
            .copy_from_slice(&Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 0).octets()[..12]);
    }
    packet.extend(tcp(flow));
    ethernet(&[], IPV6, &packet)
}

fn vlan_tcp4(flow: u32) -> Vec<u8> {
    ethernet(&[VLAN], IPV4, &ipv4(flow, TCP, &tcp(flow)))
}

fn vxlan_tcp4(flow: u32) -> Vec<u8> {
    let mut payload = vec![0x08, 0, 0, 0, 0, 0, 7, 0];
    payload.extend(tcp4(flow));
    let datagram = udp([49_152, VXLAN_PORT], &payload);
    ethernet(&[], IPV4, &ipv4(flow, UDP, &datagram))
}

fn icmp4(flow: u32) -> Vec<u8> {
    let [id, _] = ends(flow).1.map(u16::to_be_bytes);
    let message = [8, 0, 0, 0, id[0], id[1], 0, 1];
    ethernet(&[], IPV4, &ipv4(flow, ICMP, &message))
}

/// Addresses and ports of a packet of a flow.
fn ends(flow: u32) -> ([Ipv4Addr; 2], [u16; 2]) {
    let mut addresses = [
        Ipv4Addr::from_bits(0x0a00_0000 | flow),
        Ipv4Addr::new(192, 0, 2, 1),
    ];
    let mut ports = [49_152 + u16::try_from(flow % 16_384).unwrap_or(0), 443];
    // One bit of a multiplicative hash.
    if flow.wrapping_mul(0x9e37_79b1) >> 31 == 1 {
        addresses.reverse();
        ports.reverse();
    }
    (addresses, ports)
}

fn ethernet(tags: &[u16], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x02; 12];
    for tag in tags {
        frame.extend(tag.to_be_bytes());
        frame.extend([0, 100]);
    }
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame.resize(frame.len().max(MIN_LEN), 0);
    frame
}

fn ipv4(flow: u32, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(length(20 + payload.len()));
    packet.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    let (addresses, _) = ends(flow);
    for address in addresses {
        packet.extend(address.octets());
    }
    packet.extend(payload);
    packet
}

/// A segment without payload.
fn tcp(flow: u32) -> Vec<u8> {
    let mut segment = Vec::new();
    for port in ends(flow).1 {
        segment.extend(port.to_be_bytes());
    }
    segment.extend([1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x10, 2, 0, 0, 0, 0, 0]);
    segment
}

fn udp(ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    for port in ports {
        datagram.extend(port.to_be_bytes());
    }
    datagram.extend(length(8 + payload.len()));
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

fn length(len: usize) -> [u8; 2] {
    u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes()
}
