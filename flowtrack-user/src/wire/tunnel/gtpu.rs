//! GTP-U (3GPP TS 29.281).

use flowtrack_common::TunnelKind;

use super::{Layer, Payload, Protocol};

/// Flags, message type, length and tunnel endpoint identifier.
const HEADER_LEN: usize = 8;
/// Version 1 of GTP, not of GTP' (protocol type 1), and the bits under test.
const GTP_1: u8 = 0x30;
const VERSION_AND_TYPE: u8 = 0xf0;
/// One of the fields of the longer header is there: so are all of them.
const EXTENDED: u8 = 0x07;
/// The last byte of the longer header announces an extension header.
const EXTENSION: u8 = 0x04;
/// Sequence number, N-PDU number and type of the next extension header.
const FIELDS_LEN: usize = 4;
/// A user's packet; all others are about the tunnel itself.
const G_PDU: u8 = 0xff;
/// Extension headers that are followed; one or two are in use.
const MAX_EXTENSIONS: usize = 8;

pub(super) fn parse(layer: Layer<'_>) -> Option<Payload<'_>> {
    let (&[flags, kind, _, _, a, b, c, d], mut layer) = layer.split::<HEADER_LEN>()?;
    // Not this bit: it is reserved.
    (flags & VERSION_AND_TYPE == GTP_1 && kind == G_PDU).then_some(())?;
    if flags & EXTENDED != 0 {
        let (&[.., next], rest) = layer.split::<FIELDS_LEN>()?;
        layer = match next {
            0 => rest,
            _ if flags & EXTENSION == 0 => rest,
            _ => skip_extensions(rest)?,
        };
    }
    Some(Payload {
        kind: TunnelKind::Gtpu,
        id: u32::from_be_bytes([a, b, c, d]),
        protocol: Protocol::Ip,
        layer,
    })
}

/// Each extension header begins with its length, in units of four bytes, and ends with the type of
/// the next one, or 0.
fn skip_extensions(mut layer: Layer<'_>) -> Option<Layer<'_>> {
    for _ in 0..MAX_EXTENSIONS {
        let len = usize::from(*layer.bytes.first()?) * 4;
        let next = *layer.bytes.get(len.checked_sub(1)?)?;
        layer = layer.after(len)?;
        if next == 0 {
            return Some(layer);
        }
    }
    None
}
