//! Data frames of IEEE 802.11, as access points send them to their controller.

use super::{Layer, Protocol, Refusal, ethernet};

/// Frame control, duration, three addresses and sequence control.
const HEADER_LEN: usize = 24;
/// Version 0 and type data, in the first byte.
const DATA: u8 = 0x08;
const VERSION_AND_TYPE: u8 = 0x0f;
/// Subtype bits: without data, and with quality of service.
const NO_DATA: u8 = 0x40;
const QOS: u8 = 0x80;
/// In the second byte: to and from the distribution system, both of which adds an address.
const BRIDGED: u8 = 0x03;
const PROTECTED: u8 = 0x40;
/// High throughput control follows, in a frame with quality of service.
const ORDER: u8 = 0x80;
/// Of the quality of service field: more than one packet in the frame.
const AGGREGATED: u8 = 0x80;

pub(super) fn parse(layer: Layer<'_>) -> Result<(Protocol, Layer<'_>), Refusal> {
    let (&[kind, flags, ..], mut layer) =
        layer.split::<HEADER_LEN>().ok_or(Refusal::LinkTruncated)?;
    if kind & VERSION_AND_TYPE != DATA || kind & NO_DATA != 0 || flags & PROTECTED != 0 {
        return Err(Refusal::NotIp);
    }
    if flags & BRIDGED == BRIDGED {
        layer = layer.after(6).ok_or(Refusal::LinkTruncated)?;
    }
    if kind & QOS != 0 {
        let (qos, rest) = layer.split::<2>().ok_or(Refusal::LinkTruncated)?;
        if qos[0] & AGGREGATED != 0 {
            return Err(Refusal::NotIp);
        }
        let control = if flags & ORDER == 0 { 0 } else { 4 };
        layer = rest.after(control).ok_or(Refusal::LinkTruncated)?;
    }
    ethernet::parse_llc(layer)
}
