//! Geneve (RFC 8926).

use flowtrack_common::TunnelKind;

use super::{Layer, Payload, Protocol};

/// Version and length of the options, flags, protocol, network identifier and a reserved byte.
const HEADER_LEN: usize = 8;
/// The length of the options, in units of four bytes; the version above it is 0.
const OPTIONS: u8 = 0x3f;

pub(super) fn parse(layer: Layer<'_>) -> Option<Payload<'_>> {
    let (&[first, _, high, low, a, b, c, _], layer) = layer.split::<HEADER_LEN>()?;
    (first & !OPTIONS == 0).then_some(())?;
    Some(Payload {
        kind: TunnelKind::Geneve,
        id: u32::from_be_bytes([0, a, b, c]),
        protocol: Protocol::EtherType(u16::from_be_bytes([high, low])),
        layer: layer.after(usize::from(first & OPTIONS) * 4)?,
    })
}
