//! Time as a tracker knows it: the stamps of its packets.

use std::time::Duration;

use flowtrack_common::Timestamp;

/// Times that the clock was set back which are remembered. What was last used before them is idle.
const REMEMBERED: usize = 4;

/// The latest packet time, and when the clock was set back.
///
/// What is idle depends on the stamps alone, not on when somebody asks: what was idle when the clock
/// was set back is so ever after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    now: Timestamp,
    /// A stamp that is older than the latest one by more nanoseconds than this shows that the clock was set back.
    step: Option<u64>,
    /// How often the clock was set back.
    times_set: u32,
    /// The last of these times, the latest first.
    set: [SetBack; REMEMBERED],
}

/// The clock was set back.
#[derive(Clone, Copy, Debug, Default)]
struct SetBack {
    from: Timestamp,
    to: Timestamp,
}

/// When something was last used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LastUse {
    at: Timestamp,
    times_set: u32,
}

impl LastUse {
    /// At `at`, by the clock of this number.
    pub(super) fn new(at: Timestamp, clock: u32) -> Self {
        Self {
            at,
            times_set: clock,
        }
    }

    /// The number of the clock.
    pub(super) fn clock(self) -> u32 {
        self.times_set
    }

    /// The stamp, by that clock.
    pub(super) fn stamp(self) -> Timestamp {
        self.at
    }
}

impl Clock {
    /// A clock that has seen no stamp.
    pub(crate) fn new(step: Option<Duration>) -> Self {
        Self {
            now: Timestamp::EPOCH,
            step: step.map(|step| Timestamp::EPOCH.saturating_add(step).as_nanos()),
            times_set: 0,
            set: [SetBack::default(); REMEMBERED],
        }
    }

    /// The watermark: time goes on with the stamps, and late ones do not turn it back.
    #[inline]
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Which clock it is: it becomes another one when it is set back.
    #[inline]
    pub(super) fn number(&self) -> u32 {
        self.times_set
    }

    /// Notes a stamp. Returns whether the clock was set back to it.
    #[inline]
    pub(crate) fn note(&mut self, ts: Timestamp) -> bool {
        let late = |step| ts.as_nanos().saturating_add(step) < self.now.as_nanos();
        let set_back = self.step.is_some_and(late);
        if set_back {
            self.set_back(ts);
        } else {
            self.now = self.now.max(ts);
        }
        set_back
    }

    #[cold]
    fn set_back(&mut self, to: Timestamp) {
        let from = self.now;
        self.set.rotate_right(1);
        if let Some(latest) = self.set.first_mut() {
            *latest = SetBack { from, to };
        }
        self.times_set = self.times_set.wrapping_add(1);
        self.now = to;
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
        if last.times_set == self.times_set {
            last.at.saturating_add(timeout) < self.now
        } else {
            self.was_idle(last, timeout)
        }
    }

    /// When it was last used. What was used before the clock was set back was used by then.
    #[inline]
    pub(super) fn on_this_clock(&self, last: LastUse) -> Timestamp {
        let set_since = self.set_since(last).iter();
        set_since.fold(last.at, |at, set| at.min(set.to))
    }

    /// The same as `is_idle`, of what was used before the clock was set back.
    #[cold]
    fn was_idle(&self, last: LastUse, timeout: Duration) -> bool {
        let set_since = self.set_since(last);
        let mut at = last.at;
        for SetBack { from, to } in set_since.iter().rev() {
            if at.saturating_add(timeout) < *from {
                return true;
            }
            at = at.min(*to);
        }
        let forgotten = self.times_set.wrapping_sub(last.times_set) as usize > set_since.len();
        forgotten || at.saturating_add(timeout) < self.now
    }

    /// The times that the clock was set back since then, as far as they are remembered.
    #[inline]
    fn set_since(&self, last: LastUse) -> &[SetBack] {
        let times = self.times_set.wrapping_sub(last.times_set) as usize;
        self.set.get(..times).unwrap_or(&self.set)
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
        assert!(
            !clock.note(at(10_000 - 30 * 60)),
            "half an hour is not more"
        );
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

    #[test]
    fn what_was_idle_stays_so_when_the_clock_is_set_back() {
        let timeout = Duration::from_mins(1);
        let mut clock = Clock::new(STEP);
        clock.note(at(10_000));
        let idle = clock.first_used(at(10_000));
        clock.note(at(10_030));
        let fresh = clock.first_used(at(10_030));
        clock.note(at(10_090));
        assert!(clock.note(at(8_000)), "by more than half an hour");
        assert!(clock.is_idle(idle, timeout));
        assert!(!clock.is_idle(fresh, timeout));
        assert_eq!(clock.on_this_clock(fresh), at(8_000));
        clock.note(at(8_060));
        assert!(clock.note(at(2_000)));
        assert!(!clock.is_idle(fresh, timeout), "60 seconds are not more");
        assert_eq!(clock.on_this_clock(fresh), at(2_000));
        clock.note(at(2_060));
        assert!(!clock.is_idle(fresh, timeout), "nor are they on this clock");
        clock.note(at(2_061));
        assert!(clock.is_idle(fresh, timeout));
    }

    #[test]
    fn what_was_used_before_a_clock_that_is_set_again_and_again_is_idle() {
        let mut clock = Clock::new(STEP);
        clock.note(at(20_000));
        let last = clock.first_used(at(20_000));
        for times in 1..=REMEMBERED as u64 {
            assert!(clock.note(at(20_000 - 2_000 * times)));
            assert!(!clock.is_idle(last, Duration::MAX));
        }
        assert!(clock.note(at(1_000)));
        assert!(clock.is_idle(last, Duration::MAX));
    }
}
