//! The parts in which a long flow is recorded.

use std::time::Duration;

use flowtrack_common::{FlowStats, Timestamp, Volume};

use super::clock::{Clock, LastUse};

/// What the records that a flow gave so far have told of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// Records given.
    pub(super) given: u32,
    /// The first packet that they have not told of.
    since: LastUse,
    initiator: Volume,
    responder: Volume,
}

impl Parts {
    /// Nothing told of a flow whose first packet is this one.
    pub(super) fn new(first_use: LastUse) -> Self {
        Self {
            since: first_use,
            ..Self::default()
        }
    }

    /// Whether the part that is under way is over for a packet at `ts`.
    #[inline]
    pub(super) fn is_over(&self, clock: &Clock, active_timeout: Duration, ts: Timestamp) -> bool {
        clock
            .on_this_clock(self.since)
            .saturating_add(active_timeout)
            <= ts
    }

    /// Whether no record was given yet, and the first packet of the flow is this one.
    #[inline]
    pub(super) fn is_first(&self, since: LastUse) -> bool {
        self.given == 0 && self.since == since
    }

    /// Time of the first packet of the part that is under way.
    pub(super) fn since(&self) -> Timestamp {
        self.since.stamp()
    }

    /// What each side sent in the part that is under way: initiator, responder.
    pub(super) fn volumes(&self, stats: &FlowStats) -> (Volume, Volume) {
        (
            stats.initiator.volume().since(self.initiator),
            stats.responder.volume().since(self.responder),
        )
    }

    /// Initiator and responder change places.
    pub(super) fn swap_sides(&mut self) {
        std::mem::swap(&mut self.initiator, &mut self.responder);
    }

    /// The part that is under way was told of; the next one begins with the packet at `next`.
    pub(super) fn next(&mut self, stats: &FlowStats, next: LastUse) {
        *self = Self {
            given: self.given.saturating_add(1),
            since: next,
            initiator: stats.initiator.volume(),
            responder: stats.responder.volume(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_of_a_side_goes_with_it() {
        let mut stats = FlowStats::default();
        (stats.initiator.packets, stats.responder.packets) = (5, 7);
        let mut parts = Parts::default();
        parts.next(&stats, LastUse::default());
        std::mem::swap(&mut stats.initiator, &mut stats.responder);
        parts.swap_sides();
        stats.initiator.packets += 1;
        let (initiator, responder) = parts.volumes(&stats);
        assert_eq!((initiator.packets, responder.packets), (1, 0));
    }
}
