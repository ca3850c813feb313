//! When the flow table is under pressure, and when it is no more.

use std::time::Duration;

use flowtrack_common::{EvictionPressure, PressureState, Timestamp, VictimClass};

use super::TrackerCounters;

/// Rates are not taken over less.
const SHORTEST: Duration = Duration::from_millis(1);

/// Watches how full a table is and what it gives up.
///
/// It reports at most once an interval: as soon as nine tenths of the table are used; at the end of
/// each interval in which flows were evicted, the last one included, which ends with the tracker; and,
/// once, when less than three quarters are used again.
/// An interval begins with a report, or where the one before it ends without.
#[derive(Debug, Default)]
pub(super) struct PressureGauge {
    /// How it was when the interval that is under way began.
    began: Option<Reading>,
    /// That was with a report: the next one comes at the end of the interval.
    reported: bool,
    raised: bool,
}

/// How full a table is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) live: usize,
    pub(super) capacity: usize,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    at: Timestamp,
    live: u64,
    created: u64,
    evicted: [u64; VictimClass::ALL.len()],
    returned: u64,
}

impl PressureGauge {
    /// Looks at the table at `now`: what is to be reported, if anything.
    #[inline]
    pub(super) fn check(
        &mut self,
        now: Timestamp,
        interval: Duration,
        level: Level,
        counters: &TrackerCounters,
    ) -> Option<EvictionPressure> {
        let Some(began) = &self.began else {
            self.began = Some(Reading::new(now, level, counters));
            return None;
        };
        // A clock that is set back ends the interval too.
        let over = now < began.at || began.at.saturating_add(interval) <= now;
        let rises = !self.raised && !self.reported && level.is_high();
        if over || rises {
            self.end_interval(Reading::new(now, level, counters), interval, level)
        } else {
            None
        }
    }

    /// Ends the interval that is under way if flows were evicted in it: no other look follows.
    pub(super) fn last(
        &mut self,
        now: Timestamp,
        interval: Duration,
        level: Level,
        counters: &TrackerCounters,
    ) -> Option<EvictionPressure> {
        if self.began?.evicted == counters.evicted {
            return None;
        }
        self.end_interval(Reading::new(now, level, counters), interval, level)
    }

    #[cold]
    fn end_interval(
        &mut self,
        reading: Reading,
        interval: Duration,
        level: Level,
    ) -> Option<EvictionPressure> {
        let before = self.began.replace(reading)?;
        let elapsed = if reading.at < before.at {
            interval
        } else {
            reading.at.saturating_since(before.at)
        };
        let pressure = reading.pressure(&before, elapsed.max(SHORTEST), level);
        let evicted = pressure.evicted.iter().any(|&flows| flows > 0);
        let state = if evicted || (!self.raised && level.is_high()) {
            Some(PressureState::Raised)
        } else if self.raised && level.is_low() {
            Some(PressureState::Cleared)
        } else {
            None
        };
        self.reported = state.is_some();
        let state = state?;
        self.raised = state == PressureState::Raised;
        Some(EvictionPressure { state, ..pressure })
    }
}

impl Level {
    /// Nine tenths of the table are used.
    fn is_high(self) -> bool {
        self.live.saturating_mul(10) >= self.capacity.saturating_mul(9)
    }

    /// Less than three quarters of the table are used.
    fn is_low(self) -> bool {
        self.live.saturating_mul(4) < self.capacity.saturating_mul(3)
    }
}

impl Reading {
    fn new(at: Timestamp, level: Level, counters: &TrackerCounters) -> Self {
        Self {
            at,
            live: level.live as u64,
            created: counters.created,
            evicted: counters.evicted,
            returned: counters.returned,
        }
    }

    /// What happened since `before`, which was `elapsed` ago. The caller says what state that is.
    fn pressure(&self, before: &Self, elapsed: Duration, level: Level) -> EvictionPressure {
        let mut evicted = self.evicted;
        for (count, before) in evicted.iter_mut().zip(before.evicted) {
            *count = count.saturating_sub(before);
        }
        let capacity = level.capacity as u64;
        EvictionPressure {
            evicted,
            evicted_total: self.evicted,
            live: self.live,
            capacity,
            new_flows_per_second: per_second(self.created.saturating_sub(before.created), elapsed),
            time_to_full: time_for(
                capacity.saturating_sub(self.live),
                self.live.saturating_sub(before.live),
                elapsed,
            ),
            returned: self.returned,
            ..EvictionPressure::default()
        }
    }
}

fn per_second(count: u64, elapsed: Duration) -> u64 {
    let nanos = u128::from(count) * Duration::from_secs(1).as_nanos();
    saturated(nanos / elapsed.as_nanos().max(1))
}

/// How long it takes for `missing` flows to come when `gained` came in `elapsed`.
fn time_for(missing: u64, gained: u64, elapsed: Duration) -> Option<Duration> {
    if missing == 0 {
        return Some(Duration::ZERO);
    }
    let nanos = u128::from(missing).saturating_mul(elapsed.as_nanos());
    let nanos = nanos.checked_div(u128::from(gained))?;
    Some(Duration::from_nanos(saturated(nanos)))
}

fn saturated(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
