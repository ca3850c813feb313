//! The letters of a history in 5 bits each.

use flowtrack_common::{FlowSide, HistoryString};

use super::int::U56;

/// Letters that fit.
const PLACES: u32 = 11;
const BITS: u32 = 5;
/// The last number of so many bits.
const LAST: u64 = (1 << BITS) - 1;
/// Those that a packed flow can have, by number. What else there is comes with a count that does not fit.
const LETTERS: [u8; 1 << BITS] = *b"\0DdAa^SsHhFfRrIiQq\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
/// The number of each letter, 0 for what is none.
const NUMBERS: [u8; 256] = numbers();

/// A letter that most flows have: its number, which is one more for the responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) enum Letter {
    /// D
    Data = 1,
    /// A
    Ack = 3,
    /// S
    Syn = 6,
    /// H
    SynAck = 8,
    /// F
    Fin = 10,
}

impl Letter {
    /// Whether there is room for a letter behind these.
    #[inline]
    pub(in crate::flow) fn fits_behind(numbers: U56) -> bool {
        numbers.get() >> (BITS * (PLACES - 1)) == 0
    }

    /// It as one of `side`, behind other letters. There must be room for it.
    #[inline]
    pub(in crate::flow) fn behind(self, numbers: U56, side: FlowSide) -> U56 {
        let all = numbers.get();
        let used = (u64::BITS - all.leading_zeros()).div_ceil(BITS);
        let number = u64::from(self as u32 + side as u32);
        U56::low(all | number << (BITS * used))
    }
}

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
    while LETTERS[number] != 0 {
        #[expect(clippy::cast_possible_truncation, reason = "there are 17 letters")]
        let small = number as u8;
        numbers[LETTERS[number] as usize] = small;
        number += 1;
    }
    numbers
}

impl Letters {
    /// Of a history, or `None` if it is too long or has a letter without a number.
    #[inline]
    pub(super) fn of(history: &HistoryString) -> Option<Self> {
        let letters = history.as_bytes();
        let (mut all, mut seen, mut shift) = (0, 0, 0);
        if letters.len() > PLACES as usize {
            return None;
        }
        for letter in letters {
            let number = NUMBERS[usize::from(*letter)];
            all |= u64::from(number) << shift;
            seen |= 1 << number;
            shift += BITS;
        }
        (seen & 1 == 0).then_some(Self {
            numbers: U56::low(all),
            seen,
        })
    }

    /// Whether D is there.
    pub(super) fn has_data(self, side: FlowSide) -> bool {
        self.has(Letter::Data, side)
    }

    /// Whether A is there.
    pub(super) fn has_ack(self, side: FlowSide) -> bool {
        self.has(Letter::Ack, side)
    }

    fn has(self, letter: Letter, side: FlowSide) -> bool {
        self.seen & (1 << (letter as u32 + side as u32)) != 0
    }
}

/// The history of these letters.
#[inline]
pub(super) fn history(numbers: U56) -> HistoryString {
    let mut rest = numbers.get();
    HistoryString::from_letters(std::iter::from_fn(|| {
        let letter = LETTERS[(rest & LAST) as usize];
        rest >>= BITS;
        (letter != 0).then_some(letter)
    }))
}
