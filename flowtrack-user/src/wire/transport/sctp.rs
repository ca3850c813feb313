//! SCTP (RFC 9260): the ports of the common header.

use super::{Layer, Refusal, Transport};
use crate::wire::Ports;

const HEADER_LEN: usize = 12;

pub(super) fn parse(layer: Layer<'_>) -> Result<Transport, Refusal> {
    let header: &[u8; HEADER_LEN] = layer.header().ok_or(Refusal::SctpTruncated)?;
    Ok(Transport::Datagram {
        ports: Ports::new([header[0], header[1], header[2], header[3]]),
        // Chunks carry control and data alike, so all that IP carries counts.
        payload_len: layer.len(),
    })
}
