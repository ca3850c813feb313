//! IPv6 (RFC 8200).

use std::net::Ipv6Addr;

use flowtrack_common::L4Proto;

use super::{
    Fragment, Header, Layer, Refusal,
    extension::{self, HOP_BY_HOP, Next},
};
use crate::wire::straight;

pub(super) const HEADER_LEN: usize = 40;
/// What the length field can say.
const MAX_PAYLOAD: usize = 0xffff;
/// The hop-by-hop option of a jumbogram (RFC 2675).
const JUMBO_PAYLOAD: u8 = 0xc2;

#[inline]
pub(super) fn parse(layer: Layer<'_>) -> Result<Header<'_>, Refusal> {
    let header: &[u8; HEADER_LEN] = layer.header().ok_or(Refusal::IpTruncated)?;
    if header[0] >> 4 != 6 {
        return Err(Refusal::IpVersion);
    }
    let total_len = match payload_len(header) {
        0 => long(header[6], layer)?,
        len => HEADER_LEN + usize::from(len),
    };
    if total_len > layer.wire_len {
        return Err(Refusal::IpLength);
    }
    let packet = layer.limited(total_len);
    let payload = packet.after(HEADER_LEN).ok_or(Refusal::IpTruncated)?;
    let chain = extension::walk(header[6], payload)?;
    let fragment = chain.fragment.map(|part| Fragment {
        id: part.id,
        offset: part.offset,
        len: part.payload.len(),
        more: part.more,
        header_at: packet.position(),
        header_len: part.payload.position().saturating_sub(packet.position()),
    });
    let [src, dst] = addresses(header).ok_or(Refusal::IpTruncated)?;
    Ok(Header {
        src: src.into(),
        dst: dst.into(),
        l4: chain.l4,
        ttl: header[7],
        ip_len: packet.len(),
        fragment,
        headless: chain.headless,
        payload: chain.payload,
    })
}

/// The header, if no extension header follows that would say more.
#[inline]
pub(in super::super) fn plain(layer: Layer<'_>) -> Option<straight::Header<'_, u128>> {
    let header: &[u8; HEADER_LEN] = layer.header()?;
    let payload_len = payload_len(header);
    let total_len = HEADER_LEN + usize::from(payload_len);
    if header[0] >> 4 != 6 || payload_len == 0 || total_len > layer.wire_len {
        return None;
    }
    let packet = layer.limited(total_len);
    Some(straight::Header {
        addresses: addresses(header)?.map(Ipv6Addr::to_bits),
        l4: header[6],
        ttl: header[7],
        ip_len: packet.len(),
        payload: packet.after(HEADER_LEN)?,
    })
}

/// Bytes behind the header; 0 if there are more than the field can say, or none.
const fn payload_len(header: &[u8; HEADER_LEN]) -> u16 {
    u16::from_be_bytes([header[4], header[5]])
}

/// Source and destination.
pub(super) fn addresses(header: &[u8; HEADER_LEN]) -> Option<[Ipv6Addr; 2]> {
    let (addresses, _) = header[8..].as_chunks::<16>();
    let &[src, dst] = addresses else {
        return None;
    };
    Some([src.into(), dst.into()])
}

/// Length of a packet whose length field is 0: it is longer than the field can say, as a jumbogram or
/// by segmentation offload, or it has no payload.
#[cold]
fn long(next_header: u8, layer: Layer<'_>) -> Result<usize, Refusal> {
    if next_header == HOP_BY_HOP {
        let payload = layer.after(HEADER_LEN).ok_or(Refusal::IpTruncated)?;
        return jumbo_payload(payload)
            .and_then(|len| usize::try_from(len).ok())
            .filter(|&len| len > MAX_PAYLOAD)
            .and_then(|len| len.checked_add(HEADER_LEN))
            .ok_or(Refusal::IpLength);
    }
    let offloaded = layer.wire_len > HEADER_LEN + MAX_PAYLOAD;
    if offloaded || next_header == L4Proto::Tcp.number() {
        Ok(layer.wire_len)
    } else {
        Ok(HEADER_LEN)
    }
}

/// The payload length that the hop-by-hop options at the start of `layer` say.
fn jumbo_payload(layer: Layer<'_>) -> Option<u32> {
    let Next::Extension(options, _) = extension::next(HOP_BY_HOP, layer) else {
        return None;
    };
    let value = extension::option(options, JUMBO_PAYLOAD)?;
    Some(u32::from_be_bytes(value.try_into().ok()?))
}
