//! A frame as filters see it.

use flowtrack_common::{Frame, LinkType, abi::filter::Packet};

use super::compile::Link;
use crate::wire::logged_packet;

/// Bytes that were captured, and how many there were on the wire.
pub(super) struct Captured<'a> {
    bytes: &'a [u8],
    wire_len: u32,
}

/// The bytes that programs for a link layer look at. In a firewall's log these are those of the packet
/// in it.
pub(super) fn outermost<'a>(frame: &Frame<'a>) -> (Link, Captured<'a>) {
    let (link, bytes) = if frame.link == LinkType::NFLOG {
        logged_packet(frame).map_or((Link::Unknown, frame.bytes), |packet| (Link::Raw, packet))
    } else {
        (Link::of(frame.link), frame.bytes)
    };
    let wire_len = frame.wire_len;
    (link, Captured { bytes, wire_len })
}

impl Captured<'_> {
    fn array<const N: usize>(&self, at: u32) -> Option<[u8; N]> {
        let at = usize::try_from(at).ok()?;
        let bytes = self.bytes.get(at..at.checked_add(N)?)?;
        bytes.try_into().ok()
    }
}

impl Packet for Captured<'_> {
    fn wire_len(&self) -> u32 {
        self.wire_len
    }

    fn byte(&self, at: u32) -> Option<u8> {
        self.array(at).map(u8::from_be_bytes)
    }

    fn half(&self, at: u32) -> Option<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    fn word(&self, at: u32) -> Option<u32> {
        self.array(at).map(u32::from_be_bytes)
    }
}
