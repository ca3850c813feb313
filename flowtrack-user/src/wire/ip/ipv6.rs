//! IPv6 and its extension headers (RFC 8200).

use std::net::Ipv6Addr;

use flowtrack_common::L4Proto;

use super::{Fragment, Header, Layer, Refusal};

pub(in super::super) const HEADER_LEN: usize = 40;
/// The smallest extension header, and the size of the fragment header.
const EXTENSION_LEN: usize = 8;
/// Extension headers that are followed. RFC 8200 knows six kinds, each at most once or twice, but a
/// packet may have more to hide what is behind them.
const MAX_EXTENSIONS: usize = 64;

/// What the length field can say.
const MAX_LEN: usize = 0xffff;
/// Hop-by-hop options.
const JUMBO_PAYLOAD: u8 = 0xc2;
const PAD_1: u8 = 0;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;

/// Where a chain of extension headers ends.
pub(super) struct Chain<'a> {
    pub(super) l4: L4Proto,
    /// What is behind the chain.
    pub(super) payload: Layer<'a>,
    /// The fragment header, if it is a fragment, and what is behind that header.
    fragment: Option<(&'a [u8; EXTENSION_LEN], Layer<'a>)>,
    /// It is a fragment in which the chain does not end.
    pub(super) headless: bool,
}

#[inline]
pub(super) fn parse(layer: Layer<'_>) -> Result<Header<'_>, Refusal> {
    let header: &[u8; HEADER_LEN] = layer.header().ok_or(Refusal::IpTruncated)?;
    if header[0] >> 4 != 6 {
        return Err(Refusal::IpVersion);
    }
    let total_len = match u16::from_be_bytes([header[4], header[5]]) {
        0 => long(header[6], layer)?,
        len => HEADER_LEN + usize::from(len),
    };
    if total_len > layer.wire_len {
        return Err(Refusal::IpLength);
    }
    let packet = layer.limited(total_len);
    let payload = packet.after(HEADER_LEN).ok_or(Refusal::IpTruncated)?;
    let chain = walk(header[6], payload)?;
    let fragment = chain.fragment.map(|(header, payload)| Fragment {
        id: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        offset: offset(header),
        len: payload.len(),
        more: header[3] & 1 == 1,
        header_at: packet.position(),
        header_len: payload.position().saturating_sub(packet.position()),
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

/// Length of a packet whose length field is 0: it is longer than the field can say, as a jumbogram
/// (RFC 2675) or by segmentation offload, or it has no payload.
#[cold]
fn long(next_header: u8, layer: Layer<'_>) -> Result<usize, Refusal> {
    if next_header == HOP_BY_HOP {
        let payload = layer.after(HEADER_LEN).ok_or(Refusal::IpTruncated)?;
        let len = jumbo_payload(payload).ok_or(Refusal::IpLength)?;
        return usize::try_from(len)
            .ok()
            .filter(|&len| len > MAX_LEN)
            .and_then(|len| len.checked_add(HEADER_LEN))
            .ok_or(Refusal::IpLength);
    }
    let offloaded = layer.wire_len > HEADER_LEN + MAX_LEN;
    if offloaded || next_header == L4Proto::Tcp.number() {
        Ok(layer.wire_len)
    } else {
        Ok(HEADER_LEN)
    }
}

/// The payload length in the jumbo payload option of the hop-by-hop options at the start of `layer`.
fn jumbo_payload(layer: Layer<'_>) -> Option<u32> {
    let &[_, units] = layer.header()?;
    let mut options = layer.bytes.get(2..(usize::from(units) + 1) * 8)?;
    loop {
        match *options {
            [JUMBO_PAYLOAD, 4, a, b, c, d, ..] => return Some(u32::from_be_bytes([a, b, c, d])),
            [PAD_1, ref rest @ ..] => options = rest,
            [_, len, ref rest @ ..] => options = rest.get(usize::from(len)..)?,
            _ => return None,
        }
    }
}

/// Source and destination.
pub(super) fn addresses(header: &[u8; HEADER_LEN]) -> Option<[Ipv6Addr; 2]> {
    let (addresses, _) = header[8..].as_chunks::<16>();
    let &[src, dst] = addresses else {
        return None;
    };
    Some([src.into(), dst.into()])
}

/// Bytes of the datagram before a fragment.
fn offset(header: &[u8; EXTENSION_LEN]) -> u32 {
    u32::from(u16::from_be_bytes([header[2], header[3]]) & 0xfff8)
}

/// Walks the extension headers from `next_header` on to the transport header.
#[inline]
pub(super) fn walk(mut next_header: u8, mut layer: Layer<'_>) -> Result<Chain<'_>, Refusal> {
    let mut fragment = None;
    for _ in 0..=MAX_EXTENSIONS {
        let len = match extension_len(next_header, layer) {
            None => {
                return Ok(Chain {
                    l4: L4Proto::from_number(next_header),
                    payload: layer,
                    fragment,
                    headless: false,
                });
            }
            Some(len) => len,
        };
        let next = len.and_then(|len| Some((layer.header::<EXTENSION_LEN>()?, layer.after(len)?)));
        let Some((header, rest)) = next else {
            return cut(fragment);
        };
        if next_header == FRAGMENT && (offset(header) > 0 || header[3] & 1 == 1) {
            fragment = fragment.or(Some((header, rest)));
            if offset(header) > 0 {
                return Ok(Chain {
                    l4: L4Proto::from_number(header[0]),
                    payload: rest,
                    fragment,
                    headless: true,
                });
            }
        }
        (next_header, layer) = (header[0], rest);
    }
    Err(Refusal::Ipv6ExtensionDepth)
}

/// Bytes of the extension header at the start of `layer`, if there are so many; the outer `None`
/// says that it is none.
#[inline]
fn extension_len(next_header: u8, layer: Layer<'_>) -> Option<Option<usize>> {
    let field = || layer.bytes.get(1).map(|&byte| usize::from(byte));
    match next_header {
        HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HIP | SHIM6 => {
            Some(field().map(|units| (units + 1) * 8))
        }
        AUTHENTICATION => Some(field().map(|units| (units + 2) * 4)),
        FRAGMENT => Some(Some(EXTENSION_LEN)),
        _ => None,
    }
}

/// The chain does not end in the packet: it is an error, unless more of it is in the next fragment.
#[cold]
fn cut<'a>(fragment: Option<(&'a [u8; EXTENSION_LEN], Layer<'a>)>) -> Result<Chain<'a>, Refusal> {
    match fragment {
        Some((header, payload)) if payload.is_whole() => Ok(Chain {
            l4: L4Proto::from_number(header[0]),
            payload,
            fragment,
            headless: true,
        }),
        _ => Err(Refusal::Ipv6ExtensionTruncated),
    }
}
