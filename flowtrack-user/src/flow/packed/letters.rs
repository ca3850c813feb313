//! The letters of a history in 5 bits each.

use flowtrack_common::{FlowSide, HistoryString};

use super::int::U56;

/// Letters that fit.
const PLACES: usize = 11;
const BITS: u32 = 5;
/// Those that a packed flow can have, by number. What else there is comes with a count that does not fit.
const LETTERS: &[u8; 18] = b"\0DdAa^SsHhFfRrIiQq";
/// The number of each letter, 0 for what is none.
const NUMBERS: [u8; 256] = numbers();

/// Numbers of the letters that are asked for with each packet.
const DATA: u32 = 1;
const ACK: u32 = 3;

/// The letters of a history in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Letters {
    pub(super) numbers: U56,
    /// A bit for each number that is among them.
    seen: u32,
}

const fn numbers() -> [u8; 256] {
    let mut numbers = [0; 256];
    let mut number = 1;
    while number < LETTERS.len() {
        #[expect(clippy::cast_possible_truncation, reason = "there are 18 letters")]
        let small = number as u8;
        numbers[LETTERS[number] as usize] = small;
        number += 1;
    }
    numbers
}

impl Letters {
    /// Of the first letters of a history, up to one that has no number.
    #[inline]
    pub(super) fn of(history: &HistoryString) -> Self {
        let (mut all, mut seen, mut shift) = (0, 0, 0);
        for letter in history.as_bytes().iter().take(PLACES) {
            let number = NUMBERS[usize::from(*letter)];
            all |= u64::from(number) << shift;
            seen |= 1 << number;
            shift += BITS;
        }
        Self {
            numbers: U56::low(all),
            seen,
        }
    }

    /// Whether D is there.
    pub(super) fn has_data(self, side: FlowSide) -> bool {
        self.has(DATA, side)
    }

    /// Whether A is there.
    pub(super) fn has_ack(self, side: FlowSide) -> bool {
        self.has(ACK, side)
    }

    fn has(self, number: u32, side: FlowSide) -> bool {
        self.seen & (1 << (number + side as u32)) != 0
    }
}

/// The history of these letters.
#[inline]
pub(super) fn history(numbers: U56) -> HistoryString {
    let mut rest = numbers.get();
    HistoryString::from_letters(std::iter::from_fn(|| {
        let letter = LETTERS.get((rest & 31) as usize).copied();
        rest >>= BITS;
        letter.filter(|letter| *letter != 0)
    }))
}
