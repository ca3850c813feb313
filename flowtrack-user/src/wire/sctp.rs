//! SCTP (RFC 9260): the ports of the common header.

use super::{Layer, Ports, Refusal, Transport};

const HEADER_LEN: usize = 12;

pub(super) fn parse(layer: Layer<'_>) -> Result<Transport, Refusal> {
    let header: &[u8; HEADER_LEN] = layer.header().ok_or(Refusal::SctpTruncated)?;
    Ok(Transport::Datagram {
        ports: Ports {
            src: u16::from_be_bytes([header[0], header[1]]),
            dst: u16::from_be_bytes([header[2], header[3]]),
        },
        // Chunks carry control and data alike, so all that IP carries counts.
        payload_len: layer.len(),
    })
}
