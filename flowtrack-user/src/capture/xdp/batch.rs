//! Packets lent from a socket.
#![forbid(unsafe_code)]

use std::slice;

use flowtrack_common::{Frame, LinkType, Timestamp, abi::Stamp};
use xsk_rs::FrameDesc;

use super::socket::XskSocket;
use crate::{capture::AHEAD, sys::clock::TaiClock, table::prefetch_head};

/// Where the time stamp ends and the packet starts.
const STAMP_LEN: usize = size_of::<Stamp>();

/// Packets that have arrived, borrowed from the socket's memory. When it is dropped, their frames go
/// back to the fill ring.
///
/// There is one batch of a socket at a time:
///
/// ```compile_fail,E0499
/// # fn two(socket: &mut flowtrack::capture::xdp::XskSocket) {
/// let first = socket.receive();
/// let second = socket.receive();
/// drop((first, second));
/// # }
/// ```
pub struct RxBatch<'a> {
    socket: &'a mut XskSocket,
    /// Descriptors of whole packets.
    whole: usize,
    /// Descriptors in all: behind the whole packets may be the start of one more.
    total: usize,
}

/// A packet: its first bytes, and how many it has in all.
#[derive(Clone, Copy, Debug)]
pub struct RxPacket<'a> {
    /// What lies in the first frame.
    pub head: &'a [u8],
    /// Bytes over all frames.
    pub len: usize,
}

impl<'a> RxPacket<'a> {
    /// The frame, at the time of the stamp in front of it; at `arrival` if there is no clock to read
    /// stamps by.
    pub fn frame(self, stamps: Option<TaiClock>, arrival: Timestamp) -> Frame<'a> {
        let (bytes, ts) = match (self.head.split_first_chunk::<STAMP_LEN>(), stamps) {
            (Some((stamp, bytes)), Some(clock)) => (bytes, clock.wall(u64::from_ne_bytes(*stamp))),
            _ => (self.head, arrival),
        };
        let in_front = self.head.len() - bytes.len();
        Frame {
            bytes,
            wire_len: u32::try_from(self.len.saturating_sub(in_front)).unwrap_or(u32::MAX),
            link: LinkType::ETHERNET,
            ts,
        }
    }
}

impl<'a> RxBatch<'a> {
    /// Descriptors that are taken at once.
    pub const BURST: usize = crate::capture::BURST;
    /// Descriptors that are kept: those of a burst, and the pieces of an unfinished packet. A packet
    /// has at most 18 (`MAX_SKB_FRAGS` and its head).
    pub const MAX_DESCS: usize = Self::BURST + 32;

    pub(super) fn new(socket: &'a mut XskSocket, total: usize) -> Self {
        let descs = socket.pending.descs.get(..total).unwrap_or_default();
        let whole = descs
            .iter()
            .rposition(|desc| !desc.has_more_frames())
            .map_or(0, |last| last + 1);
        Self {
            socket,
            whole,
            total,
        }
    }

    /// No packet has arrived.
    pub fn is_empty(&self) -> bool {
        self.whole == 0
    }

    /// The packets, in the order of their arrival.
    pub fn packets(&self) -> Packets<'_> {
        let descs = &self.socket.pending.descs;
        let descs = descs.get(..self.whole).unwrap_or_default();
        for desc in descs.iter().take(AHEAD) {
            prefetch_head(self.socket.data(desc));
        }
        Packets {
            socket: self.socket,
            descs: descs.iter(),
        }
    }
}

impl Drop for RxBatch<'_> {
    fn drop(&mut self) {
        self.socket.recycle(self.whole, self.total);
    }
}

/// The packets of a batch.
pub struct Packets<'a> {
    socket: &'a XskSocket,
    /// Those of whole packets that are still to come.
    descs: slice::Iter<'a, FrameDesc>,
}

impl<'a> Iterator for Packets<'a> {
    type Item = RxPacket<'a>;

    fn next(&mut self) -> Option<RxPacket<'a>> {
        if let Some(later) = self.descs.as_slice().get(AHEAD) {
            prefetch_head(self.socket.data(later));
        }
        let first = self.descs.next()?;
        let mut len = first.lengths().data();
        let mut more = first.has_more_frames();
        while more {
            let piece = self.descs.next()?;
            len += piece.lengths().data();
            more = piece.has_more_frames();
        }
        Some(RxPacket {
            head: self.socket.data(first),
            len,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_the_time_of_the_frame_behind_it() {
        let bytes = [&7u64.to_ne_bytes()[..], &[1, 2, 3]].concat();
        let packet = RxPacket {
            head: &bytes,
            len: 2000,
        };
        let clock = TaiClock::measure();
        let frame = packet.frame(Some(clock), Timestamp::MAX);
        assert_eq!((frame.bytes, frame.wire_len), (&[1, 2, 3][..], 1992));
        assert_eq!(frame.ts, clock.wall(7));
        let frame = packet.frame(None, Timestamp::MAX);
        assert_eq!((frame.bytes, frame.wire_len), (&bytes[..], 2000));
        assert_eq!(frame.ts, Timestamp::MAX);
    }

    #[test]
    fn a_packet_too_short_for_a_stamp_is_a_frame_as_it_is() {
        let packet = RxPacket {
            head: &[1, 2],
            len: 2,
        };
        let frame = packet.frame(Some(TaiClock::measure()), Timestamp::EPOCH);
        assert_eq!((frame.bytes, frame.wire_len), (&[1, 2][..], 2));
    }
}
