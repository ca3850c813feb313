//! Frames for tests, built from the inside out: `ethernet(&[IPV4], &ipv4(TCP, &tcp(...)))`.
//!
//! Checksums are 0: nothing here looks at them.

use flowtrack_common::{Frame, LinkType, Timestamp};

pub(crate) const IPV4: u16 = 0x0800;
pub(crate) const IPV6: u16 = 0x86dd;
pub(crate) const ARP: u16 = 0x0806;
pub(crate) const VLAN: u16 = 0x8100;
pub(crate) const SERVICE_VLAN: u16 = 0x88a8;
pub(crate) const OLD_QINQ: u16 = 0x9100;

pub(crate) const HOP_BY_HOP: u8 = 0;
pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const ROUTING: u8 = 43;
pub(crate) const FRAGMENT: u8 = 44;
pub(crate) const GRE: u8 = 47;
pub(crate) const AUTHENTICATION: u8 = 51;
pub(crate) const ICMPV6: u8 = 58;
pub(crate) const NO_NEXT_HEADER: u8 = 59;
pub(crate) const DESTINATION: u8 = 60;
pub(crate) const SCTP: u8 = 132;
pub(crate) const MOBILITY: u8 = 135;
pub(crate) const HIP: u8 = 139;
pub(crate) const SHIM6: u8 = 140;

/// Bytes that were captured whole, from an Ethernet interface.
pub(crate) fn frame(bytes: &[u8]) -> Frame<'_> {
    Frame {
        bytes,
        wire_len: u32::try_from(bytes.len()).unwrap(),
        link: LinkType::ETHERNET,
        ts: Timestamp::EPOCH,
    }
}

fn length(payload: usize) -> [u8; 2] {
    u16::try_from(payload).unwrap().to_be_bytes()
}

/// An Ethernet frame. All `types` but the last are those of VLAN tags.
pub(crate) fn ethernet(types: &[u16], payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x02; 12];
    for (number, ethertype) in types.iter().enumerate() {
        if number > 0 {
            // VLAN 100 with priority 3
            frame.extend(0x6064_u16.to_be_bytes());
        }
        frame.extend(ethertype.to_be_bytes());
    }
    frame.extend(payload);
    frame
}

/// An IPv4 packet from 10.0.0.1 to 10.0.0.2 with a time to live of 64.
pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_with(&[], 0, protocol, payload)
}

/// The same with options, and with flags and fragment offset.
pub(crate) fn ipv4_with(options: &[u8], fragment: u16, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let header_len = 20 + options.len();
    let mut packet = vec![0x40 | u8::try_from(header_len / 4).unwrap(), 0];
    packet.extend(length(header_len + payload.len()));
    packet.extend([0x12, 0x34]);
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(options);
    packet.extend(payload);
    packet
}

/// An IPv6 packet from 2001:db8::1 to 2001:db8::2 with a hop limit of 63.
pub(crate) fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(length(payload.len()));
    packet.extend([next_header, 63]);
    for last in [1, 2] {
        packet.extend([
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last,
        ]);
    }
    packet.extend(payload);
    packet
}

/// An IPv6 extension header of `len` bytes, of the kinds that count in units of eight.
pub(crate) fn extension(next_header: u8, len: usize, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0; len];
    header[0] = next_header;
    header[1] = u8::try_from(len / 8 - 1).unwrap();
    header.extend(payload);
    header
}

/// An authentication header of `len` bytes.
pub(crate) fn authentication(next_header: u8, len: usize, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0; len];
    header[0] = next_header;
    header[1] = u8::try_from(len / 4 - 2).unwrap();
    header.extend(payload);
    header
}

/// An IPv6 fragment header; `offset` in units of eight bytes.
pub(crate) fn fragment(next_header: u8, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![next_header, 0];
    header.extend((offset << 3 | u16::from(more)).to_be_bytes());
    header.extend([0, 0, 0, 7]);
    header.extend(payload);
    header
}

/// A TCP segment: sequence number 0x01020304, acknowledgment 0x05060708, window 512.
pub(crate) fn tcp(src: u16, dst: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = ports(src, dst);
    segment.extend([1, 2, 3, 4, 5, 6, 7, 8, 0x50, flags, 2, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

/// A UDP datagram.
pub(crate) fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = ports(src, dst);
    datagram.extend(length(8 + payload.len()));
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

/// An ICMP or ICMPv6 message with code 0.
pub(crate) fn icmp(kind: u8, id: u16, payload: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0];
    message.extend(id.to_be_bytes());
    message.extend([0, 1]);
    message.extend(payload);
    message
}

/// An SCTP packet with `payload` as its chunks.
pub(crate) fn sctp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = ports(src, dst);
    packet.extend([0; 8]);
    packet.extend(payload);
    packet
}

fn ports(src: u16, dst: u16) -> Vec<u8> {
    [src.to_be_bytes(), dst.to_be_bytes()].concat()
}
