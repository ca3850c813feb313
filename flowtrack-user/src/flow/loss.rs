//! Losses in the queue, and which flows may miss packets for them.

use std::time::Duration;

use super::clock::{Clock, LastUse};

/// Losses that are remembered, the last ones.
const REMEMBERED: usize = 16;

/// When the queue has lost packets.
///
/// Whether a flow lived at that time is decided later, when it is used again or ends. It makes no
/// difference when that is: the clock of each loss is kept as it was. Only of a flow that was silent
/// for more losses than are remembered it is taken for granted.
#[derive(Debug)]
pub(super) struct Losses {
    count: u32,
    /// The clock at each of the last ones; the loss number `n` lies at `n` modulo their number.
    clocks: [Clock; REMEMBERED],
}

impl Losses {
    /// Nothing lost yet.
    pub(super) fn new() -> Self {
        Self {
            count: 0,
            clocks: [Clock::new(None); REMEMBERED],
        }
    }

    /// Packets were lost.
    pub(super) fn note(&mut self, clock: &Clock) {
        let number = self.count as usize % REMEMBERED;
        if let Some(place) = self.clocks.get_mut(number) {
            *place = *clock;
        }
        self.count = self.count.wrapping_add(1);
    }

    /// Losses so far, modulo 2^32.
    #[inline]
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Whether packets were lost while a flow lived that was last used at `last_use`, when there had
    /// been `before` losses.
    pub(super) fn concern(&self, before: u32, last_use: LastUse, timeout: Duration) -> bool {
        let since = self.count.wrapping_sub(before) as usize;
        if since == 0 {
            return false;
        }
        // A flow that was over at the first of them was so at the others.
        let first = self.clocks.get(before as usize % REMEMBERED);
        let alive = first.is_some_and(|clock| !clock.is_idle(last_use, timeout));
        since > REMEMBERED || alive
    }
}

#[cfg(test)]
mod tests {
    use flowtrack_common::Timestamp;

    use super::*;

    const TIMEOUT: Duration = Duration::from_mins(1);

    #[test]
    fn the_first_loss_after_the_last_use_counts() {
        let mut clock = Clock::new(None);
        let mut losses = Losses::new();
        let uses = [0u64, 61, 100, 101].map(|at| clock.first_used(Timestamp::new(at, 0)));
        assert!(!losses.concern(0, uses[0], TIMEOUT));
        for at in [121, 150, 500] {
            clock.note(Timestamp::new(at, 0));
            losses.note(&clock);
        }
        for (before, expected) in [
            (0, [false, true, true, true]),
            (1, [false, false, true, true]),
            (2, [false; 4]),
            (3, [false; 4]),
        ] {
            let concern = uses.map(|last_use| losses.concern(before, last_use, TIMEOUT));
            assert_eq!(concern, expected, "{before}");
        }
    }

    #[test]
    fn what_was_silent_for_too_many_losses_is_concerned() {
        let mut clock = Clock::new(None);
        let mut losses = Losses::new();
        let last_use = clock.first_used(Timestamp::new(0, 0));
        clock.note(Timestamp::new(1000, 0));
        for number in 1..40 {
            losses.note(&clock);
            let forgotten = number > REMEMBERED;
            assert_eq!(losses.concern(0, last_use, TIMEOUT), forgotten, "{number}");
        }
    }
}
