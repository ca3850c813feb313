//! Packets lent from a socket.
#![forbid(unsafe_code)]

use super::socket::{Pending, XskSocket};

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
        Packets {
            socket: self.socket,
            next: 0,
            whole: self.whole,
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
    next: usize,
    whole: usize,
}

impl<'a> Iterator for Packets<'a> {
    type Item = RxPacket<'a>;

    fn next(&mut self) -> Option<RxPacket<'a>> {
        let Pending { descs, .. } = &self.socket.pending;
        let pieces = descs.get(self.next..self.whole)?;
        let first = pieces.first()?;
        let end = pieces.iter().position(|desc| !desc.has_more_frames())?;
        self.next += end + 1;
        let len = pieces
            .iter()
            .take(end + 1)
            .map(|desc| desc.lengths().data())
            .sum();
        Some(RxPacket {
            head: self.socket.data(first),
            len,
        })
    }
}
