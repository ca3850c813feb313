//! IPv4 (RFC 791).

use std::net::Ipv4Addr;

use flowtrack_common::{Envelope, L4Proto};

use super::{Layer, Packet, Refusal, Transport, transport};

/// Without options.
const HEADER_LEN: usize = 20;
/// Fragment offset, in units of eight bytes.
const FRAGMENT_OFFSET: u16 = 0x1fff;

pub(super) fn parse(layer: Layer<'_>) -> Result<Packet, Refusal> {
    let header: &[u8; HEADER_LEN] = layer.header().ok_or(Refusal::IpTruncated)?;
    if header[0] >> 4 != 4 {
        return Err(Refusal::IpVersion);
    }
    let header_len = usize::from(header[0] & 0x0f) * 4;
    if header_len < HEADER_LEN {
        return Err(Refusal::IpHeaderLength);
    }
    let total_len = match u16::from_be_bytes([header[2], header[3]]) {
        // Segmentation offload: the packet is longer than the field can say.
        0 => layer.wire_len,
        len => usize::from(len),
    };
    if total_len < header_len || total_len > layer.wire_len {
        return Err(Refusal::IpLength);
    }
    let packet = layer.limited(total_len);
    let payload = packet.after(header_len).ok_or(Refusal::IpTruncated)?;

    let l4 = L4Proto::from_number(header[9]);
    let fragment_offset = u16::from_be_bytes([header[6], header[7]]) & FRAGMENT_OFFSET;
    let transport = if fragment_offset == 0 {
        transport(l4, payload)?
    } else {
        Transport::Fragment {
            payload_len: payload.len(),
        }
    };
    Ok(Packet {
        src: Ipv4Addr::new(header[12], header[13], header[14], header[15]).into(),
        dst: Ipv4Addr::new(header[16], header[17], header[18], header[19]).into(),
        l4,
        ip_len: packet.len(),
        ttl: header[8],
        transport,
        truncated: layer.bytes.len() < layer.wire_len,
        envelope: Envelope::default(),
        fragment: None,
        quoted: None,
    })
}
