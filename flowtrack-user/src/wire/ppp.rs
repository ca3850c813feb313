//! PPP (RFC 1661), in HDLC-like framing (RFC 1662) and over Ethernet (RFC 2516).

use super::{Layer, Packet, Refusal, ipv4, ipv6, mpls};

const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
const MPLS: u16 = 0x0281;
/// Address and control field of a frame in HDLC-like framing.
const ALL_STATIONS: [u8; 2] = [0xff, 0x03];
/// Version and type, code, session and length.
const PPPOE_LEN: usize = 6;

/// A PPP frame, with or without address and control field.
pub(super) fn parse(layer: Layer<'_>) -> Result<Packet, Refusal> {
    let framed = layer.bytes.starts_with(&ALL_STATIONS);
    let skip = if framed { ALL_STATIONS.len() } else { 0 };
    let layer = layer.after(skip).ok_or(Refusal::LinkTruncated)?;
    // A protocol below 256 may be sent in one byte, which is odd then.
    let (protocol, len) = match *layer.bytes {
        [short, ..] if short & 1 == 1 => (u16::from(short), 1),
        [high, low, ..] => (u16::from_be_bytes([high, low]), 2),
        _ => return Err(Refusal::LinkTruncated),
    };
    let payload = layer.after(len).ok_or(Refusal::LinkTruncated)?;
    match protocol {
        IPV4 => ipv4::parse(payload),
        IPV6 => ipv6::parse(payload),
        MPLS => mpls::parse(payload),
        // Control protocols.
        _ => Err(Refusal::NotIp),
    }
}

/// A PPPoE session frame.
pub(super) fn parse_pppoe(layer: Layer<'_>) -> Result<Packet, Refusal> {
    let header: &[u8; PPPOE_LEN] = layer.header().ok_or(Refusal::LinkTruncated)?;
    let len = u16::from_be_bytes([header[4], header[5]]);
    let payload = layer.after(PPPOE_LEN).ok_or(Refusal::LinkTruncated)?;
    parse(payload.limited(len.into()))
}
