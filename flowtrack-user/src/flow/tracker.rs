//! The tracker: packets in, events and records out.

mod ahead;
mod end;
mod group;
mod report;
mod room;
mod short;
mod ticks;
mod update;

use std::{
    alloc::{Layout, handle_alloc_error},
    io,
};

use flowtrack_common::{EndReason, FlowKey, FlowStats, Timestamp, VictimClass};

use self::{
    ahead::Ahead,
    group::{GROUP, Group},
    room::guaranteed,
    ticks::Ticks,
};
use super::{
    EventSink, Meta, Observation, TrackerConfig,
    clock::Clock,
    entry::Flow,
    flood::SynFlood,
    loss::Losses,
    pressure::PressureGauge,
    recent::RecentFlows,
    sampling::{Estimate, SampleRate, Sampling},
    store::{FlowStore, Lookup},
};
use crate::table::Pages;

/// What a tracker has counted since it was made.
///
/// `created = live + ended`, and `packets = recorded_packets + those that no record has yet`, after
/// every call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackerCounters {
    /// Packets taken in.
    pub packets: u64,
    /// Their bytes on the wire.
    pub wire_bytes: u64,
    /// Flows started.
    pub created: u64,
    /// Flows ended, by [`EndReason`].
    pub ended: [u64; EndReason::ALL.len()],
    /// Packets in records.
    pub recorded_packets: u64,
    /// Records: one for each flow that ended, and those of the active timeout.
    pub records: u64,
    /// Flows that made room in a full table, by [`VictimClass`].
    pub evicted: [u64; VictimClass::ALL.len()],
    /// Evicted flows that came back within their timeout: records wrongly split.
    pub returned: u64,
    /// Anomaly events made.
    pub anomalies: u64,
}

impl TrackerCounters {
    /// Flows ended.
    pub fn ended_total(&self) -> u64 {
        self.ended.iter().sum()
    }

    /// A record of so many packets was given.
    fn record(&mut self, packets: u64) {
        self.records += 1;
        self.recorded_packets += packets;
    }
}

/// Follows flows by their packets.
///
/// It takes packets in the order in which they arrived. All that it knows of time are their stamps:
/// the latest of them, or a later time given to [`Tracker::advance`], is the watermark by which flows
/// expire. A stamp that is older by [`TrackerConfig::clock_step`] sets the watermark back: the clock has
/// been set.
#[derive(Debug)]
pub struct Tracker<K> {
    flows: FlowStore<K>,
    config: TrackerConfig,
    /// Flows of each [`VictimClass`] that are not evicted for others.
    guaranteed: [usize; VictimClass::ALL.len()],
    ticks: Ticks,
    ahead: Ahead,
    clock: Clock,
    losses: Losses,
    sampling: Sampling,
    recent: RecentFlows,
    gauge: PressureGauge,
    flood: SynFlood,
    counters: TrackerCounters,
    /// No packet goes the short way.
    #[cfg(test)]
    pub(super) long_way: bool,
    /// Packets that went the short way.
    #[cfg(test)]
    pub(super) short_ways: usize,
}

impl<K: FlowKey> Tracker<K> {
    /// A tracker without flows. All its memory is allocated here; with [`Paging::Now`] the calling
    /// thread has that of the table at once, near its core.
    ///
    /// [`Paging::Now`]: crate::table::Paging::Now
    ///
    /// Where there is not enough memory the process ends, as with a vector that cannot grow:
    /// [`Tracker::try_new`] and [`TrackerConfig::check_memory`] tell beforehand.
    pub fn new(config: TrackerConfig) -> Self {
        let out_of_memory = |_| handle_alloc_error(Layout::new::<Flow>());
        Self::try_new(config).unwrap_or_else(out_of_memory)
    }

    /// The same; the error is that of the kernel, which has not enough memory.
    pub fn try_new(config: TrackerConfig) -> io::Result<Self> {
        let flows = FlowStore::try_new(&config)?;
        Ok(Self {
            guaranteed: guaranteed(flows.limit(), config.established_share),
            flows,
            config,
            ticks: Ticks::new(&config),
            ahead: Ahead::default(),
            clock: Clock::new(config.clock_step),
            losses: Losses::new(),
            sampling: Sampling::default(),
            recent: RecentFlows::new(config.max_flows),
            gauge: PressureGauge::default(),
            flood: SynFlood::new(config.hasher()),
            counters: TrackerCounters::default(),
            #[cfg(test)]
            long_way: false,
            #[cfg(test)]
            short_ways: 0,
        })
    }

    /// Bytes that the tracker takes: for all flows that there may be, and beyond that for those which
    /// needed more so far.
    pub fn memory(&self) -> usize {
        let flows = self.config.max_flows;
        FlowStore::<K>::memory(flows) + RecentFlows::memory(flows) + self.flows.extra_memory()
    }

    /// The pages that the flow table lies in.
    pub fn pages(&self) -> Pages {
        self.flows.pages()
    }

    /// Whether anomalies are events too. They are not unless asked for.
    #[must_use]
    pub fn with_emit_anomalies(mut self, emit: bool) -> Self {
        self.config.emit_anomalies = emit;
        self
    }

    /// What was counted so far.
    pub fn counters(&self) -> &TrackerCounters {
        &self.counters
    }

    /// Flows that have not ended.
    pub fn live(&self) -> usize {
        self.flows.len()
    }

    /// Takes in a packet, a note or the time.
    #[inline]
    pub fn observe(&mut self, observation: &Observation<K>, sink: &mut impl EventSink<K>) {
        match observation {
            Observation::Packet(meta) => self.packet(meta, sink),
            Observation::Note(note) => self.note(note, sink),
            Observation::Time(now) => self.advance(*now),
        }
    }

    /// Takes in a burst of packets, notes and times, in their order.
    ///
    /// It is the same as [`Tracker::observe`] for each of them, but faster: the memory of the flows
    /// that they belong to is on its way before the first of them is looked at.
    pub fn burst(&mut self, burst: &[Observation<K>], sink: &mut impl EventSink<K>) {
        let mut groups = burst.chunks(GROUP);
        let mut looked_up = Group::default();
        let mut fetched = Group::default();
        loop {
            let due = fetched;
            fetched = looked_up;
            looked_up = groups
                .next()
                .map_or_else(Group::default, |group| self.look_up(group));
            for lookup in fetched.lookups() {
                if !self.flows.prefetch_record(lookup) {
                    self.recent.prefetch(lookup.hash(), self.clock.number());
                }
            }
            for (lookup, observation) in due.lookups().zip(due.observations) {
                match observation {
                    Observation::Packet(meta) => self.take_in(lookup, meta, sink),
                    Observation::Note(note) => self.note(note, sink),
                    Observation::Time(now) => self.advance(*now),
                }
            }
            if fetched.observations.is_empty() && looked_up.observations.is_empty() {
                return;
            }
        }
    }

    /// What the observations are looked up by. The places are being fetched.
    #[inline]
    fn look_up<'a>(&self, observations: &'a [Observation<K>]) -> Group<'a, K> {
        let mut lookups = [Lookup::NONE; GROUP];
        for (lookup, observation) in lookups.iter_mut().zip(observations) {
            if let Some(key) = observation.key() {
                *lookup = self.flows.lookup(key);
                self.flows.prefetch_bucket(lookup);
            }
        }
        Group {
            observations,
            lookups,
        }
    }

    /// Takes in a packet.
    #[inline]
    pub fn packet(&mut self, meta: &Meta<K>, sink: &mut impl EventSink<K>) {
        let lookup = self.flows.lookup(&meta.packet.key);
        self.take_in(&lookup, meta, sink);
    }

    /// Takes in a packet whose key is looked up by `lookup`.
    #[inline]
    fn take_in(&mut self, lookup: &Lookup, meta: &Meta<K>, sink: &mut impl EventSink<K>) {
        self.clock.note(meta.ts);
        self.counters.packets += 1;
        self.counters.wire_bytes += u64::from(meta.packet.wire_len);
        let id = self.flows.find(lookup, &meta.packet.key);
        if !id.is_some_and(|id| self.count_plain(id, meta, sink)) {
            self.follow(id, lookup, meta, sink);
        }
        self.check_pressure(sink);
    }

    /// Moves the watermark on to `now`, if that is later. A `now` that is older by more than
    /// [`TrackerConfig::clock_step`] sets it back, as a stamp does.
    pub fn advance(&mut self, now: Timestamp) {
        self.clock.note(now);
    }

    /// The queue has lost packets: each flow that is alive may miss some of its own.
    pub fn capture_lost(&mut self) {
        self.losses.note(&self.clock);
    }

    /// From now on one flow in so many comes here; all packets with stamps until `now` may still be those
    /// of the rate before. Records say so, and [`Tracker::estimate`] makes up for it.
    pub fn sample(&mut self, rate: SampleRate, now: Timestamp) {
        self.sampling.set(rate, now, &self.counters);
    }

    /// What would have been counted without sampling.
    pub fn estimate(&self) -> Estimate {
        self.sampling.estimate(&self.counters)
    }

    /// Shows up to `limit` places of the table from `cursor` on to `visit`: the key with the
    /// initiator as source, and what was counted. Returns where to go on, `None` at the end.
    pub fn visit(
        &self,
        cursor: usize,
        limit: usize,
        visit: impl FnMut(K, &FlowStats),
    ) -> Option<usize> {
        self.visit_large(cursor, limit, 0, visit)
    }

    /// The same, but only of flows of at least so many bytes on the wire.
    pub fn visit_large(
        &self,
        cursor: usize,
        limit: usize,
        at_least: u64,
        mut visit: impl FnMut(K, &FlowStats),
    ) -> Option<usize> {
        let config = &self.config;
        self.flows
            .visit(cursor, limit, at_least, config, |key, flow| {
                visit(flow.oriented(key), &flow.stats);
            })
    }
}
