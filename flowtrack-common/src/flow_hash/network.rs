//! Addresses, protocol and ports of an IP packet.

use super::{Flow, Fragment, Packet};

/// More fragments follow (IPv4), or this one is not the first.
const IPV4_IS_FRAGMENT: u16 = 0x3fff;
const IPV4_OFFSET: u16 = 0x1fff;
const IPV6_LEN: usize = 40;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// Extension headers that are followed: the verifier wants a bound.
const MAX_EXTENSIONS: usize = 4;

/// That of the IP packet at `offset`.
#[inline(always)]
pub(super) fn flow(packet: &impl Packet, offset: usize) -> Option<Flow> {
    let [first] = packet.load(offset)?;
    match first >> 4 {
        4 => ipv4(packet, offset, first),
        6 => ipv6(packet, offset),
        _ => None,
    }
}

#[inline(always)]
fn ipv4(packet: &impl Packet, offset: usize, first: u8) -> Option<Flow> {
    let protocol = byte(packet, offset + 9)?;
    let source = u32::from_be_bytes(packet.load(offset + 12)?);
    let destination = u32::from_be_bytes(packet.load(offset + 16)?);
    let place = u16::from_be_bytes(packet.load(offset + 6)?);
    let fragment = if place & IPV4_IS_FRAGMENT == 0 {
        None
    } else {
        let identification = u16::from_be_bytes(packet.load(offset + 4)?);
        Some(Fragment {
            identification: identification.into(),
            is_first: place & IPV4_OFFSET == 0,
        })
    };
    let header_len = usize::from(first & 0xf) * 4;
    Some(Flow {
        addresses: [[0, source.into()], [0, destination.into()]],
        ports: ports(packet, offset + header_len, protocol, fragment),
        protocol,
        fragment,
    })
}

#[inline(always)]
fn ipv6(packet: &impl Packet, offset: usize) -> Option<Flow> {
    let source = address(packet, offset + 8)?;
    let destination = address(packet, offset + 24)?;
    let mut protocol = byte(packet, offset + 6)?;
    let mut fragment = None;
    let mut next = offset + IPV6_LEN;
    for _ in 0..MAX_EXTENSIONS {
        match protocol {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => {
                let [following, len]: [u8; 2] = packet.load(next)?;
                protocol = following;
                next += (usize::from(len) + 1) * 8;
            }
            AUTHENTICATION => {
                let [following, len]: [u8; 2] = packet.load(next)?;
                protocol = following;
                next += (usize::from(len) + 2) * 4;
            }
            FRAGMENT => {
                // At once: the verifier does not see that one check covers several fields.
                let [following, _, p0, p1, i0, i1, i2, i3] = packet.load(next)?;
                let place = u16::from_be_bytes([p0, p1]);
                let here = Fragment {
                    identification: u32::from_be_bytes([i0, i1, i2, i3]),
                    is_first: place >> 3 == 0,
                };
                // The whole datagram in one fragment is none (RFC 6946).
                if place >> 3 != 0 || place & 1 != 0 {
                    fragment = Some(here);
                }
                protocol = following;
                next += 8;
                // What stands behind it in a later fragment is no header.
                if !here.is_first {
                    break;
                }
            }
            _ => break,
        }
    }
    Some(Flow {
        addresses: [source, destination],
        ports: ports(packet, next, protocol, fragment),
        protocol,
        fragment,
    })
}

/// The ports, where the protocol has some and the packet has them.
#[inline(always)]
fn ports(
    packet: &impl Packet,
    offset: usize,
    protocol: u8,
    fragment: Option<Fragment>,
) -> [u16; 2] {
    if !matches!(protocol, TCP | UDP | SCTP) || fragment.is_some_and(|place| !place.is_first) {
        return [0; 2];
    }
    let Some([s0, s1, d0, d1]) = packet.load(offset) else {
        return [0; 2];
    };
    [u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])]
}

#[inline(always)]
fn address(packet: &impl Packet, offset: usize) -> Option<[u64; 2]> {
    let high = u64::from_be_bytes(packet.load(offset)?);
    let low = u64::from_be_bytes(packet.load(offset + 8)?);
    Some([high, low])
}

#[inline(always)]
fn byte(packet: &impl Packet, offset: usize) -> Option<u8> {
    let [byte] = packet.load(offset)?;
    Some(byte)
}
