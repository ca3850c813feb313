//! A tracker with its sink: bursts in, chunks out.

use std::time::Duration;

use flowtrack_common::{EndReason, Timestamp};

use super::{ChunkSink, LostCounts, ShardCounts, TopFlows, timer::Timer};
use crate::{
    capture::BURST,
    flow::{Estimate, FiveTuple, Observation, SampleRate, Tracker, TrackerConfig},
    table::Pages,
};

/// Flows that may expire with a burst beyond those that it starts, so that the sweep keeps up, and many
/// that expire together hold up no burst for long.
const EXPIRE: usize = 8;
/// Flows that may expire at once where nothing has arrived.
const EXPIRE_IDLE: usize = 2 * BURST;
/// Places of the table that are looked at for large flows, per burst.
const VISIT: usize = BURST;
/// From one look at all large flows to the next.
const TOP_INTERVAL: Duration = Duration::from_secs(1);
/// Time that a result may wait for others to be sent with it.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// A tracker shard and its way to the control plane. It has no clock of its own.
#[derive(Debug)]
pub struct Shard {
    tracker: Tracker<FiveTuple>,
    sink: ChunkSink,
    top: TopFlows,
    /// Where to go on looking for large flows; `None` when through.
    cursor: Option<usize>,
    top_timer: Timer,
    flush_timer: Timer,
}

impl Shard {
    /// A shard without flows.
    pub fn new(config: TrackerConfig, sink: ChunkSink) -> Self {
        Self {
            tracker: Tracker::new(config),
            sink,
            top: TopFlows::default(),
            cursor: None,
            top_timer: Timer::new(TOP_INTERVAL),
            flush_timer: Timer::new(FLUSH_INTERVAL),
        }
    }

    /// Takes in packets, in their order, and does a bounded piece of what else there is to do.
    pub fn burst(&mut self, burst: &[Observation<FiveTuple>]) {
        let before = self.tracker.counters().created;
        self.tracker.burst(burst, &mut self.sink);
        let started = self.tracker.counters().created - before;
        // Not more than the burst has observations.
        let started = usize::try_from(started).unwrap_or(burst.len());
        self.tracker.expire(started + EXPIRE, &mut self.sink);
    }

    /// The wall clock says `now`: looks for large flows and sends what has waited long enough. Only
    /// for live capture; a file has no wall clock.
    pub fn tick(&mut self, now: Timestamp) {
        if self.cursor.is_none() && self.top_timer.is_due(now) {
            self.cursor = Some(0);
        }
        if let Some(cursor) = self.cursor {
            let Self { tracker, top, .. } = self;
            self.cursor = tracker.visit_large(cursor, VISIT, top.least(), |key, stats| {
                top.offer(key, stats);
            });
            if self.cursor.is_none() {
                self.sink.top(std::mem::take(&mut self.top));
            }
        }
        if self.flush_timer.is_due(now) {
            self.sink.flush();
        }
    }

    /// No packet is waiting and the wall clock says `now`: flows expire by it. Returns whether there
    /// may be more of them.
    pub fn idle(&mut self, now: Timestamp) -> bool {
        self.tracker.advance(now);
        self.tracker.expire(EXPIRE_IDLE, &mut self.sink) == EXPIRE_IDLE
    }

    /// The queue has lost packets, some time since it was last looked at.
    pub fn capture_lost(&mut self) {
        self.tracker.capture_lost();
    }

    /// From now on one flow in so many comes here; all packets with stamps until `now` may still be those
    /// of the rate before.
    pub fn sample(&mut self, rate: SampleRate, now: Timestamp) {
        self.tracker.sample(rate, now);
    }

    /// Ends all flows and sends what is left; waits for the control plane.
    pub fn finish(&mut self, reason: EndReason) {
        self.sink.wait_from_now_on();
        self.tracker.finish(reason, &mut self.sink);
        self.sink.flush();
    }

    /// Bytes that the tracker takes.
    pub fn memory(&self) -> usize {
        self.tracker.memory()
    }

    /// The pages that the flow table lies in.
    pub fn pages(&self) -> Pages {
        self.tracker.pages()
    }

    /// Puts into `counts` what the tracker counted and what the control plane was too slow for.
    pub fn count(&self, counts: &mut ShardCounts) {
        let tracker = self.tracker.counters();
        counts.matched = tracker.packets;
        counts.wire_bytes = tracker.wire_bytes;
        counts.created = tracker.created;
        counts.live = self.tracker.live() as u64;
        counts.records = tracker.records;
        counts.recorded_packets = tracker.recorded_packets;
        counts.live_packets = tracker.packets - tracker.recorded_packets;
        counts.ended = tracker.ended;
        counts.evicted = tracker.evicted;
        counts.returned = tracker.returned;
        counts.anomalies = tracker.anomalies;
        let Estimate {
            flows,
            packets,
            bytes,
        } = self.tracker.estimate();
        counts.estimated_flows = flows;
        counts.estimated_packets = packets;
        counts.estimated_bytes = bytes;
        let LostCounts {
            records,
            packets,
            events,
        } = self.sink.lost();
        counts.lost_records = records;
        counts.lost_packets = packets;
        counts.lost_events = events;
    }
}

#[cfg(test)]
mod tests;
