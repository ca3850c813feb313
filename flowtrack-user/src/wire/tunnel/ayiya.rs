//! AYIYA, "anything in anything" (draft-massar-v6ops-ayiya).

use flowtrack_common::TunnelKind;

use super::{IPV4, IPV6, Layer, Payload, Protocol, ethertype};

/// Lengths and kinds of identity and signature, operation, next header and time.
const HEADER_LEN: usize = 8;
/// In the low bits of the third byte: the packet is to be forwarded.
const FORWARD: u8 = 1;

pub(super) fn parse(layer: Layer<'_>) -> Option<Payload<'_>> {
    let (&[identity, signature, operation, next_header, ..], layer) =
        layer.split::<HEADER_LEN>()?;
    (operation & 0x0f == FORWARD).then_some(())?;
    let ethertype = match next_header {
        IPV4 => ethertype::IPV4,
        IPV6 => ethertype::IPV6,
        _ => return None,
    };
    // The identity's length is a power of two, the signature's counts units of four bytes.
    let identity_len = 1 << (identity >> 4);
    let signature_len = usize::from(signature >> 4) * 4;
    Some(Payload {
        kind: TunnelKind::Ayiya,
        id: 0,
        protocol: Protocol::EtherType(ethertype),
        layer: layer.after(identity_len + signature_len)?,
    })
}
