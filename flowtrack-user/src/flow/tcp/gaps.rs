//! The gaps of a stream.

use super::sequence::distance;

/// Gaps that are remembered for each side.
const CAPACITY: usize = 4;

/// Sequence numbers from `from` to before `to`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) from: u32,
    pub(super) to: u32,
}

/// The gaps of a stream in the order of their numbers.
///
/// When there are more than fit, the lowest is given up: what fills it later cannot be told from a
/// retransmission.
#[derive(Clone, Copy, Debug, Default, Eq)]
pub(super) struct Gaps {
    list: [Gap; CAPACITY],
    len: u8,
}

impl Gap {
    /// Numbers in it.
    pub(super) fn len(self) -> u32 {
        distance(self.from, self.to).max(0).unsigned_abs()
    }

    /// What of it lies at or behind `number`.
    pub(super) fn after(self, number: u32) -> Self {
        let from = if distance(self.from, number) > 0 {
            number
        } else {
            self.from
        };
        Self { from, ..self }
    }

    /// What of it lies before `number`.
    pub(super) fn before(self, number: u32) -> Self {
        let to = if distance(number, self.to) > 0 {
            number
        } else {
            self.to
        };
        Self { to, ..self }
    }
}

impl PartialEq for Gaps {
    fn eq(&self, other: &Self) -> bool {
        self.open_ones() == other.open_ones()
    }
}

impl Gaps {
    #[inline]
    fn open_ones(&self) -> &[Gap] {
        self.list.get(..self.len.into()).unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Gap> {
        self.list.into_iter().take(self.len.into())
    }

    /// Adds a gap behind all others. Returns the one that is given up for it.
    pub(super) fn open(&mut self, gap: Gap) -> Option<Gap> {
        let lowest = self.list[0];
        let full = usize::from(self.len) == CAPACITY;
        if full {
            self.list.rotate_left(1);
            self.len -= 1;
        }
        self.push(gap);
        full.then_some(lowest)
    }

    /// Forgets what lies before `number`.
    pub(super) fn forget_before(&mut self, number: u32) {
        while self.len > 0 && self.list[0].after(number).len() == 0 {
            self.list.rotate_left(1);
            self.len -= 1;
        }
        if self.len > 0 {
            self.list[0] = self.list[0].after(number);
        }
    }

    /// Takes `piece` out of the gaps. Returns whether it lay in any.
    pub(super) fn fill(&mut self, piece: Gap) -> bool {
        if self.len == 0 {
            return false;
        }
        let before = *self;
        self.len = 0;
        let mut filled = false;
        for gap in before.iter() {
            let (below, above) = (gap.before(piece.from), gap.after(piece.to));
            filled |= below.len() + above.len() < gap.len();
            for rest in [below, above] {
                if rest.len() > 0 {
                    self.push(rest);
                }
            }
        }
        filled
    }

    /// A piece in the middle splits a gap: when there is no room for the second half, it is given up.
    fn push(&mut self, gap: Gap) {
        if let Some(place) = self.list.get_mut(usize::from(self.len)) {
            *place = gap;
            self.len += 1;
        }
    }
}
