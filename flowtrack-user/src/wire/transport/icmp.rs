//! ICMP (RFC 792) and ICMPv6 (RFC 4443).

use flowtrack_common::L4Proto;

use super::{Body, Layer, Refusal, Transport};

/// Type, code and checksum.
const MIN_LEN: usize = 4;
/// The header of most messages: what follows is payload.
const HEADER_LEN: usize = 8;

/// What an ICMP header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// The type of the message that answers this one or that it answers, if there is one.
    pub counterpart: Option<u8>,
    /// Identifier of a query and its answer, else 0.
    pub id: u16,
}

pub(super) fn parse(l4: L4Proto, layer: Layer<'_>) -> Result<Body<'_>, Refusal> {
    let bytes = match layer.header::<HEADER_LEN>() {
        Some(&header) => header,
        // The rest counts as 0.
        None => match *layer.header::<MIN_LEN>().ok_or(Refusal::IcmpTruncated)? {
            [a, b, c, d] => [a, b, c, d, 0, 0, 0, 0],
        },
    };
    let transport = transport(message(l4, bytes), layer);
    Ok(Body {
        transport,
        fault: None,
        error: layer.after(HEADER_LEN).filter(|_| is_error(l4, bytes[0])),
    })
}

/// What the header says of a message that is no error.
#[inline]
pub(in super::super) fn plain(l4: L4Proto, layer: Layer<'_>) -> Option<Transport> {
    let &header = layer.header::<HEADER_LEN>()?;
    (!is_error(l4, header[0])).then(|| transport(message(l4, header), layer))
}

#[inline]
fn transport(message: Message, layer: Layer<'_>) -> Transport {
    let payload_len = layer.wire_len.saturating_sub(HEADER_LEN);
    Transport::Icmp {
        message,
        payload_len: u32::try_from(payload_len).unwrap_or(u32::MAX),
    }
}

/// What the header of a message says.
pub(in super::super) fn message(l4: L4Proto, header: [u8; HEADER_LEN]) -> Message {
    let (kind, code) = (header[0], header[1]);
    let (counterpart, has_id) = match l4 {
        L4Proto::IcmpV6 => counterpart_v6(kind),
        _ => counterpart_v4(kind),
    };
    Message {
        kind,
        code,
        counterpart,
        id: if has_id {
            u16::from_be_bytes([header[4], header[5]])
        } else {
            0
        },
    }
}

/// Whether messages of a type quote the packet that they are about.
fn is_error(l4: L4Proto, kind: u8) -> bool {
    match l4 {
        // Packet too big among them.
        L4Proto::IcmpV6 => matches!(kind, 1..=4),
        // Unreachable, source quench, redirect, time exceeded, parameter problem.
        _ => matches!(kind, 3 | 4 | 5 | 11 | 12),
    }
}

/// The other type of a query and answer pair, and whether both carry an identifier.
const fn counterpart_v4(kind: u8) -> (Option<u8>, bool) {
    match kind {
        // Echo
        0 => (Some(8), true),
        8 => (Some(0), true),
        // Router advertisement and solicitation (RFC 1256)
        9 => (Some(10), false),
        10 => (Some(9), false),
        // Timestamp
        13 => (Some(14), true),
        14 => (Some(13), true),
        // Information
        15 => (Some(16), true),
        16 => (Some(15), true),
        // Address mask (RFC 950)
        17 => (Some(18), true),
        18 => (Some(17), true),
        _ => (None, false),
    }
}

/// The same for ICMPv6.
const fn counterpart_v6(kind: u8) -> (Option<u8>, bool) {
    match kind {
        // Echo
        128 => (Some(129), true),
        129 => (Some(128), true),
        // Multicast listener query and report (RFC 2710)
        130 => (Some(131), false),
        131 => (Some(130), false),
        // Router and neighbor solicitation and advertisement (RFC 4861)
        133 => (Some(134), false),
        134 => (Some(133), false),
        135 => (Some(136), false),
        136 => (Some(135), false),
        // Who are you (RFC 4620)
        139 => (Some(140), false),
        140 => (Some(139), false),
        // Home agent address discovery (RFC 6275)
        144 => (Some(145), true),
        145 => (Some(144), true),
        _ => (None, false),
    }
}
