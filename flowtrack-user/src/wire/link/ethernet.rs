//! Ethernet II, and IEEE 802.3 with a SNAP header (RFC 1042).

use super::{Layer, Protocol, Refusal, ethertype};

/// Destination, source and EtherType.
const HEADER_LEN: usize = 14;
/// A smaller number is the length of an IEEE 802.3 payload.
const MIN_ETHERTYPE: u16 = 0x0600;
/// LLC and SNAP: an EtherType of the organisation 0 follows.
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];
const SNAP_LEN: usize = 8;

#[inline]
pub(super) fn parse(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    let (number, payload) = split(layer).ok_or(Refusal::EthernetTruncated)?;
    announced(number, payload)
}

/// What is behind the addresses, an EtherType or a length, and what is behind the header.
#[inline]
pub(super) fn split(layer: Layer<'_>) -> Option<(u16, Layer<'_>)> {
    let (header, payload) = layer.split::<HEADER_LEN>()?;
    Some((u16::from_be_bytes([header[12], header[13]]), payload))
}

/// What is behind the addresses and all tags: `number` is an EtherType or a length.
#[inline]
pub(super) fn announced(number: u16, payload: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    if number >= MIN_ETHERTYPE {
        return Ok((Protocol::EtherType(number), payload));
    }
    parse_llc(payload)
}

/// The header of IEEE 802.2. Without SNAP it is that of spanning tree and the like.
pub(super) fn parse_llc(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    match layer.split::<SNAP_LEN>() {
        Some((&[snap @ .., high, low], payload)) if snap == SNAP => Ok((
            Protocol::EtherType(u16::from_be_bytes([high, low])),
            payload,
        )),
        _ => Err(Refusal::NotIp),
    }
}

/// Whether `layer` looks like an Ethernet frame where nothing says so: it has an EtherType that is
/// followed.
pub(super) fn is_likely(layer: Layer<'_>) -> bool {
    use ethertype::{IPV4, IPV6, MPLS, OLD_QINQ, PPPOE_SESSION, SERVICE_VLAN, VLAN};
    match parse(layer) {
        Ok((Protocol::EtherType(number), _)) => matches!(
            number,
            IPV4 | IPV6 | VLAN | SERVICE_VLAN | OLD_QINQ | MPLS | PPPOE_SESSION
        ),
        _ => false,
    }
}

/// Source and destination address.
pub(in super::super) fn addresses(layer: Layer<'_>) -> Option<([u8; 6], [u8; 6])> {
    let header: &[u8; HEADER_LEN] = layer.header()?;
    let (&dst, rest) = header.split_first_chunk()?;
    let (&src, _) = rest.split_first_chunk()?;
    Some((src, dst))
}
