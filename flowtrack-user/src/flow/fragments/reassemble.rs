//! A datagram counts when all of its fragments are there.
//!
//! Only lengths are put together, and the first bytes of the datagram: they have the transport header,
//! and the headers of a packet in a tunnel.

use ahash::RandomState;
use arrayvec::ArrayVec;
use flowtrack_common::{Envelope, Frame, LinkType, Timestamp};

use super::{DatagramKey, datagrams::Datagrams, pieces::Pieces};
use crate::wire::{Fragment, Packet};

/// Times four: datagrams that are held, in about a megabyte.
const SETS: usize = 256;
/// Bytes of IP headers that are kept. A datagram with more never becomes whole.
const HEADER: usize = 128;
/// Bytes of a datagram's payload that are kept.
const START: usize = 256;
/// The longest IP packet: its length field has 16 bits.
const MAX_LEN: u32 = 65_535;
/// Size of the fragment header of IPv6 (RFC 8200, section 4.5), the last one before the payload.
const FRAGMENT_HEADER: u8 = 8;

/// Holds fragments until their datagram is whole.
#[derive(Clone, Debug)]
pub(in crate::flow) struct Reassembler {
    datagrams: Datagrams<Held>,
}

/// What is there of a datagram.
#[derive(Clone, Debug)]
struct Held {
    pieces: Pieces,
    /// Bytes of the payload, when the last fragment was seen.
    total: Option<u32>,
    /// Bytes of all frames that had a part of it.
    wire_len: u32,
    /// One of these frames was cut by the snap length.
    truncated: bool,
    header: ArrayVec<u8, HEADER>,
    start: [u8; START],
    /// Bytes of `start` that were captured.
    captured: Pieces,
}

/// A datagram that is whole: an IP packet, cut after the first bytes of its payload.
#[derive(Clone, Debug)]
pub(in crate::flow) struct Whole {
    bytes: ArrayVec<u8, { HEADER + START }>,
    len: u32,
    wire_len: u32,
    truncated: bool,
    envelope: Envelope,
}

impl Reassembler {
    pub(in crate::flow) fn new(hasher: RandomState) -> Self {
        Self {
            datagrams: Datagrams::new(SETS, hasher),
        }
    }

    /// Takes in a fragment that was found in `frame`, which had `wire_len` bytes on the wire. Returns
    /// its datagram if that is whole now.
    pub(in crate::flow) fn hold(
        &mut self,
        key: DatagramKey,
        packet: &Packet,
        fragment: &Fragment,
        frame: &Frame<'_>,
        wire_len: u32,
    ) -> Option<Whole> {
        let held = self.datagrams.get(key, frame.ts)?;
        held.wire_len = held.wire_len.saturating_add(wire_len);
        held.truncated |= packet.truncated;
        held.take(fragment, frame.bytes);
        let whole = held.whole(packet.envelope)?;
        self.datagrams.forget(&key);
        Some(whole)
    }
}

impl Default for Held {
    fn default() -> Self {
        Self {
            pieces: Pieces::default(),
            total: None,
            wire_len: 0,
            truncated: false,
            header: ArrayVec::new(),
            start: [0; START],
            captured: Pieces::default(),
        }
    }
}

impl Held {
    /// Notes the place of a fragment, and keeps what is needed of its bytes.
    fn take(&mut self, fragment: &Fragment, frame: &[u8]) {
        let Fragment {
            offset,
            len,
            header_at,
            header_len,
            more,
            ..
        } = *fragment;
        let end = offset.saturating_add(len);
        if end.saturating_add(header_len) > MAX_LEN {
            return;
        }
        if !more {
            self.total = self.total.max(Some(end));
        }
        let packet = frame.get(header_at as usize..).unwrap_or_default();
        let (header, payload) = packet
            .split_at_checked(header_len as usize)
            .unwrap_or_default();
        if offset == 0 && self.header.is_empty() {
            // One that is too long stays out, and with it the datagram.
            let _ = self.header.try_extend_from_slice(header);
        }
        self.keep(offset, payload.get(..len as usize).unwrap_or(payload));
        self.pieces.add(offset, end);
    }

    /// Keeps what belongs to the start of the datagram. What was there first stays.
    fn keep(&mut self, offset: u32, payload: &[u8]) {
        let mut end = offset;
        let places = (0..).zip(&mut self.start).skip(offset as usize);
        for ((at, place), byte) in places.zip(payload) {
            if !self.captured.contains(at) {
                *place = *byte;
            }
            end = at + 1;
        }
        self.captured.add(offset, end);
    }

    /// The datagram, if nothing is missing. Fragments may contradict each other about where it ends;
    /// then it ends with the last byte.
    fn whole(&self, envelope: Envelope) -> Option<Whole> {
        let total = self.pieces.contiguous();
        if total < self.total? {
            return None;
        }
        let len = u32::try_from(self.header.len()).ok()?.checked_add(total)?;
        let mut bytes = ArrayVec::new();
        bytes.try_extend_from_slice(&self.header).ok()?;
        unfragment(&mut bytes, len)?;
        let captured = self.start.get(..self.captured.contiguous() as usize)?;
        bytes.try_extend_from_slice(captured).ok()?;
        Some(Whole {
            bytes,
            len,
            wire_len: self.wire_len,
            truncated: self.truncated,
            envelope,
        })
    }
}

/// Makes the header of a first fragment that of a packet of `len` bytes that is not fragmented.
fn unfragment(header: &mut [u8], len: u32) -> Option<()> {
    let (len_at, payload_at, fragment_at) = match header.first()? >> 4 {
        4 => (2, 0, 6),
        // The length is that of what follows the fixed header. The fragment header stays: it says that
        // there is nothing else.
        6 => (4, 40, header.len().checked_sub(FRAGMENT_HEADER.into())? + 2),
        _ => return None,
    };
    let len = u16::try_from(len.checked_sub(payload_at)?).ok()?;
    *header.get_mut(len_at..)?.first_chunk_mut()? = len.to_be_bytes();
    *header.get_mut(fragment_at..)?.first_chunk_mut()? = [0; 2];
    Some(())
}

impl Whole {
    /// The datagram as a frame.
    pub(in crate::flow) fn frame(&self, ts: Timestamp) -> Frame<'_> {
        Frame {
            bytes: &self.bytes,
            wire_len: self.len,
            link: LinkType::RAW,
            ts,
        }
    }

    /// Bytes of all frames that had a part of it.
    pub(in crate::flow) fn wire_len(&self) -> u32 {
        self.wire_len
    }

    /// Corrects a packet of the datagram: it came in several frames.
    pub(in crate::flow) fn place(&self, packet: &mut Packet) {
        packet.truncated = self.truncated;
        if packet.envelope.depth > 0 {
            let depth = packet.envelope.depth;
            packet.envelope.depth = depth.saturating_add(self.envelope.depth);
            return;
        }
        packet.envelope = Envelope {
            carries: packet.envelope.carries,
            ..self.envelope
        };
        if packet.src.is_ipv6() {
            // A datagram that was sent in one piece has no fragment header.
            packet.ip_len = packet.ip_len.saturating_sub(FRAGMENT_HEADER.into());
        }
    }
}
