//! What libpcap puts in the place of a link layer: on the pseudo-interface `any` of Linux (LINKTYPE_LINUX_SLL
//! and LINKTYPE_LINUX_SLL2), and on loopback interfaces (LINKTYPE_NULL and LINKTYPE_LOOP).

use super::{Layer, Packet, Refusal, ethertype, ip};

/// Packet type, address and, last, the EtherType.
const SLL_LEN: usize = 16;
/// The EtherType, first, interface, packet type and address.
const SLL2_LEN: usize = 20;
/// An address family.
const FAMILY_LEN: usize = 4;

pub(super) fn parse_sll(layer: Layer<'_>) -> Result<Packet, Refusal> {
    let header: &[u8; SLL_LEN] = layer.header().ok_or(Refusal::LinkTruncated)?;
    let payload = layer.after(SLL_LEN).ok_or(Refusal::LinkTruncated)?;
    ethertype::parse(u16::from_be_bytes([header[14], header[15]]), payload)
}

pub(super) fn parse_sll2(layer: Layer<'_>) -> Result<Packet, Refusal> {
    let header: &[u8; SLL2_LEN] = layer.header().ok_or(Refusal::LinkTruncated)?;
    let payload = layer.after(SLL2_LEN).ok_or(Refusal::LinkTruncated)?;
    ethertype::parse(u16::from_be_bytes([header[0], header[1]]), payload)
}

/// The number of a family differs from system to system, and its byte order from host to host. The
/// version of the IP packet says the same.
pub(super) fn parse_family(layer: Layer<'_>) -> Result<Packet, Refusal> {
    ip(layer.after(FAMILY_LEN).ok_or(Refusal::LinkTruncated)?)
}
