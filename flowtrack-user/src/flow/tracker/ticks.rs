//! Timeouts as a packet needs them: in nanoseconds, and the parts in which flows are kept in the order of
//! their last use.

use flowtrack_common::Timestamp;

use crate::flow::{TimeoutSlot, TrackerConfig, clock::LastUse};

/// The timeouts, and the length of their parts.
///
/// A flow that is used again within a part stays where it is in its list. So most packets do not touch
/// the neighbours of their flow, which lie anywhere in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticks {
    /// Nanoseconds.
    timeouts: [u64; TimeoutSlot::COUNT],
    /// As a power of two of nanoseconds.
    parts: [Option<u8>; TimeoutSlot::COUNT],
}

impl Ticks {
    /// The parts that `config` asks for.
    pub(super) fn new(config: &TrackerConfig) -> Self {
        let mut ticks = Self {
            timeouts: [0; TimeoutSlot::COUNT],
            parts: [None; TimeoutSlot::COUNT],
        };
        let places = ticks.timeouts.iter_mut().zip(&mut ticks.parts);
        for ((nanos, tick), slot) in places.zip(TimeoutSlot::all()) {
            let timeout = config.timeouts.at(slot).as_nanos();
            *nanos = u64::try_from(timeout).unwrap_or(u64::MAX);
            let part = timeout.checked_div(u128::from(config.order_parts));
            let exponent = part.and_then(u128::checked_ilog2);
            // Longer ones than 2^63 nanoseconds are no parts of any time that there is.
            *tick = exponent.map(|exponent| u8::try_from(exponent).map_or(63, |e| e.min(63)));
        }
        ticks
    }

    /// A timeout in nanoseconds.
    #[inline]
    pub(super) fn nanos(&self, timeout: TimeoutSlot) -> u64 {
        let nanos = self.timeouts.get(timeout.index()).copied();
        nanos.unwrap_or_default()
    }

    /// Whether a flow that was last used at `before` has to change its place in its list when it is used
    /// at `now`.
    #[inline]
    pub(super) fn differ(&self, timeout: TimeoutSlot, before: LastUse, now: LastUse) -> bool {
        self.lie_apart(timeout, before.stamp(), now.stamp()) || before.clock() != now.clock()
    }

    /// The same by one clock.
    #[inline]
    pub(super) fn lie_apart(
        &self,
        timeout: TimeoutSlot,
        before: Timestamp,
        now: Timestamp,
    ) -> bool {
        let tick = self.parts.get(timeout.index()).copied().flatten();
        tick.is_none_or(|tick| before.as_nanos() >> tick != now.as_nanos() >> tick)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::flow::{TimeoutClass, clock::Clock};

    fn differ(order_parts: u32, timeout: Duration, before: u64, now: u64) -> bool {
        let mut config = TrackerConfig {
            order_parts,
            ..TrackerConfig::default()
        };
        config.timeouts.set_all(timeout);
        let clock = Clock::new(None);
        let [before, now] = [before, now].map(|at| clock.first_used(Timestamp::from_nanos(at)));
        Ticks::new(&config).differ(TimeoutClass::Udp.into(), before, now)
    }

    #[test]
    fn parts_are_a_power_of_two_not_longer_than_asked_for() {
        let timeout = Duration::from_micros(1);
        for (order_parts, before, now, expected) in [
            (4, 0, 127, false),
            (4, 127, 128, true),
            (4, 128, 255, false),
            (1, 0, 511, false),
            (1, 0, 512, true),
            (0, 5, 5, true),
            (1001, 5, 5, true),
            (1000, 5, 5, false),
            (1000, 5, 6, true),
        ] {
            assert_eq!(
                differ(order_parts, timeout, before, now),
                expected,
                "{order_parts} {before} {now}"
            );
        }
    }

    #[test]
    fn a_timeout_without_end_has_parts_too() {
        assert!(!differ(1, Duration::MAX, 0, u64::MAX / 2));
    }
}
