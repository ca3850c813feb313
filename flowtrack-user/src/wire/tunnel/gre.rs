//! GRE (RFC 2784, RFC 2890), the enhanced GRE of PPTP (RFC 2637), and ERSPAN in GRE
//! (draft-foschiano-erspan).

use std::ops::RangeInclusive;

use flowtrack_common::TunnelKind;

use super::{Layer, Payload, Protocol, ethertype};

/// Flags and version, and protocol type.
const HEADER_LEN: usize = 4;
/// A checksum, a key, a sequence number or an acknowledgment number follows; each takes four bytes,
/// with what is reserved.
const CHECKSUM: u16 = 0x8000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;
const FIELD_LEN: usize = 4;
/// Routing (RFC 1701), which RFC 2784 has abolished (section 2.3): the fields behind are unknown.
const ROUTING: u16 = 0x4c00;
const VERSION: u16 = 0x0007;
/// Version of PPTP. The key holds a length and the number of the call.
const ENHANCED: u16 = 1;
/// Bits without a meaning. In version 1 they are 0; in version 0 they, and that of the acknowledgment,
/// do not count.
const RESERVED: u16 = 0x0078;
const CALL_ID: u32 = 0xffff;

/// ERSPAN type I without, and type II with a sequence number.
const ERSPAN: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
const ERSPAN_LEN: usize = 8;
const ERSPAN_3_LEN: usize = 12;
/// In the last but one byte of the type III header: what was mirrored, a frame or an IP packet.
const ERSPAN_3_KIND: u8 = 0x7c;
const ERSPAN_3_FRAME: u8 = 0;
const ERSPAN_3_IP: u8 = 2 << 2;
/// In the last byte: eight bytes about the hardware follow.
const ERSPAN_3_MORE: u8 = 0x01;
const ERSPAN_3_MORE_LEN: usize = 8;
/// In the second two bytes of both headers.
const ERSPAN_SESSION: u16 = 0x03ff;
/// Frames of IEEE 802.11, from an access point of Aruba to its controller.
const ARUBA: RangeInclusive<u16> = 0x8200..=0x83ff;
const ARUBA_9000: u16 = 0x9000;

pub(super) fn parse(layer: Layer<'_>) -> Option<Payload<'_>> {
    let (&[a, b, c, d], rest) = layer.split::<HEADER_LEN>()?;
    let (flags, protocol) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let version = flags & VERSION;
    let flags = match version {
        0 => flags & !(RESERVED | ACKNOWLEDGMENT),
        _ => flags,
    };
    let has = |flag| flags & flag != 0;
    (!has(ROUTING | RESERVED)).then_some(())?;
    let len = |flag| if has(flag) { FIELD_LEN } else { 0 };
    let rest = rest.after(len(CHECKSUM))?;
    let key = if has(KEY) {
        u32::from_be_bytes(*rest.header()?)
    } else {
        0
    };
    let rest = rest.after(len(KEY) + len(SEQUENCE) + len(ACKNOWLEDGMENT))?;
    match version {
        0 => plain(protocol, key, has(SEQUENCE), rest),
        ENHANCED if protocol == ethertype::PPP => Some(Payload {
            kind: TunnelKind::Gre,
            id: key & CALL_ID,
            protocol: Protocol::Ppp,
            layer: rest,
        }),
        _ => None,
    }
}

/// What GRE of version 0 carries.
fn plain(protocol: u16, key: u32, has_sequence: bool, layer: Layer<'_>) -> Option<Payload<'_>> {
    let protocol = match protocol {
        ERSPAN if has_sequence => return erspan_2(layer),
        ERSPAN => return Some(erspan(0, layer)),
        ERSPAN_3 => return erspan_3(layer),
        ARUBA_9000 => Protocol::Wlan,
        number if ARUBA.contains(&number) => Protocol::Wlan,
        number => Protocol::EtherType(number),
    };
    Some(Payload {
        kind: TunnelKind::Gre,
        id: key,
        protocol,
        layer,
    })
}

fn erspan_2(layer: Layer<'_>) -> Option<Payload<'_>> {
    let (&[_, _, a, b, ..], layer) = layer.split::<ERSPAN_LEN>()?;
    Some(erspan(u16::from_be_bytes([a, b]), layer))
}

fn erspan_3(layer: Layer<'_>) -> Option<Payload<'_>> {
    let (&[_, _, a, b, .., kind, last], layer) = layer.split::<ERSPAN_3_LEN>()?;
    let protocol = match kind & ERSPAN_3_KIND {
        ERSPAN_3_FRAME => Protocol::Ethernet,
        ERSPAN_3_IP => Protocol::Ip,
        _ => return None,
    };
    let more = match last & ERSPAN_3_MORE {
        0 => 0,
        _ => ERSPAN_3_MORE_LEN,
    };
    Some(Payload {
        protocol,
        ..erspan(u16::from_be_bytes([a, b]), layer.after(more)?)
    })
}

/// A mirrored frame of a session, whose number is in the low bits of `session`.
fn erspan(session: u16, layer: Layer<'_>) -> Payload<'_> {
    Payload {
        kind: TunnelKind::Erspan,
        id: (session & ERSPAN_SESSION).into(),
        protocol: Protocol::Ethernet,
        layer,
    }
}
