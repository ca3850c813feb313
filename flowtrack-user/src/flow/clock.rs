//! Time as a tracker knows it: the stamps of its packets.

use std::time::Duration;

use flowtrack_common::Timestamp;

/// The latest packet time, and when the clock was set back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    now: Timestamp,
    /// A stamp that is older than the latest one by more than this shows that the clock was set back.
    step: Option<Duration>,
    /// How often the clock was set back, and to what the last time.
    times_set: u32,
    set_to: Timestamp,
}

/// When something was last used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastUse {
    at: Timestamp,
    times_set: u32,
}

impl Clock {
    /// A clock that has seen no stamp.
    pub(super) fn new(step: Option<Duration>) -> Self {
        Self {
            step,
            ..Self::default()
        }
    }

    /// The watermark: time goes on with the stamps, and late ones do not turn it back.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Notes a stamp.
    #[inline]
    pub(super) fn note(&mut self, ts: Timestamp) {
        if ts > self.now {
            self.now = ts;
        } else if self
            .step
            .is_some_and(|step| ts.saturating_add(step) < self.now)
        {
            self.now = ts;
            self.set_to = ts;
            self.times_set = self.times_set.wrapping_add(1);
        }
    }

    /// Something that was last used at `previous` is used again at `ts`.
    #[inline]
    pub(super) fn used(&self, previous: LastUse, ts: Timestamp) -> LastUse {
        LastUse {
            at: self.on_this_clock(previous).max(ts),
            times_set: self.times_set,
        }
    }

    /// Something is used for the first time at `ts`.
    pub(super) fn first_used(&self, ts: Timestamp) -> LastUse {
        LastUse {
            at: ts,
            times_set: self.times_set,
        }
    }

    /// Whether it was not used for `timeout`.
    #[inline]
    pub(super) fn is_idle(&self, last: LastUse, timeout: Duration) -> bool {
        self.on_this_clock(last).saturating_add(timeout) < self.now
    }

    /// When it was last used. What was used before the clock was set back was used by then.
    #[inline]
    pub(super) fn on_this_clock(&self, last: LastUse) -> Timestamp {
        if last.times_set == self.times_set {
            last.at
        } else {
            last.at.min(self.set_to)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Option<Duration> = Some(Duration::from_mins(30));

    fn at(secs: u64) -> Timestamp {
        Timestamp::new(secs, 0)
    }

    #[test]
    fn where_no_clock_is_set_back_time_never_turns_back() {
        let mut clock = Clock::new(None);
        clock.note(at(10_000));
        clock.note(at(1));
        assert_eq!(clock.now(), at(10_000));
    }

    #[test]
    fn late_stamps_do_not_turn_time_back_but_a_clock_that_is_set_does() {
        let mut clock = Clock::new(STEP);
        clock.note(at(10_000));
        clock.note(at(9_000));
        assert_eq!(clock.now(), at(10_000));
        clock.note(at(1_000));
        assert_eq!(clock.now(), at(1_000));
    }

    #[test]
    fn what_was_used_before_the_clock_was_set_is_idle_a_timeout_later() {
        let mut clock = Clock::new(STEP);
        clock.note(at(10_000));
        let last = clock.first_used(at(10_000));
        clock.note(at(1_000));
        assert!(!clock.is_idle(last, Duration::from_mins(1)));
        clock.note(at(1_061));
        assert!(clock.is_idle(last, Duration::from_mins(1)));
        assert!(!clock.is_idle(clock.used(last, at(1_061)), Duration::from_mins(1)));
    }
}
