//! Session frames of PPP over Ethernet (RFC 2516).

use super::{Layer, Protocol, Refusal};

/// Version and type, code, session and length.
const HEADER_LEN: usize = 6;

/// The fields need not be right for a packet to be there, and it has a length of its own.
pub(super) fn parse(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    let payload = layer.after(HEADER_LEN).ok_or(Refusal::LinkTruncated)?;
    Ok((Protocol::Ppp, payload))
}
