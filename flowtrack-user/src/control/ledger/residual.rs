//! What the rows of the ledger do not explain.

use serde::Serialize;

use super::{HandoverRow, signed};
use crate::worker::ShardCounts;

/// Whether packets may still be on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Yes: some are between one row and the next.
    Running,
    /// No: all must be accounted for.
    Ended,
}

/// Packets that one row has and the next one does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Residual {
    /// Captured by the XDP program, but neither received nor dropped by the socket.
    pub xsk: i64,
    /// Received, but neither filtered nor accepted nor refused.
    pub wire: i64,
    /// Handed to the shard of another queue, but not taken in there; known in total only.
    pub handover: i64,
    /// Accepted or tunnelled, but not taken in by the tracker.
    pub tracker: i64,
    /// Flows (not packets) that were started and are neither live nor ended.
    pub flows: i64,
    /// Taken in, but neither in a record, nor in a live flow, nor in a lost record.
    pub records: i64,
}

impl Residual {
    /// Whether every packet is accounted for.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Packets that are unexplained, wherever.
    pub fn sum(&self) -> u64 {
        let Self {
            xsk,
            wire,
            handover,
            tracker,
            flows,
            records,
        } = self;
        [xsk, wire, handover, tracker, flows, records]
            .into_iter()
            .map(|packets| packets.unsigned_abs())
            .sum()
    }
}

impl Residual {
    /// What the counters do not explain, added to what was found missing before and behind them.
    pub(super) fn new(counts: &ShardCounts, xsk: i64, unarrived: i64, moment: Moment) -> Self {
        let refused: u64 = counts.refused.iter().sum();
        let ended: u64 = counts.ended.iter().sum();
        let recorded_packets = counts.recorded_packets + moment.live(counts.live_packets);
        Self {
            xsk,
            wire: signed(counts.received) - signed(counts.filtered + counts.accepted + refused),
            handover: 0,
            tracker: signed(counts.accepted + counts.tunnelled)
                - signed(counts.matched)
                - HandoverRow::new(counts).balance(),
            flows: signed(counts.created) - signed(ended + moment.live(counts.live)),
            records: unarrived + signed(counts.matched) - signed(recorded_packets),
        }
    }
}

impl Moment {
    /// What is alive: nothing, at the end.
    pub(super) fn live(self, count: u64) -> u64 {
        match self {
            Self::Running => count,
            Self::Ended => 0,
        }
    }

    /// Splits what is missing into what may be on its way, at most `max`, and what is unexplained.
    pub(super) fn split(self, missing: i64, max: i64) -> (u64, i64) {
        match self {
            Self::Running if (0..=max).contains(&missing) => (missing.unsigned_abs(), 0),
            // A counter that is read before the one behind it is behind it.
            Self::Running if (-max..0).contains(&missing) => (0, 0),
            _ => (0, missing),
        }
    }
}
