//! IPv4 (RFC 791).

use std::net::Ipv4Addr;

use flowtrack_common::L4Proto;

use super::{Fragment, Header, Layer, Refusal};
use crate::wire::straight;

/// Without options.
pub(super) const HEADER_LEN: usize = 20;
/// Fragment offset, in units of eight bytes.
const FRAGMENT_OFFSET: u16 = 0x1fff;
const MORE_FRAGMENTS: u16 = 0x2000;
/// Version 4, and a header without options.
const PLAIN: u8 = 0x45;

#[inline]
pub(super) fn parse(layer: Layer<'_>) -> Result<Header<'_>, Refusal> {
    let header: &[u8; HEADER_LEN] = layer.header().ok_or(Refusal::IpTruncated)?;
    let header_len = header_len(header)?;
    let total_len = match total_len(header) {
        // Segmentation offload: the packet is longer than the field can say.
        0 => layer.wire_len,
        len => usize::from(len),
    };
    if total_len < header_len || total_len > layer.wire_len {
        return Err(Refusal::IpLength);
    }
    let packet = layer.limited(total_len);
    let payload = packet.after(header_len).ok_or(Refusal::IpTruncated)?;
    let fragment = fragment(header, layer, payload);
    let [src, dst] = addresses(header);
    Ok(Header {
        src: src.into(),
        dst: dst.into(),
        l4: L4Proto::from_number(header[9]),
        ttl: header[8],
        ip_len: packet.len(),
        fragment,
        headless: fragment.is_some_and(|fragment| fragment.offset > 0),
        payload,
    })
}

/// The header, if it has no options and the packet is no fragment.
#[inline]
pub(in super::super) fn plain(layer: Layer<'_>) -> Option<straight::Header<'_, u32>> {
    let header: &[u8; HEADER_LEN] = layer.header()?;
    let total_len = usize::from(total_len(header));
    if header[0] != PLAIN || is_fragment(header) || total_len > layer.wire_len {
        return None;
    }
    let packet = layer.limited(total_len);
    Some(straight::Header {
        addresses: addresses(header).map(Ipv4Addr::to_bits),
        l4: header[9],
        ttl: header[8],
        ip_len: packet.len(),
        payload: packet.after(HEADER_LEN)?,
    })
}

/// Bytes of the packet; 0 if there are more than the field can say.
const fn total_len(header: &[u8; HEADER_LEN]) -> u16 {
    u16::from_be_bytes([header[2], header[3]])
}

const fn fragment_field(header: &[u8; HEADER_LEN]) -> u16 {
    u16::from_be_bytes([header[6], header[7]])
}

const fn is_fragment(header: &[u8; HEADER_LEN]) -> bool {
    fragment_field(header) & (FRAGMENT_OFFSET | MORE_FRAGMENTS) != 0
}

/// Bytes of the header, options included.
pub(super) fn header_len(header: &[u8; HEADER_LEN]) -> Result<usize, Refusal> {
    if header[0] >> 4 != 4 {
        return Err(Refusal::IpVersion);
    }
    match usize::from(header[0] & 0x0f) * 4 {
        ..HEADER_LEN => Err(Refusal::IpHeaderLength),
        len => Ok(len),
    }
}

/// Source and destination.
pub(super) const fn addresses(header: &[u8; HEADER_LEN]) -> [Ipv4Addr; 2] {
    [
        Ipv4Addr::new(header[12], header[13], header[14], header[15]),
        Ipv4Addr::new(header[16], header[17], header[18], header[19]),
    ]
}

fn fragment(header: &[u8; HEADER_LEN], packet: Layer<'_>, payload: Layer<'_>) -> Option<Fragment> {
    if !is_fragment(header) {
        return None;
    }
    let field = fragment_field(header);
    Some(Fragment {
        id: u16::from_be_bytes([header[4], header[5]]).into(),
        offset: u32::from(field & FRAGMENT_OFFSET) * 8,
        len: payload.len(),
        more: field & MORE_FRAGMENTS != 0,
        header_at: packet.position(),
        header_len: payload.position().saturating_sub(packet.position()),
    })
}
