//! Packets that arrived on one queue and belong to the shard of another one.

use serde::Serialize;

use super::{Moment, signed};
use crate::worker::ShardCounts;

/// Packets between the parser of a queue and the trackers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HandoverRow {
    /// Handed to the shards of other queues.
    pub handed_out: u64,
    /// Of other queues, taken in by this shard.
    pub handed_in: u64,
    /// Lost: the ring to their shard was full.
    pub lost: u64,
    /// Of this queue and its own shard, and not taken in yet: they wait for the other queues.
    pub waiting: u64,
    /// On their way from one queue to the shard of another one; known in total only.
    pub in_flight: u64,
    /// For information: taken in behind later packets of other queues.
    pub late: u64,
}

impl HandoverRow {
    /// What was counted of a queue, or of all.
    pub(super) fn new(counts: &ShardCounts) -> Self {
        Self {
            handed_out: counts.handed_out,
            handed_in: counts.handed_in,
            lost: counts.handover_lost,
            waiting: counts.handover_waiting,
            in_flight: 0,
            late: counts.handover_late,
        }
    }

    /// The row of all queues: what they have handed out and nobody has taken in is on its way, or
    /// unexplained. Returns what is unexplained.
    pub(super) fn close(&mut self, moment: Moment) -> i64 {
        let missing = signed(self.handed_out) - signed(self.handed_in);
        let (in_flight, unexplained) = moment.split(missing, i64::MAX);
        self.in_flight = in_flight;
        unexplained
    }

    /// Packets that found no tracker here, less those that came from elsewhere.
    pub(super) fn balance(&self) -> i64 {
        signed(self.handed_out + self.lost + self.waiting) - signed(self.handed_in)
    }
}
