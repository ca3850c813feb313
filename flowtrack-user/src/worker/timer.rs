//! What is done once in a while.

use std::time::Duration;

use flowtrack_common::Timestamp;

/// Tells when an interval has passed. It goes by the time that it is given, which is that of packets or
/// of the wall clock, and does not stop when that is set back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    interval: Duration,
    due: Timestamp,
}

impl Timer {
    /// Due at once, and then once an interval.
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            due: Timestamp::EPOCH,
        }
    }

    /// Whether it is due. If so, the next interval begins.
    pub(super) fn is_due(&mut self, now: Timestamp) -> bool {
        let next = now.saturating_add(self.interval);
        let due = now >= self.due || self.due > next;
        if due {
            self.due = next;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_an_interval_and_when_the_clock_was_set_back() {
        let at = |secs| Timestamp::new(secs, 0);
        let mut timer = Timer::new(Duration::from_secs(10));
        let due = [1000, 1001, 1009, 1010, 1011, 500, 505, 510].map(|secs| timer.is_due(at(secs)));
        assert_eq!(due, [true, false, false, true, false, true, false, true]);
    }
}
