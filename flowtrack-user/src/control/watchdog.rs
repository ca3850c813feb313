//! A queue that stands still: packets come for it, and none is taken.
//!
//! That is either a worker that does not run (a thread that is stopped, a core that something else took)
//! or a driver that gives the socket nothing, as some do in zero-copy mode after their fill ring was
//! empty. In tap mode the host is cut off meanwhile.

use std::{ops::AddAssign, time::Duration};

use serde::Serialize;

/// A queue that takes nothing for so long is kicked: a worker that runs looks every 50 ms at the latest.
const KICK_AFTER: Duration = Duration::from_secs(1);
/// It has had as long again to react.
const REPORT_AFTER: Duration = Duration::from_secs(2);
/// And again: connections of the host survive three seconds.
const PASS_AFTER: Duration = Duration::from_secs(3);
/// A queue that was passed without a packet waiting for its worker is tried again: nothing else would tell
/// that its driver works again.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// What becomes of a queue that stands still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stalled {
    /// It is kicked and reported.
    #[default]
    Report,
    /// It is then left to the host, until its worker moves again.
    Pass,
}

/// What was done about a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WatchdogRow {
    /// Times that it was kicked: its driver was woken up.
    pub kicks: u64,
    /// Times that it was reported to stand still.
    pub stalls: u64,
    /// Times that it was left to the host.
    pub passes: u64,
}

/// What is seen of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    /// When, since any moment.
    pub(super) at: Duration,
    /// Packets that the XDP program has captured for it.
    pub(super) captured: u64,
    /// Packets that its worker has taken.
    pub(super) received: u64,
    /// Packets lie in its ring.
    pub(super) waiting: bool,
}

/// What there is to do about a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Nothing,
    /// Wake its driver up.
    Kick,
    /// Say that it stands still.
    Report,
    /// The same, and leave its packets to the host from now on.
    Pass,
    /// Say that it moves again.
    Recovered,
    /// Capture its packets again, and say so.
    Capture,
}

/// Watches a queue.
#[derive(Debug)]
pub(super) struct Watchdog {
    stalled: Stalled,
    state: State,
    /// When the queue was last seen to be well.
    well: Duration,
    /// When a packet was last captured for it.
    arrived: Duration,
    before: Option<Sight>,
    row: WatchdogRow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Well,
    Kicked,
    Reported,
    Passed { since: Duration },
}

impl AddAssign for WatchdogRow {
    fn add_assign(&mut self, other: Self) {
        self.kicks += other.kicks;
        self.stalls += other.stalls;
        self.passes += other.passes;
    }
}

impl Watchdog {
    /// For a queue that is well.
    pub(super) fn new(stalled: Stalled) -> Self {
        Self {
            stalled,
            state: State::Well,
            well: Duration::ZERO,
            arrived: Duration::ZERO,
            before: None,
            row: WatchdogRow::default(),
        }
    }

    /// What was done so far.
    pub(super) fn row(&self) -> WatchdogRow {
        self.row
    }

    /// Its socket is a new one, and its packets are captured.
    pub(super) fn restart(&mut self) {
        self.state = State::Well;
        self.before = None;
    }

    /// What there is to do now.
    pub(super) fn step(&mut self, sight: Sight) -> Step {
        let Some(before) = self.before.replace(sight) else {
            (self.well, self.arrived) = (sight.at, sight.at);
            return Step::Nothing;
        };
        let arrives = sight.captured > before.captured;
        if arrives {
            self.arrived = sight.at;
        }
        if sight.received != before.received {
            self.well = sight.at;
            return self.recover();
        }
        if let State::Passed { since } = self.state {
            let due = sight.at.saturating_sub(since) >= RETRY_AFTER;
            return if due && !sight.waiting {
                self.well = sight.at;
                self.recover()
            } else {
                Step::Nothing
            };
        }
        // Nothing waits and nothing comes: a queue without traffic stands still for a good reason.
        let silent = sight.at.saturating_sub(self.arrived) >= KICK_AFTER;
        if !sight.waiting && silent {
            self.well = sight.at;
            return self.recover();
        }
        self.press(sight.at)
    }

    fn recover(&mut self) -> Step {
        match std::mem::replace(&mut self.state, State::Well) {
            State::Well | State::Kicked => Step::Nothing,
            State::Reported => Step::Recovered,
            State::Passed { .. } => Step::Capture,
        }
    }

    fn press(&mut self, at: Duration) -> Step {
        let stood = at.saturating_sub(self.well);
        match self.state {
            State::Well if stood >= KICK_AFTER => {
                self.state = State::Kicked;
                self.row.kicks += 1;
                Step::Kick
            }
            State::Kicked if stood >= REPORT_AFTER => {
                self.state = State::Reported;
                self.row.stalls += 1;
                Step::Report
            }
            State::Reported if stood >= PASS_AFTER && self.stalled == Stalled::Pass => {
                self.state = State::Passed { since: at };
                self.row.passes += 1;
                Step::Pass
            }
            _ => Step::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue for which packets are captured, ten a tick of 100 ms, unless they are passed.
    struct Queue {
        dog: Watchdog,
        sight: Sight,
        captured: bool,
    }

    impl Queue {
        fn new(stalled: Stalled) -> Self {
            Self {
                dog: Watchdog::new(stalled),
                sight: Sight {
                    at: Duration::from_secs(1000),
                    captured: 0,
                    received: 0,
                    waiting: false,
                },
                captured: true,
            }
        }

        /// Lets so many ticks go by; the steps, and the tick of each.
        fn ticks(&mut self, ticks: u32, mut tick: impl FnMut(&mut Sight)) -> Vec<(u32, Step)> {
            let mut steps = Vec::new();
            for number in 1..=ticks {
                self.sight.at += Duration::from_millis(100);
                if self.captured {
                    tick(&mut self.sight);
                }
                match self.dog.step(self.sight) {
                    Step::Nothing => {}
                    step => {
                        self.captured = match step {
                            Step::Pass => false,
                            Step::Capture => true,
                            _ => self.captured,
                        };
                        steps.push((number, step));
                    }
                }
            }
            steps
        }
    }

    fn flows(sight: &mut Sight) {
        sight.captured += 10;
        sight.received = sight.captured;
        sight.waiting = false;
    }

    fn stands(sight: &mut Sight) {
        sight.captured += 10;
        sight.waiting = true;
    }

    fn starves(sight: &mut Sight) {
        sight.captured += 10;
        sight.waiting = false;
    }

    fn waits(sight: &mut Sight) {
        sight.waiting = true;
    }

    fn silence(_: &mut Sight) {}

    #[test]
    fn a_queue_that_moves_or_has_no_traffic_is_left_alone() {
        let mut queue = Queue::new(Stalled::Pass);
        assert_eq!(queue.ticks(100, silence), []);
        assert_eq!(queue.ticks(100, flows), []);
        // A packet that nobody has counted and nobody waits for is no stall.
        assert_eq!(queue.ticks(1, starves), []);
        let steps = queue.ticks(1000, silence);
        assert!(
            steps.iter().all(|(_, step)| *step == Step::Kick),
            "{steps:?}"
        );
        assert_eq!(queue.dog.row().stalls, 0);
    }

    #[test]
    fn a_queue_that_stands_still_is_kicked_then_reported_then_passed() {
        use Step::{Kick, Pass, Report};
        for (stalled, tick, steps) in [
            (
                Stalled::Report,
                stands as fn(&mut Sight),
                vec![(10, Kick), (20, Report)],
            ),
            (
                Stalled::Pass,
                stands,
                vec![(10, Kick), (20, Report), (30, Pass)],
            ),
            (
                Stalled::Pass,
                starves,
                vec![(10, Kick), (20, Report), (30, Pass)],
            ),
            // Nothing more comes, but what came is not taken.
            (Stalled::Report, waits, vec![(10, Kick), (20, Report)]),
        ] {
            let mut queue = Queue::new(stalled);
            assert_eq!(queue.ticks(5, flows), []);
            assert_eq!(queue.ticks(100, tick), steps, "{stalled:?}");
        }
    }

    #[test]
    fn a_kick_that_helps_is_not_reported() {
        let mut queue = Queue::new(Stalled::Pass);
        queue.ticks(5, flows);
        assert_eq!(queue.ticks(15, stands), [(10, Step::Kick)]);
        assert_eq!(queue.ticks(100, flows), []);
        let row = WatchdogRow {
            kicks: 1,
            ..WatchdogRow::default()
        };
        assert_eq!(queue.dog.row(), row);
    }

    #[test]
    fn a_queue_that_moves_again_is_captured_again() {
        for (stalled, step) in [
            (Stalled::Report, Step::Recovered),
            (Stalled::Pass, Step::Capture),
        ] {
            let mut queue = Queue::new(stalled);
            queue.ticks(5, flows);
            queue.ticks(50, stands);
            // The worker takes what is left in the ring.
            queue.sight.received += 1;
            assert_eq!(queue.ticks(1, silence), [(1, step)]);
            assert_eq!(queue.ticks(100, flows), []);
            assert_eq!(queue.dog.row().stalls, 1);
        }
    }

    #[test]
    fn a_passed_queue_is_tried_again_where_no_packet_waits_for_a_worker() {
        let mut queue = Queue::new(Stalled::Pass);
        queue.ticks(5, flows);
        assert_eq!(queue.ticks(30, starves).last(), Some(&(30, Step::Pass)));
        assert_eq!(queue.ticks(100, starves), [(100, Step::Capture)]);
        assert_eq!(queue.ticks(30, starves).last(), Some(&(30, Step::Pass)));

        let mut queue = Queue::new(Stalled::Pass);
        queue.ticks(5, flows);
        assert_eq!(queue.ticks(30, stands).last(), Some(&(30, Step::Pass)));
        assert_eq!(queue.ticks(1000, stands), [], "its worker does not run");
    }
}
