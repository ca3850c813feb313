//! PPP (RFC 1661), bare or in HDLC-like framing (RFC 1662).

use super::{Layer, Protocol, Refusal, ethertype};

const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
const MPLS: u16 = 0x0281;
/// Address and control field of a frame in HDLC-like framing.
const ALL_STATIONS: [u8; 2] = [0xff, 0x03];

/// A PPP frame, with or without address and control field.
pub(super) fn parse(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
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
    let number = match protocol {
        IPV4 => ethertype::IPV4,
        IPV6 => ethertype::IPV6,
        MPLS => ethertype::MPLS,
        // Control protocols.
        _ => return Err(Refusal::NotIp),
    };
    Ok((Protocol::EtherType(number), payload))
}
