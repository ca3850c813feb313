//! The bytes of a datagram that were seen.

use arrayvec::ArrayVec;

/// Pieces with gaps between them that are remembered. The longest datagram, in packets of 1280 bytes,
/// the fewest that all IPv6 networks carry, has 54 fragments: no order leaves more than 27 pieces.
const PIECES: usize = 32;

/// Ranges of bytes in their order; those that touch each other are one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces(ArrayVec<(u32, u32), PIECES>);

impl Pieces {
    /// Adds the bytes from `start` to before `end`. Returns whether some of them had been there. A
    /// piece that leaves one gap too many is left out.
    pub(super) fn add(&mut self, start: u32, end: u32) -> bool {
        if start >= end {
            return false;
        }
        let (mut first, mut last, mut overlap) = (start, end, false);
        self.0.retain(|&mut (from, to)| {
            let apart = to < start || end < from;
            if !apart {
                first = first.min(from);
                last = last.max(to);
                overlap |= from < end && start < to;
            }
            apart
        });
        if !self.0.is_full() {
            let at = self.0.partition_point(|&(from, _)| from < first);
            self.0.insert(at, (first, last));
        }
        overlap
    }

    /// Bytes from the first one on without a gap.
    pub(super) fn contiguous(&self) -> u32 {
        match self.0.first() {
            Some(&(0, end)) => end,
            _ => 0,
        }
    }

    /// Whether the byte at `at` was seen.
    pub(super) fn contains(&self, at: u32) -> bool {
        self.0.iter().any(|&(from, to)| from <= at && at < to)
    }
}
