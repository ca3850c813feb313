//! IPv6 and its extension headers (RFC 8200).

use std::net::Ipv6Addr;

use flowtrack_common::{Envelope, L4Proto};

use super::{Layer, Packet, Refusal, Transport, transport};

const HEADER_LEN: usize = 40;
/// The smallest extension header, and the size of the fragment header.
const EXTENSION_LEN: usize = 8;
/// Extension headers that are followed; RFC 8200 knows six kinds, each at most once or twice.
const MAX_EXTENSIONS: usize = 10;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;

pub(super) fn parse(layer: Layer<'_>) -> Result<Packet, Refusal> {
    let header: &[u8; HEADER_LEN] = layer.header().ok_or(Refusal::IpTruncated)?;
    if header[0] >> 4 != 6 {
        return Err(Refusal::IpVersion);
    }
    let total_len = match u16::from_be_bytes([header[4], header[5]]) {
        // A jumbogram (RFC 2675), or segmentation offload.
        0 if header[6] == HOP_BY_HOP || header[6] == L4Proto::Tcp.number() => layer.wire_len,
        len => HEADER_LEN + usize::from(len),
    };
    if total_len > layer.wire_len {
        return Err(Refusal::IpLength);
    }
    let packet = layer.limited(total_len);
    let payload = packet.after(HEADER_LEN).ok_or(Refusal::IpTruncated)?;
    let (l4, transport) = follow(header[6], payload)?;
    let (addresses, _) = header[8..].as_chunks::<16>();
    let &[src, dst] = addresses else {
        return Err(Refusal::IpTruncated);
    };
    Ok(Packet {
        src: Ipv6Addr::from(src).into(),
        dst: Ipv6Addr::from(dst).into(),
        l4,
        ip_len: packet.len(),
        ttl: header[7],
        transport,
        truncated: layer.bytes.len() < layer.wire_len,
        envelope: Envelope::default(),
        fragment: None,
        quoted: None,
    })
}

/// Walks the extension headers from `next_header` on to the transport header.
fn follow(mut next_header: u8, mut layer: Layer<'_>) -> Result<(L4Proto, Transport), Refusal> {
    for _ in 0..=MAX_EXTENSIONS {
        let len = match next_header {
            HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HIP | SHIM6 => {
                (usize::from(extension(layer)?[1]) + 1) * 8
            }
            AUTHENTICATION => (usize::from(extension(layer)?[1]) + 2) * 4,
            FRAGMENT => {
                let header = extension(layer)?;
                if u16::from_be_bytes([header[2], header[3]]) >> 3 != 0 {
                    let rest = layer
                        .after(EXTENSION_LEN)
                        .ok_or(Refusal::Ipv6ExtensionTruncated)?;
                    let fragment = Transport::Fragment {
                        payload_len: rest.len(),
                    };
                    return Ok((L4Proto::from_number(header[0]), fragment));
                }
                EXTENSION_LEN
            }
            number => {
                let l4 = L4Proto::from_number(number);
                return Ok((l4, transport(l4, layer)?));
            }
        };
        next_header = extension(layer)?[0];
        layer = layer.after(len).ok_or(Refusal::Ipv6ExtensionTruncated)?;
    }
    Err(Refusal::Ipv6ExtensionDepth)
}

fn extension(layer: Layer<'_>) -> Result<&[u8; EXTENSION_LEN], Refusal> {
    layer.header().ok_or(Refusal::Ipv6ExtensionTruncated)
}
