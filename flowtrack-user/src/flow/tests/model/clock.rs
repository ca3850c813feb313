//! Time in the reference tracker: every time that the clock was set back is kept.

use std::time::Duration;

use flowtrack_common::Timestamp;

/// A stamp, and how often the clock had been set back by then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) at: Timestamp,
    pub(super) clock: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    pub(super) now: Timestamp,
    /// From when to when it was set back.
    set_back: Vec<(Timestamp, Timestamp)>,
}

impl Clock {
    pub(super) fn note(&mut self, ts: Timestamp) {
        if ts.saturating_add(Duration::from_mins(30)) < self.now {
            self.set_back.push((self.now, ts));
            self.now = ts;
        } else {
            self.now = self.now.max(ts);
        }
    }

    /// How often it was set back.
    pub(super) fn number(&self) -> usize {
        self.set_back.len()
    }

    pub(super) fn used(&self, at: Timestamp) -> Use {
        let clock = self.number();
        Use { at, clock }
    }

    /// When it was last used by this clock; only the last four times that it was set back count.
    pub(super) fn at(&self, last: Use) -> Timestamp {
        let from = last.clock.max(self.number().saturating_sub(4));
        let set_to = self.set_back[from..].iter().map(|(_, to)| *to);
        set_to.fold(last.at, Timestamp::min)
    }

    /// Whether it was idle then or ever since.
    pub(super) fn is_idle(&self, last: Use, timeout: Duration) -> bool {
        let since = &self.set_back[last.clock..];
        let mut at = last.at;
        for (from, to) in since {
            if at.saturating_add(timeout) < *from {
                return true;
            }
            at = at.min(*to);
        }
        since.len() > 4 || at.saturating_add(timeout) < self.now
    }
}
