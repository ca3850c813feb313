//! The history of a connection, in Zeek's letters.

use core::fmt;

use crate::FlowSide;

/// Letters that fit.
const CAPACITY: usize = 31;
/// Letters kept back for how the connection ended: F, f, R and r.
const CLOSING: usize = 4;

/// The history of a flow in the order of its events, in the letters of Zeek's `history` field:
/// upper case for the initiator, lower case for the responder.
///
/// It lies inline and has a fixed capacity of 31 letters. The last four are kept for the letters
/// that tell how the connection ended, each of them once if it is not there yet, so a long history
/// still shows its close.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct HistoryString {
    /// ASCII; zeros behind the last letter.
    letters: [u8; CAPACITY],
    len: u8,
}

impl HistoryString {
    /// An empty history.
    pub const fn new() -> Self {
        Self {
            letters: [0; CAPACITY],
            len: 0,
        }
    }

    /// A history of these letters, ASCII, as far as they fit.
    pub fn from_letters(letters: impl IntoIterator<Item = u8>) -> Self {
        let mut history = Self::new();
        for (place, letter) in history.letters.iter_mut().zip(letters) {
            *place = letter;
            history.len += 1;
        }
        history
    }

    /// The letters.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The letters, ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        self.letters.get(..self.len()).unwrap_or_default()
    }

    /// Adds the lower case `letter` for `side`. Returns whether it fitted.
    pub fn push(&mut self, letter: char, side: FlowSide) -> bool {
        let kept_for = matches!(letter, 'f' | 'r') && !self.contains(letter, side);
        (kept_for || self.has_room()) && self.add(cased(letter, side))
    }

    /// Adds `letter` for `side` unless it stands there already. Returns whether it was added.
    pub fn push_once(&mut self, letter: char, side: FlowSide) -> bool {
        !self.contains(letter, side) && self.push(letter, side)
    }

    /// Adds `letter` for `side` the first time that something happens, the tenth time, the hundredth
    /// time and so on; this is the time number `count`. Returns whether it was added.
    pub fn push_scaled(&mut self, letter: char, side: FlowSide, count: u32) -> bool {
        let exponent = count.checked_ilog10();
        let scale = exponent.and_then(|exponent| 10u32.checked_pow(exponent));
        scale == Some(count) && self.push(letter, side)
    }

    /// Whether the history has the lower case `letter` for `side`.
    pub fn contains(&self, letter: char, side: FlowSide) -> bool {
        u8::try_from(cased(letter, side)).is_ok_and(|letter| self.as_bytes().contains(&letter))
    }

    /// Adds `^`: initiator and responder were swapped.
    pub fn push_flipped(&mut self) {
        if self.has_room() {
            self.add('^');
        }
    }

    fn len(&self) -> usize {
        self.len.into()
    }

    /// Whether there is room beside that for the close.
    fn has_room(&self) -> bool {
        self.len() + CLOSING < CAPACITY
    }

    fn add(&mut self, letter: char) -> bool {
        let place = self.letters.get_mut(usize::from(self.len));
        let added = u8::try_from(letter).ok().zip(place);
        if let Some((letter, place)) = added {
            *place = letter;
            self.len += 1;
            return true;
        }
        false
    }
}

const fn cased(letter: char, side: FlowSide) -> char {
    match side {
        FlowSide::Initiator => letter.to_ascii_uppercase(),
        FlowSide::Responder => letter,
    }
}

impl fmt::Debug for HistoryString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for HistoryString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FlowSide::{Initiator, Responder};

    #[test]
    fn letters_carry_their_side_by_case() {
        let mut h = HistoryString::new();
        h.push('s', Initiator);
        h.push('h', Responder);
        assert!(h.push_once('a', Initiator));
        assert!(!h.push_once('a', Initiator));
        assert_eq!(h.as_str(), "ShA");
    }

    #[test]
    fn a_scaled_letter_stands_for_powers_of_ten() {
        let mut h = HistoryString::new();
        for (count, added) in [
            (0, false),
            (1, true),
            (2, false),
            (10, true),
            (11, false),
            (1_000_000_000, true),
            (u32::MAX, false),
        ] {
            assert_eq!(h.push_scaled('t', Responder, count), added, "{count}");
        }
        assert_eq!(h.as_str(), "ttt");
    }

    #[test]
    fn closing_letters_that_come_again_leave_the_places_of_the_others() {
        let mut h = HistoryString::new();
        while h.push('f', Initiator) {}
        assert!(h.push('f', Responder));
        assert!(!h.push('f', Responder));
        assert!(h.push('r', Initiator));
        assert!(h.push('r', Responder));
        assert!(h.as_str().ends_with("FfRr"));
    }

    #[test]
    fn a_full_history_still_takes_the_closing_letters() {
        let mut h = HistoryString::new();
        while h.push('t', Responder) {}
        h.push_flipped();
        for (letter, side) in [
            ('f', Initiator),
            ('f', Responder),
            ('r', Initiator),
            ('r', Responder),
        ] {
            assert!(h.push(letter, side));
        }
        assert_eq!(h.as_str().len(), CAPACITY);
        assert!(h.as_str().ends_with("FfRr"));
        assert!(!h.push('f', Initiator));
    }
}
