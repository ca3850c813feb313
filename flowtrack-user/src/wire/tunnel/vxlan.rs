//! VXLAN (RFC 7348).

use flowtrack_common::TunnelKind;

use super::{Layer, Payload, Protocol};

/// Flags, network identifier and reserved bytes.
const HEADER_LEN: usize = 8;
/// The network identifier is valid.
const FLAG_I: u8 = 0x08;

pub(super) fn parse(layer: Layer<'_>) -> Option<Payload<'_>> {
    let (&[flags, _, _, _, a, b, c, _], layer) = layer.split::<HEADER_LEN>()?;
    (flags & FLAG_I != 0).then_some(Payload {
        kind: TunnelKind::Vxlan,
        id: u32::from_be_bytes([0, a, b, c]),
        protocol: Protocol::Ethernet,
        layer,
    })
}
