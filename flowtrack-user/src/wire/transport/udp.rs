//! UDP (RFC 768).

use super::{Layer, Refusal, Transport};
use crate::wire::Ports;

pub(in super::super) const HEADER_LEN: usize = 8;

#[inline]
pub(super) fn parse(layer: Layer<'_>) -> Result<Transport, Refusal> {
    let (ports, payload_len) = plain(layer).ok_or(Refusal::UdpTruncated)?;
    Ok(Transport::Datagram { ports, payload_len })
}

/// The ports, and bytes of payload.
#[expect(clippy::inline_always, reason = "see `straight`")]
#[inline(always)]
pub(in super::super) fn plain(layer: Layer<'_>) -> Option<(Ports, u32)> {
    let header: &[u8; HEADER_LEN] = layer.header()?;
    let available = layer.wire_len.saturating_sub(HEADER_LEN);
    // In a first fragment the length is that of the whole datagram; 0 is a jumbogram (RFC 2675).
    let payload_len = match usize::from(u16::from_be_bytes([header[4], header[5]])) {
        0..HEADER_LEN => available,
        len => (len - HEADER_LEN).min(available),
    };
    let ports = Ports::new([header[0], header[1], header[2], header[3]]);
    Some((ports, u32::try_from(payload_len).unwrap_or(u32::MAX)))
}
