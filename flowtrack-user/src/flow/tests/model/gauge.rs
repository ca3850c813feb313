//! When the reference tracker tells of pressure on its table.

use std::time::Duration;

use flowtrack_common::{EvictionPressure, PressureState, Timestamp};

use crate::flow::TrackerCounters;

const SECOND: Duration = Duration::from_secs(1);

/// How things stood when something was told, or a second had gone by without.
#[derive(Default)]
pub(super) struct Gauge {
    then: Option<(Timestamp, usize, TrackerCounters)>,
    told: bool,
    raised: bool,
}

impl Gauge {
    pub(super) fn look(
        &mut self,
        now: Timestamp,
        live: usize,
        capacity: usize,
        counters: &TrackerCounters,
        last: bool,
    ) -> Option<EvictionPressure> {
        let Some((then, live_then, before)) = self.then else {
            self.then = Some((now, live, *counters));
            return None;
        };
        let high = live * 10 >= capacity * 9;
        let in_second = then <= now && now.saturating_since(then) < SECOND;
        let ends = last && counters.evicted != before.evicted;
        if last && !ends {
            return None;
        }
        if in_second && !ends && (self.told || self.raised || !high) {
            return None;
        }
        self.then = Some((now, live, *counters));
        let evicted = [0, 1, 2, 3].map(|class| counters.evicted[class] - before.evicted[class]);
        let state = if evicted != [0; 4] || (high && !self.raised) {
            Some(PressureState::Raised)
        } else if self.raised && live * 4 < capacity * 3 {
            Some(PressureState::Cleared)
        } else {
            None
        };
        self.told = state.is_some();
        self.raised = state.map_or(self.raised, |state| state == PressureState::Raised);
        let elapsed = if now < then {
            SECOND
        } else {
            now.saturating_since(then).max(Duration::from_millis(1))
        };
        Some(EvictionPressure {
            state: state?,
            evicted,
            evicted_total: counters.evicted,
            live: live as u64,
            capacity: capacity as u64,
            new_flows_per_second: rate(counters.created - before.created, elapsed),
            time_to_full: time_to_full(live, live_then, capacity, elapsed),
            returned: counters.returned,
        })
    }
}

fn rate(flows: u64, elapsed: Duration) -> u64 {
    let nanos = u128::from(flows) * SECOND.as_nanos();
    u64::try_from(nanos / elapsed.as_nanos()).unwrap()
}

fn time_to_full(
    live: usize,
    before: usize,
    capacity: usize,
    elapsed: Duration,
) -> Option<Duration> {
    if live >= capacity {
        return Some(Duration::ZERO);
    }
    let gained = live.checked_sub(before).filter(|gained| *gained > 0)?;
    let nanos = (capacity - live) as u128 * elapsed.as_nanos() / gained as u128;
    Some(Duration::from_nanos(u64::try_from(nanos).unwrap()))
}
