//! What can be set of a tracker.

use std::time::Duration;

use ahash::RandomState;

use super::{FiveTuple, Timeouts, recent::RecentFlows, store::FlowStore};
use crate::table::Paging;

/// Size and timeouts of a tracker.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackerConfig {
    /// Flows that the table holds; it is allocated once.
    pub max_flows: usize,
    /// When its memory is had.
    pub paging: Paging,
    /// When a silent flow is over.
    pub timeouts: Timeouts,
    /// A flow that was active for so long gives a record, and goes on.
    pub active_timeout: Option<Duration>,
    /// Which side is the initiator.
    pub direction: Direction,
    /// TCP's FIN, RST and SYN end flows and start new ones. Else only timeouts do, as in NetFlow.
    pub tcp_ends_flows: bool,
    /// What established flows of both sides keep of the table, whatever else comes.
    pub established_share: Share,
    /// Which SYN starts a new flow on the ports of an old one.
    pub reuse: Reuse,
    /// From when the time for an answer to a SYN runs, and the linger time.
    pub tcp_timers: TcpTimers,
    /// A RST or FIN whose sequence number is far from those of its connection ends nothing.
    pub check_window: bool,
    /// TCP payload that the snap length of the capture cut off counts as seen. Else it is missing as
    /// soon as it is acknowledged.
    pub cut_payload_is_seen: bool,
    /// A stamp that is older than the latest one by more than this shows that the clock was set back, or
    /// that another capture began; with `None` none does.
    pub clock_step: Option<Duration>,
    /// Flows that have the same timeout are in the order of their last use as far as they were used in
    /// different parts of it, of which there are so many; 0 stands for as many as there are times. It
    /// costs a little whenever a flow is used in another part than before. The order decides which flow
    /// makes room, and how much later than its timeout a flow ends at most.
    pub order_parts: u32,
    /// Key of the hashes of the table; a random one if there is none. With the same key the same packets
    /// give the same records in the same order, but whoever knows it can send packets whose flows all
    /// take the same place.
    pub hash_key: Option<u64>,
    /// Make anomaly events.
    pub emit_anomalies: bool,
    /// Time in which a flow reports each kind of anomaly once for each side, and the tracker reports
    /// pressure on its table once.
    pub anomaly_interval: Duration,
    /// Half-open flows to one destination, beyond those completed, that are a SYN flood if they come
    /// in one such interval.
    pub syn_flood_threshold: u32,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// So many
    pub parts: u32,
    /// of so many.
    pub of: u32,
}

impl Share {
    /// The share of `whole`, rounded down; at most all of it.
    pub fn floor(self, whole: usize) -> usize {
        let parts = u128::from(self.parts) * whole as u128;
        let share = parts.checked_div(u128::from(self.of)).unwrap_or(0);
        usize::try_from(share).map_or(whole, |share| share.min(whole))
    }
}

/// Which side is the initiator, where no SYN tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The sender of the first packet, unless the flow is a part of one that was seen before.
    #[default]
    FirstPacket,
    /// As Zeek has it: the sender of the first packet, unless that comes from a port that servers use
    /// and goes to one that they do not.
    LikelyServer,
}

/// Which SYN starts a new flow on the ports of an old one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// One with a new number, where the old connection is over or was silent for a minute.
    #[default]
    Over,
    /// Any with another number than that of the old connection, as Zeek has it.
    AnySyn,
    /// None.
    Never,
}

/// From when the time for an answer to a SYN runs, and the linger time of a connection that is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TcpTimers {
    /// From the latest packet. A connection is over when both FINs are acknowledged, or with a RST.
    #[default]
    LastPacket,
    /// From the SYN, and from the close, whatever follows: as Zeek has it. A connection is over when
    /// both sides have sent a FIN, or one of them that never had an answer, and all data has arrived;
    /// or with a RST.
    Fixed,
}

/// There is not enough memory for the flow tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{tables} tables for {flows} flows take {mebibytes} MiB, which cannot be had; a smaller \
     --max-flows takes less"
)]
pub struct NotEnoughMemory {
    /// Number of tables.
    pub tables: usize,
    /// Flows in each.
    pub flows: usize,
    /// What they take in all.
    pub mebibytes: usize,
}

impl TrackerConfig {
    /// Flows as Zeek has them: the rows of its `conn.log`.
    pub fn zeek() -> Self {
        Self {
            direction: Direction::LikelyServer,
            reuse: Reuse::AnySyn,
            tcp_timers: TcpTimers::Fixed,
            timeouts: Timeouts::zeek(),
            check_window: false,
            cut_payload_is_seen: false,
            clock_step: None,
            ..Self::default()
        }
    }

    /// Flows as `NetFlow` has them: only timeouts end them.
    pub fn netflow() -> Self {
        Self {
            tcp_ends_flows: false,
            reuse: Reuse::Never,
            ..Self::default()
        }
    }

    /// The keyed hash of the tables.
    pub(crate) fn hasher(&self) -> RandomState {
        keyed_hash(self.hash_key)
    }

    /// Bytes that a tracker takes, but for what only some flows need.
    pub fn memory(&self) -> usize {
        let table = FlowStore::<FiveTuple>::memory(self.max_flows);
        table.saturating_add(RecentFlows::memory(self.max_flows))
    }

    /// Finds out whether there is memory for the tables of so many trackers.
    pub fn check_memory(&self, trackers: usize) -> Result<(), NotEnoughMemory> {
        let bytes = self.memory().saturating_mul(trackers);
        // Reserved memory is not touched, so asking for it costs nothing.
        Vec::<u8>::new()
            .try_reserve_exact(bytes)
            .map_err(|_| NotEnoughMemory {
                tables: trackers,
                flows: self.max_flows,
                mebibytes: bytes >> 20,
            })
    }
}

/// The hash that has this key, or a random one.
pub(super) fn keyed_hash(key: Option<u64>) -> RandomState {
    key.map_or_else(RandomState::new, |key| {
        RandomState::with_seeds(key, !key, key.rotate_left(32), !key.rotate_left(32))
    })
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            max_flows: 1 << 18,
            paging: Paging::OnDemand,
            timeouts: Timeouts::default(),
            active_timeout: None,
            direction: Direction::FirstPacket,
            tcp_ends_flows: true,
            established_share: Share { parts: 7, of: 8 },
            reuse: Reuse::Over,
            tcp_timers: TcpTimers::LastPacket,
            check_window: true,
            cut_payload_is_seen: true,
            clock_step: Some(Duration::from_mins(30)),
            order_parts: 32,
            hash_key: None,
            emit_anomalies: false,
            anomaly_interval: Duration::from_secs(1),
            syn_flood_threshold: 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_with_a_key_is_always_the_same_and_without_one_another_each_time() {
        let hash = |hash_key| {
            let config = TrackerConfig {
                hash_key,
                ..TrackerConfig::default()
            };
            (
                config.hasher().hash_one(5),
                keyed_hash(hash_key).hash_one(5),
            )
        };
        assert_eq!(hash(Some(1)), hash(Some(1)));
        assert_eq!(hash(Some(1)).0, hash(Some(1)).1);
        assert_ne!(hash(Some(1)), hash(Some(2)));
        assert_ne!(hash(None), hash(None));
    }

    #[test]
    fn memory_is_told_before_it_is_asked_for() {
        let config = |max_flows| TrackerConfig {
            max_flows,
            ..TrackerConfig::default()
        };
        let few = config(1 << 10).memory();
        let many = config(1 << 20).memory();
        // A record of 128 bytes, a place in the index, and a quarter of one that remembers a key.
        let of_each = (many - few) / ((1 << 20) - (1 << 10));
        assert!((128..160).contains(&of_each), "{of_each}");
        assert_eq!(config(1 << 10).check_memory(2), Ok(()));
        let flows = 1 << 20;
        let error = config(flows).check_memory(usize::MAX).unwrap_err();
        assert_eq!((error.tables, error.flows), (usize::MAX, flows));
        assert_eq!(error.mebibytes, usize::MAX / (1 << 20));
    }

    #[test]
    fn a_share_is_rounded_down_and_at_most_all() {
        for (parts, of, whole, share) in [
            (7, 8, 64, 56),
            (7, 8, 15, 13),
            (7, 8, 1, 0),
            (8, 8, 3, 3),
            (9, 8, 3, 3),
            (1, 0, 3, 0),
            (7, 8, usize::MAX, usize::MAX / 8 * 7 + 6),
        ] {
            assert_eq!(
                Share { parts, of }.floor(whole),
                share,
                "{parts}/{of} of {whole}"
            );
        }
    }
}
