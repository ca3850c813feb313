//! How much pressure there is on the rings and the tables of an interface.

use std::fmt;

use flowtrack_common::VictimClass;

use crate::worker::ShardCounts;

/// A table is too full when so many percent of its places are taken.
const FULL_PERCENT: u64 = 95;
/// There is room for twice the flows while at most so many percent are taken: what twice the share makes
/// of them stays well below the other bound.
const HALF_PERCENT: u64 = 40;

/// What the last tick has shown.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent answers of one moment"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) struct Reading {
    /// A socket dropped packets, or a ring had no room for headers.
    pub(super) lost: bool,
    /// A worker found packets whenever it looked.
    pub(super) saturated: bool,
    /// A table is full, or nearly so, or gave up flows that were not over.
    pub(super) table_full: bool,
    /// All tables have room for twice the flows.
    pub(super) has_room_for_twice: bool,
}

/// What there is too much for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) enum Pressure {
    /// The workers, and so the rings.
    Ring,
    /// The flow tables.
    Table,
}

impl Reading {
    /// What there is too much for, if there is; `saturated` if workers were busy for long.
    pub(super) fn pressure(self, saturated: bool) -> Option<Pressure> {
        if self.lost || saturated {
            Some(Pressure::Ring)
        } else {
            self.table_full.then_some(Pressure::Table)
        }
    }
}

impl fmt::Display for Pressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ring => "more packets than the workers can take",
            Self::Table => "more flows than the tables hold",
        })
    }
}

/// Compares the counters of an interface's shards with those of the tick before.
#[derive(Debug)]
pub(in crate::control) struct Gauge {
    max_flows: u64,
    before: Vec<ShardCounts>,
}

impl Gauge {
    /// For tables of so many flows each.
    pub(in crate::control) fn new(max_flows: usize) -> Self {
        Self {
            max_flows: max_flows as u64,
            before: Vec::new(),
        }
    }

    /// What has happened since the last call.
    pub(in crate::control) fn read(&mut self, counts: &[ShardCounts]) -> Reading {
        self.before.resize_with(counts.len(), ShardCounts::default);
        let grown = || self.before.iter().zip(counts);
        let reading = Reading {
            lost: grown().any(|(before, now)| lost(now) > lost(before)),
            saturated: grown()
                .any(|(before, now)| now.received > before.received && now.waits == before.waits),
            table_full: grown().any(|(before, now)| {
                evicted(now) > evicted(before) || self.is_above(now.live, FULL_PERCENT)
            }),
            has_room_for_twice: !counts
                .iter()
                .any(|now| self.is_above(now.live, HALF_PERCENT)),
        };
        self.before.copy_from_slice(counts);
        reading
    }

    fn is_above(&self, live: u64, percent: u64) -> bool {
        live.saturating_mul(100) > self.max_flows.saturating_mul(percent)
    }
}

fn lost(counts: &ShardCounts) -> u64 {
    counts.rx_dropped + counts.rx_ring_full + counts.headers_lost
}

/// Flows that made room and were not over.
fn evicted(counts: &ShardCounts) -> u64 {
    let of = |(class, evicted): (&VictimClass, &u64)| match class {
        VictimClass::Closed => 0,
        _ => *evicted,
    };
    VictimClass::ALL.iter().zip(&counts.evicted).map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Reading = Reading {
        lost: false,
        saturated: false,
        table_full: false,
        has_room_for_twice: true,
    };

    /// The reading when the second of two shards goes from one count to the other.
    fn reading(before: &ShardCounts, now: &ShardCounts) -> Reading {
        let mut gauge = Gauge::new(1000);
        gauge.read(&[ShardCounts::default(), *before]);
        gauge.read(&[ShardCounts::default(), *now])
    }

    fn counts(change: impl FnOnce(&mut ShardCounts)) -> ShardCounts {
        let mut counts = ShardCounts {
            received: 10,
            waits: 10,
            rx_ring_full: 10,
            rx_dropped: 10,
            evicted: [10; VictimClass::ALL.len()],
            ..ShardCounts::default()
        };
        change(&mut counts);
        counts
    }

    #[test]
    fn what_grew_is_pressure() {
        let lost = Reading { lost: true, ..IDLE };
        let full = Reading {
            table_full: true,
            ..IDLE
        };
        let saturated = Reading {
            saturated: true,
            ..IDLE
        };
        let class = |class: VictimClass| {
            counts(|c| {
                VictimClass::ALL
                    .iter()
                    .zip(&mut c.evicted)
                    .filter(|(of, _)| **of == class)
                    .for_each(|(_, evicted)| *evicted += 1);
            })
        };
        for (now, expected) in [
            (counts(|_| {}), IDLE),
            (counts(|c| c.rx_ring_full += 1), lost),
            (counts(|c| c.rx_dropped += 1), lost),
            (counts(|c| c.received += 1), saturated),
            (
                counts(|c| {
                    c.received += 1;
                    c.waits += 1;
                }),
                IDLE,
            ),
            (class(VictimClass::Closed), IDLE),
            (class(VictimClass::OneSided), full),
            (class(VictimClass::TwoSided), full),
        ] {
            assert_eq!(reading(&counts(|_| {}), &now), expected, "{now:?}");
        }
    }

    #[test]
    fn a_table_that_is_nearly_full_is_pressure_and_a_half_full_one_is_not() {
        let at = |live| reading(&counts(|_| {}), &counts(|c| c.live = live));
        for (live, table_full, has_room_for_twice) in [
            (400, false, true),
            (401, false, false),
            (950, false, false),
            (951, true, false),
        ] {
            let expected = Reading {
                table_full,
                has_room_for_twice,
                ..IDLE
            };
            assert_eq!(at(live), expected, "{live}");
        }
    }
}
