//! The Internet checksum (RFC 1071) of IPv4 headers, TCP, UDP, ICMP and ICMPv6.
//!
//! It can only be verified where all that it is of was captured.

use std::{net::IpAddr, ops::Range};

use flowtrack_common::L4Proto;

use super::{
    Layer, Ports, Refusal,
    ip::{Header, pseudo},
    transport::udp,
    tunnel,
};

/// The sum of bytes with a valid checksum among them.
const VALID: u16 = 0xffff;
/// Where the checksum of a UDP datagram is; 0 stands for none.
const UDP_CHECKSUM: Range<usize> = 6..8;

/// Verifies the checksums of the packet at the start of `layer`, whose headers are `header`: an error
/// if that of the IPv4 header is wrong, the reason if that of the transport header is.
#[cold]
pub(super) fn verify(layer: Layer<'_>, header: &Header<'_>) -> Result<Option<Refusal>, Refusal> {
    let header_len = header.payload.offset - layer.offset;
    let ip_header = layer.bytes.get(..header_len).unwrap_or_default();
    if header.src.is_ipv4() && sum(0, ip_header) != VALID {
        return Err(Refusal::IpChecksum);
    }
    if header.fragment.is_some() || !header.payload.is_whole() {
        return Ok(None);
    }
    Ok(transport(layer, header))
}

/// Why the transport header is wrong.
fn transport(layer: Layer<'_>, header: &Header<'_>) -> Option<Refusal> {
    let whole = header.payload;
    let (summed, refusal) = match header.l4 {
        L4Proto::Tcp => (whole, Refusal::TcpChecksum),
        L4Proto::Udp if has_no_checksum(header) => return None,
        L4Proto::Udp => (whole.limited(udp_len(whole)?), Refusal::UdpChecksum),
        L4Proto::Icmp | L4Proto::IcmpV6 => (whole, Refusal::IcmpChecksum),
        L4Proto::Sctp | L4Proto::Other(_) => return None,
    };
    let start = match header.l4 {
        L4Proto::Icmp => 0,
        l4 => pseudo_header(pseudo::addresses(layer, header)?, l4, summed.len()),
    };
    (sum(start, summed.bytes) != VALID).then_some(refusal)
}

/// Bytes that a UDP checksum is of: the packet may have more behind them (RFC 9868). Where the length
/// field is of no use, as in a jumbogram, those of the packet.
fn udp_len(payload: Layer<'_>) -> Option<usize> {
    let &[_, _, _, _, high, low, ..] = payload.header::<{ udp::HEADER_LEN }>()?;
    let len = usize::from(u16::from_be_bytes([high, low]));
    let is_sound = (udp::HEADER_LEN..=payload.wire_len).contains(&len);
    Some(if is_sound { len } else { payload.wire_len })
}

/// Whether a UDP datagram does without a checksum. In IPv6 only tunnels may (RFC 6935, section 5, and
/// RFC 6936).
fn has_no_checksum(header: &Header<'_>) -> bool {
    let bytes = header.payload.bytes;
    let ports = || bytes.first_chunk().copied().map(Ports::new);
    bytes.get(UDP_CHECKSUM) == Some(&[0, 0])
        && (header.src.is_ipv4() || ports().is_some_and(tunnel::has_udp_port))
}

/// The sum of addresses, protocol and length (RFC 9293, section 3.1, and RFC 8200, section 8.1).
fn pseudo_header(addresses: [IpAddr; 2], l4: L4Proto, len: u32) -> u32 {
    let addresses = addresses.map(|address| match address {
        IpAddr::V4(address) => u32::from(sum(0, &address.octets())),
        IpAddr::V6(address) => u32::from(sum(0, &address.octets())),
    });
    let number = u32::from(l4.number());
    addresses[0] + addresses[1] + number + (len >> 16) + (len & 0xffff)
}

/// The sum of `start` and 16-bit words, with the carries added to it.
fn sum(start: u32, bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks::<2>();
    let mut sum = words.iter().fold(u64::from(start), |sum, &word| {
        sum + u64::from(u16::from_be_bytes(word))
    });
    if let &[last] = rest {
        sum += u64::from(u16::from_be_bytes([last, 0]));
    }
    while let carry @ 1.. = sum >> 16 {
        sum = (sum & 0xffff) + carry;
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}
