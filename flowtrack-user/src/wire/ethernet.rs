//! Ethernet II, and IEEE 802.3 with a SNAP header (RFC 1042).

use super::{Layer, Packet, Refusal, ethertype};

/// Destination, source and EtherType.
const HEADER_LEN: usize = 14;
/// A smaller number is the length of an IEEE 802.3 payload.
const MIN_ETHERTYPE: u16 = 0x0600;
/// LLC and SNAP: an EtherType of the organisation 0 follows.
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];
const SNAP_LEN: usize = 8;

pub(super) fn parse(layer: Layer<'_>) -> Result<Packet, Refusal> {
    let header: &[u8; HEADER_LEN] = layer.header().ok_or(Refusal::EthernetTruncated)?;
    let number = u16::from_be_bytes([header[12], header[13]]);
    let payload = layer.after(HEADER_LEN).ok_or(Refusal::EthernetTruncated)?;
    if number >= MIN_ETHERTYPE {
        return ethertype::parse(number, payload);
    }
    match payload.header::<SNAP_LEN>() {
        Some(&[snap @ .., high, low]) if snap == SNAP => {
            let payload = payload.after(SNAP_LEN).ok_or(Refusal::EthernetTruncated)?;
            ethertype::parse(u16::from_be_bytes([high, low]), payload)
        }
        // Spanning tree and the like.
        _ => Err(Refusal::NotIp),
    }
}
