//! What libpcap puts in the place of a link layer: on the pseudo-interface `any` of Linux (LINKTYPE_LINUX_SLL
//! and LINKTYPE_LINUX_SLL2), and on loopback interfaces (LINKTYPE_NULL and LINKTYPE_LOOP).

use super::{Layer, Protocol, Refusal};

/// Packet type, address and, last, the EtherType.
const SLL_LEN: usize = 16;
/// The EtherType, first, interface, packet type and address.
const SLL2_LEN: usize = 20;
/// An address family.
const FAMILY_LEN: usize = 4;

pub(super) fn parse_sll(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    let (header, payload) = layer.split::<SLL_LEN>().ok_or(Refusal::LinkTruncated)?;
    let number = u16::from_be_bytes([header[14], header[15]]);
    Ok((Protocol::EtherType(number), payload))
}

pub(super) fn parse_sll2(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    let (header, payload) = layer.split::<SLL2_LEN>().ok_or(Refusal::LinkTruncated)?;
    let number = u16::from_be_bytes([header[0], header[1]]);
    Ok((Protocol::EtherType(number), payload))
}

/// The number of a family differs from system to system, and its byte order from host to host. The
/// version of the IP packet says the same.
pub(super) fn parse_family(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    let payload = layer.after(FAMILY_LEN).ok_or(Refusal::LinkTruncated)?;
    Ok((Protocol::Ip, payload))
}
