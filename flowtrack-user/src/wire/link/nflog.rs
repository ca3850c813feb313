//! Packets as the Linux firewall logs them (LINKTYPE_NFLOG): a list of attributes, the payload one
//! of them.

use super::{Layer, Protocol, Refusal};

/// Address family, version and resource.
const HEADER_LEN: usize = 4;
/// Length, this header included, and type, in the byte order of the capturing host.
const ATTRIBUTE_LEN: usize = 4;
/// The packet, from its IP header on.
const PAYLOAD: u16 = 9;
/// Attributes that are looked at; the kernel knows about twenty.
const MAX_ATTRIBUTES: usize = 32;

pub(super) fn parse(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    let mut layer = layer.after(HEADER_LEN).ok_or(Refusal::LinkTruncated)?;
    for _ in 0..MAX_ATTRIBUTES {
        let (&[a, b, c, d], value) = layer
            .split::<ATTRIBUTE_LEN>()
            .ok_or(Refusal::LinkTruncated)?;
        // The types are small numbers, so the byte that is 0 tells the byte order.
        let (len, kind) = if d == 0 {
            (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]))
        } else {
            (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
        };
        let len = usize::from(len).max(ATTRIBUTE_LEN);
        if kind == PAYLOAD {
            return Ok((Protocol::Ip, value.limited(len - ATTRIBUTE_LEN)));
        }
        layer = layer
            .after(len.next_multiple_of(ATTRIBUTE_LEN))
            .ok_or(Refusal::LinkTruncated)?;
    }
    Err(Refusal::NotIp)
}
