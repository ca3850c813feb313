//! Teredo (RFC 4380): IPv6 in UDP.

use flowtrack_common::TunnelKind;

use super::{Layer, Payload, Protocol, ethertype};

/// Before the packet, in this order: authentication of a client, and where a client's packet came
/// from.
const AUTHENTICATION: [u8; 2] = [0, 1];
const ORIGIN: [u8; 2] = [0, 0];
/// Indicator, two lengths, nonce and confirmation, without what the lengths are of.
const AUTHENTICATION_LEN: usize = 13;
/// Indicator, port and address.
const ORIGIN_LEN: usize = 8;
const IPV6_VERSION: u8 = 6;

pub(super) fn parse(mut layer: Layer<'_>) -> Option<Payload<'_>> {
    if layer.bytes.starts_with(&AUTHENTICATION) {
        let &[_, _, client, value] = layer.header()?;
        layer = layer.after(AUTHENTICATION_LEN + usize::from(client) + usize::from(value))?;
    }
    if layer.bytes.starts_with(&ORIGIN) {
        layer = layer.after(ORIGIN_LEN)?;
    }
    (layer.bytes.first()? >> 4 == IPV6_VERSION).then_some(Payload {
        kind: TunnelKind::Teredo,
        id: 0,
        protocol: Protocol::EtherType(ethertype::IPV6),
        layer,
    })
}
