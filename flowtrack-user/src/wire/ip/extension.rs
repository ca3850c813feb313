//! Extension headers of IPv6 (RFC 8200).

use flowtrack_common::L4Proto;

use super::{Layer, Refusal};

/// The smallest extension header, and the size of the fragment header.
pub(super) const MIN_LEN: usize = 8;
/// Extension headers that are followed. RFC 8200 knows six kinds, each at most once or twice, but a
/// packet may have more to hide what is behind them.
pub(super) const MAX_EXTENSIONS: usize = 64;

pub(super) const HOP_BY_HOP: u8 = 0;
pub(super) const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
pub(super) const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;

/// An option that is a byte of padding.
const PAD_1: u8 = 0;

/// What is at a point of a chain of extension headers.
pub(super) enum Next<'a> {
    /// An extension header, and what is behind it.
    Extension(&'a [u8], Layer<'a>),
    /// The end of the chain.
    Transport,
    /// An extension header in which the packet ends.
    Cut,
}

/// Where a chain of extension headers ends.
pub(super) struct Chain<'a> {
    pub(super) l4: L4Proto,
    /// What is behind the chain.
    pub(super) payload: Layer<'a>,
    /// The fragment header, if it is a fragment.
    pub(super) fragment: Option<Part<'a>>,
    /// It is a fragment in which the chain does not end.
    pub(super) headless: bool,
}

/// What a fragment header says (RFC 8200, section 4.5).
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) id: u32,
    /// Bytes of the datagram before it.
    pub(super) offset: u32,
    /// There are more behind it.
    pub(super) more: bool,
    /// What is behind the fragment header.
    pub(super) payload: Layer<'a>,
    next_header: u8,
}

/// Walks the extension headers from `kind` on to the transport header.
#[inline]
pub(super) fn walk(kind: u8, layer: Layer<'_>) -> Result<Chain<'_>, Refusal> {
    match L4Proto::from_number(kind) {
        // As in most packets: there is none.
        l4 @ (L4Proto::Tcp | L4Proto::Udp) => Ok(Chain {
            l4,
            payload: layer,
            fragment: None,
            headless: false,
        }),
        _ => walk_extensions(kind, layer),
    }
}

fn walk_extensions(mut kind: u8, mut layer: Layer<'_>) -> Result<Chain<'_>, Refusal> {
    let mut fragment = None;
    for _ in 0..=MAX_EXTENSIONS {
        let (header, rest) = match next(kind, layer) {
            Next::Extension(header, rest) => (header, rest),
            Next::Transport => {
                return Ok(Chain {
                    l4: L4Proto::from_number(kind),
                    payload: layer,
                    fragment,
                    headless: false,
                });
            }
            Next::Cut => return cut(fragment),
        };
        if kind == FRAGMENT
            && let Some(part) = part(header, rest)
        {
            fragment = fragment.or(Some(part));
            if part.offset > 0 {
                return Ok(headless(fragment, part));
            }
        }
        layer = rest;
        kind = header.first().copied().unwrap_or_default();
    }
    Err(Refusal::Ipv6ExtensionDepth)
}

/// What is at the start of `layer`, announced as `kind`.
#[inline]
pub(super) fn next(kind: u8, layer: Layer<'_>) -> Next<'_> {
    let unit = match kind {
        HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HIP | SHIM6 => |field| (field + 1) * 8,
        AUTHENTICATION => |field| (field + 2) * 4,
        FRAGMENT => |_| MIN_LEN,
        _ => return Next::Transport,
    };
    let extension = layer.header::<MIN_LEN>().and_then(|header| {
        let len: usize = unit(usize::from(header[1]));
        Some((layer.bytes.get(..len)?, layer.after(len)?))
    });
    match extension {
        Some((bytes, rest)) => Next::Extension(bytes, rest),
        None => Next::Cut,
    }
}

/// A fragment header; `None` if the fragment is the whole packet (RFC 6946).
fn part<'a>(header: &[u8], payload: Layer<'a>) -> Option<Part<'a>> {
    let &[next_header, _, high, low, a, b, c, d] = header.first_chunk()?;
    let field = u16::from_be_bytes([high, low]);
    let (offset, more) = (u32::from(field & 0xfff8), field & 1 == 1);
    (offset > 0 || more).then_some(Part {
        id: u32::from_be_bytes([a, b, c, d]),
        offset,
        more,
        payload,
        next_header,
    })
}

/// The chain goes on in another fragment, or before this one, which says what follows its header.
fn headless<'a>(fragment: Option<Part<'a>>, part: Part<'a>) -> Chain<'a> {
    Chain {
        l4: L4Proto::from_number(part.next_header),
        payload: part.payload,
        fragment,
        headless: true,
    }
}

/// The chain does not end in the packet: an error, unless the rest of it is in the next fragment.
#[cold]
fn cut(fragment: Option<Part<'_>>) -> Result<Chain<'_>, Refusal> {
    match fragment {
        Some(part) if part.payload.is_whole() => Ok(headless(fragment, part)),
        _ => Err(Refusal::Ipv6ExtensionTruncated),
    }
}

/// The value of the first option of a kind in hop-by-hop or destination options.
pub(super) fn option(header: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut options = header.get(2..)?;
    loop {
        options = match *options {
            [PAD_1, ref rest @ ..] => rest,
            [kind, len, ref rest @ ..] => {
                let (value, rest) = rest.split_at_checked(len.into())?;
                if kind == wanted {
                    return Some(value);
                }
                rest
            }
            _ => return None,
        };
    }
}
