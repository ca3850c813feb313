//! TCP (RFC 9293).

use flowtrack_common::{TcpFlags, TcpInfo};

use super::{Body, Layer, Refusal, Transport};
use crate::wire::Ports;

/// Without options.
const HEADER_LEN: usize = 20;

#[inline]
pub(super) fn parse(layer: Layer<'_>) -> Result<Body<'_>, Refusal> {
    let header: &[u8; HEADER_LEN] = layer.header().ok_or(Refusal::TcpTruncated)?;
    Ok(Body {
        transport: transport(header, layer),
        fault: (!is_sound(header, layer)).then_some(Refusal::TcpHeaderLength),
        error: None,
    })
}

/// What a sound header says.
#[expect(clippy::inline_always, reason = "see `straight`")]
#[inline(always)]
pub(in super::super) fn plain(layer: Layer<'_>) -> Option<Transport> {
    let header: &[u8; HEADER_LEN] = layer.header()?;
    is_sound(header, layer).then(|| transport(header, layer))
}

/// Bytes of the header, options included.
#[inline]
fn header_len(header: &[u8; HEADER_LEN]) -> usize {
    usize::from(header[12] >> 4) * 4
}

/// Whether the length of the header can be right. The options may have been cut by the snap length.
#[inline]
fn is_sound(header: &[u8; HEADER_LEN], layer: Layer<'_>) -> bool {
    (HEADER_LEN..=layer.wire_len).contains(&header_len(header))
}

#[expect(clippy::inline_always, reason = "see `straight`")]
#[inline(always)]
fn transport(header: &[u8; HEADER_LEN], layer: Layer<'_>) -> Transport {
    let header_len = header_len(header);
    let payload_len = layer.wire_len.saturating_sub(header_len);
    Transport::Tcp {
        ports: Ports::new([header[0], header[1], header[2], header[3]]),
        info: TcpInfo {
            flags: TcpFlags(header[13]),
            seq: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            ack: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
            window: u16::from_be_bytes([header[14], header[15]]),
            payload_offset: u16::try_from(layer.offset + header_len).unwrap_or(u16::MAX),
            payload_len: u32::try_from(payload_len).unwrap_or(u32::MAX),
        },
    }
}
