//! Less of the flows under pressure, and more again when it is gone.

use super::gauge::{Pressure, Reading};
use crate::flow::SampleRate;

/// Ticks between two cuts while the rings are too full: until a cut shows, what lies in them has to be
/// taken, and the socket's counters are read every 10 ms.
const RING_SETTLE: u32 = 2;
/// The same while the tables are too full: flows that are in no sample any more stay until they expire.
const TABLE_SETTLE: u32 = 50;
/// A burst of packets may keep a worker busy for a while without being too much.
const SATURATED_TICKS: u32 = 5;
/// Ticks without pressure before more is tried, at first.
const PATIENCE: u32 = 20;
/// The same at most, when more was tried again and again and was too much: about a minute.
const PATIENCE_MAX: u32 = 640;
/// The smallest share.
const LEAST: u32 = 1024;

/// Decides which share of the flows is tracked, at each tick of 100 ms.
///
/// Under pressure it halves the share. When there was none for a time, it tries twice the share; if
/// that brings the pressure back before the same time is over, it waits twice as long the next time. So
/// under a constant load the share settles, but for one attempt a minute.
#[derive(Debug)]
pub(in crate::control) struct Controller {
    rate: SampleRate,
    /// Ticks since the last change.
    unchanged: u32,
    /// Ticks without pressure.
    quiet: u32,
    /// Ticks for which workers never waited.
    saturated: u32,
    /// Ticks without pressure that it takes to try more.
    patience: u32,
    /// The last change was for more, and has not proved right yet.
    trying: bool,
}

impl Controller {
    /// All flows, until there is pressure.
    pub(in crate::control) fn new() -> Self {
        Self {
            rate: SampleRate::ALL,
            unchanged: 0,
            quiet: 0,
            saturated: 0,
            patience: PATIENCE,
            trying: false,
        }
    }

    /// The share from now on, and what it was reduced for, if it was.
    pub(in crate::control) fn step(&mut self, reading: Reading) -> (SampleRate, Option<Pressure>) {
        self.unchanged = self.unchanged.saturating_add(1);
        self.saturated = if reading.saturated {
            self.saturated.saturating_add(1)
        } else {
            0
        };
        let pressure = reading.pressure(self.saturated >= SATURATED_TICKS);
        let reduced = if let Some(pressure) = pressure {
            self.press(pressure)
        } else {
            self.relax(reading);
            None
        };
        (self.rate, reduced)
    }

    fn press(&mut self, pressure: Pressure) -> Option<Pressure> {
        self.quiet = 0;
        if self.trying {
            self.trying = false;
            self.patience = self.patience.saturating_mul(2).min(PATIENCE_MAX);
            // What has just been tried is taken back at once.
            return self.change(self.rate.halved()).then_some(pressure);
        }
        let settle = match pressure {
            Pressure::Ring => RING_SETTLE,
            Pressure::Table => TABLE_SETTLE,
        };
        let first = self.rate == SampleRate::ALL;
        let due = first || self.unchanged >= settle;
        (due && self.rate.n() < LEAST && self.change(self.rate.halved())).then_some(pressure)
    }

    fn relax(&mut self, reading: Reading) {
        self.quiet = self.quiet.saturating_add(1);
        if self.trying && self.quiet >= self.patience {
            self.trying = false;
            self.patience = PATIENCE;
        }
        if self.quiet >= self.patience && self.rate != SampleRate::ALL && reading.has_room_for_twice
        {
            self.trying = self.change(self.rate.doubled());
            self.quiet = 0;
        }
    }

    fn change(&mut self, rate: SampleRate) -> bool {
        let changed = rate != self.rate;
        self.rate = rate;
        self.unchanged = 0;
        changed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUIET: Reading = Reading {
        lost: false,
        saturated: false,
        table_full: false,
        has_room_for_twice: true,
    };
    const LOSS: Reading = Reading {
        lost: true,
        ..QUIET
    };
    const FULL: Reading = Reading {
        table_full: true,
        has_room_for_twice: false,
        ..QUIET
    };

    fn steps(controller: &mut Controller, reading: Reading, ticks: u32) -> u32 {
        (0..ticks).for_each(|_| {
            controller.step(reading);
        });
        controller.rate.n()
    }

    #[test]
    fn pressure_halves_the_share_step_by_step_down_to_the_least() {
        let mut controller = Controller::new();
        assert_eq!(steps(&mut controller, LOSS, 1), 2, "the first one at once");
        assert_eq!(steps(&mut controller, LOSS, 1), 2, "it has to show first");
        assert_eq!(steps(&mut controller, LOSS, 1), 4);
        assert_eq!(steps(&mut controller, LOSS, 1000), LEAST);
    }

    #[test]
    fn a_full_table_needs_time_to_get_emptier() {
        let mut controller = Controller::new();
        assert_eq!(steps(&mut controller, FULL, 1), 2);
        assert_eq!(steps(&mut controller, FULL, TABLE_SETTLE - 1), 2);
        assert_eq!(steps(&mut controller, FULL, 1), 4);
    }

    #[test]
    fn a_worker_that_is_busy_for_a_moment_is_no_pressure() {
        let busy = Reading {
            saturated: true,
            ..QUIET
        };
        let mut controller = Controller::new();
        for _ in 0..100 {
            assert_eq!(steps(&mut controller, busy, SATURATED_TICKS - 1), 1);
            assert_eq!(steps(&mut controller, QUIET, 1), 1);
        }
        assert_eq!(steps(&mut controller, busy, SATURATED_TICKS), 2);
    }

    #[test]
    fn the_share_is_not_raised_while_the_table_has_no_room_for_it() {
        let cramped = Reading {
            has_room_for_twice: false,
            ..QUIET
        };
        let mut controller = Controller::new();
        steps(&mut controller, LOSS, 1);
        assert_eq!(steps(&mut controller, cramped, 10_000), 2);
        assert_eq!(steps(&mut controller, QUIET, 1), 1);
    }

    proptest! {
        #[test]
        fn pressure_never_raises_the_share_and_quiet_never_lowers_it(
            readings in prop::collection::vec(any::<[bool; 4]>(), 0..2000),
        ) {
            let mut controller = Controller::new();
            for [lost, saturated, table_full, has_room_for_twice] in readings {
                let before = controller.rate.n();
                let reading = Reading { lost, saturated, table_full, has_room_for_twice };
                let (after, reduced) = controller.step(reading);
                prop_assert!(after.n().is_power_of_two() && after.n() <= LEAST);
                prop_assert!(after.n() <= 2 * before && before <= 2 * after.n());
                prop_assert_eq!(reduced.is_some(), after.n() > before);
                if lost || table_full {
                    prop_assert!(after.n() >= before);
                } else if !saturated {
                    prop_assert!(after.n() <= before);
                }
            }
        }

        #[test]
        fn all_flows_are_tracked_again_when_the_pressure_is_gone(
            pressed in prop::collection::vec(any::<bool>(), 0..5000),
        ) {
            let mut controller = Controller::new();
            for lost in pressed {
                controller.step(Reading { lost, ..QUIET });
            }
            prop_assert_eq!(steps(&mut controller, QUIET, 2 * PATIENCE_MAX + 10 * PATIENCE), 1);
        }

        #[test]
        fn under_a_constant_load_the_share_settles(bearable in 0_u32..=10) {
            let mut controller = Controller::new();
            let mut changes = Vec::new();
            for tick in 0..100_000 {
                let before = controller.rate;
                let lost = controller.rate.n() < 1 << bearable;
                let (after, _) = controller.step(Reading { lost, ..QUIET });
                if after != before {
                    changes.push(tick);
                }
            }
            // Down to where it is bearable, attempts at growing intervals, then two changes a minute.
            let settling = 10 + 2 * 6;
            let attempts = 2 * 100_000 / PATIENCE_MAX as usize;
            prop_assert!(changes.len() <= settling + attempts, "{}", changes.len());
            prop_assert!(controller.rate.n() == 1 << bearable || controller.rate.n() * 2 == 1 << bearable);
        }
    }
}
