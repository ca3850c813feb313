//! The tracker: packets in, events and records out.

use std::time::Duration;

use flowtrack_common::{
    EndReason, FlowEvent, FlowKey, FlowState, FlowStats, L4Proto, Timestamp, VictimClass,
};

use super::{
    EventKinds, EventSink, FlowRecord, Meta, Note, Observation, RecordReason, TimeoutSlot,
    TrackerConfig,
    clock::Clock,
    entry::{Flow, LISTS, list},
    tcp::Arrival,
};
use crate::table::{FlowTable, SlotId};

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
}

impl TrackerCounters {
    /// Flows ended.
    pub fn ended_total(&self) -> u64 {
        self.ended.iter().sum()
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
    table: FlowTable<K, Flow, LISTS>,
    config: TrackerConfig,
    clock: Clock,
    /// When the queue was last known to lose packets.
    lost_at: Option<Timestamp>,
    counters: TrackerCounters,
}

impl<K: FlowKey> Tracker<K> {
    /// A tracker without flows. Its table is allocated here.
    pub fn new(config: TrackerConfig) -> Self {
        Self {
            table: FlowTable::new(config.max_flows),
            config,
            clock: Clock::new(config.clock_step),
            lost_at: None,
            counters: TrackerCounters::default(),
        }
    }

    /// What was counted so far.
    pub fn counters(&self) -> &TrackerCounters {
        &self.counters
    }

    /// Flows that have not ended.
    pub fn live(&self) -> usize {
        self.table.len()
    }

    /// Takes in a packet or a note.
    #[inline]
    pub fn observe(&mut self, observation: &Observation<K>, sink: &mut impl EventSink<K>) {
        match observation {
            Observation::Packet(meta) => self.packet(meta, sink),
            Observation::Note(note) => self.note(note),
        }
    }

    /// Takes in a note: what it says belongs to a flow that is live, or is lost.
    pub fn note(&mut self, note: &Note<K>) {
        self.clock.note(note.ts);
    }

    /// Takes in a packet.
    #[inline]
    pub fn packet(&mut self, meta: &Meta<K>, sink: &mut impl EventSink<K>) {
        self.clock.note(meta.ts);
        self.counters.packets += 1;
        self.counters.wire_bytes += u64::from(meta.packet.wire_len);
        let id = match self.table.find(&meta.packet.key) {
            Some(id) if !self.ended_by(id, meta, sink) => id,
            _ => match self.start(meta, sink) {
                Some(id) => id,
                None => return,
            },
        };
        self.update(id, meta, sink);
    }

    /// Moves the watermark on to `now`, if that is later.
    pub fn advance(&mut self, now: Timestamp) {
        self.clock.note(now);
    }

    /// The queue has lost packets: each flow that is alive may miss some of its own.
    pub fn capture_lost(&mut self) {
        self.lost_at = Some(self.clock.now());
    }

    /// Ends flows that have expired, at most `limit` of them. Returns how many.
    pub fn expire(&mut self, limit: usize, sink: &mut impl EventSink<K>) -> usize {
        let mut ended = 0;
        for (timeout, victim) in lists() {
            let patience = self.config.timeouts.at(timeout);
            while ended < limit {
                let Some(id) = self.table.oldest(list(timeout, victim)) else {
                    break;
                };
                if !self.is_idle(id, patience) {
                    break;
                }
                self.end(id, EndReason::IdleTimeout, sink);
                ended += 1;
            }
        }
        ended
    }

    /// Ends all flows: those that have expired for that reason, the others for `reason`.
    pub fn finish(&mut self, reason: EndReason, sink: &mut impl EventSink<K>) {
        self.expire(usize::MAX, sink);
        for (timeout, victim) in lists() {
            while let Some(id) = self.table.oldest(list(timeout, victim)) {
                self.end(id, reason, sink);
            }
        }
    }

    /// Shows up to `limit` places of the table from `cursor` on to `visit`: the key with the
    /// initiator as source, and what was counted. Returns where to go on, `None` at the end.
    pub fn visit(
        &self,
        cursor: usize,
        limit: usize,
        mut visit: impl FnMut(K, &FlowStats),
    ) -> Option<usize> {
        self.table.visit(cursor, limit, |key, flow| {
            visit(flow.oriented(*key), &flow.stats);
        })
    }

    fn is_idle(&self, id: SlotId, timeout: Duration) -> bool {
        let flow = self.table.get(id);
        flow.is_some_and(|(_, flow)| self.clock.is_idle(flow.last_use, timeout))
    }

    /// Whether the flow at `id` is over for a packet on its key, and has been ended.
    fn ended_by(&mut self, id: SlotId, meta: &Meta<K>, sink: &mut impl EventSink<K>) -> bool {
        let Some((_, flow)) = self.table.get(id) else {
            return true;
        };
        let timeout = self.config.timeouts.at(flow.timeout(&self.config));
        let silence = meta.ts.saturating_since(flow.stats.last_seen);
        let side = flow.side(meta.packet.orientation);
        let replaced = meta.packet.tcp.is_some_and(|info| {
            flow.tcp
                .is_replaced_by(self.config.reuse, flow.state, side, &info, silence)
        });
        if self.is_idle(id, timeout) {
            self.end(id, EndReason::IdleTimeout, sink);
        } else if replaced {
            self.end(id, EndReason::Replaced, sink);
        } else {
            return false;
        }
        true
    }

    /// Starts a flow; a full table gives one up for it.
    fn start(&mut self, meta: &Meta<K>, sink: &mut impl EventSink<K>) -> Option<SlotId> {
        if self.table.is_full() {
            self.evict(sink);
        }
        let flow = Flow::new(meta, self.clock.first_used(meta.ts), &self.config);
        let id = self
            .table
            .insert(meta.packet.key, flow, flow.list(&self.config))?;
        self.counters.created += 1;
        if sink.wants().contains(EventKinds::STARTED) {
            sink.event(FlowEvent::Started {
                key: flow.oriented(meta.packet.key),
                side: flow.side(meta.packet.orientation),
                ts: meta.ts,
                l4: flow.l4,
            });
        }
        Some(id)
    }

    /// Counts the packet and follows the connection.
    fn update(&mut self, id: SlotId, meta: &Meta<K>, sink: &mut impl EventSink<K>) {
        let Some(flow) = self.table.get_mut(id) else {
            return;
        };
        let wants = sink.wants();
        if let Some(info) = &meta.packet.tcp {
            flow.find_direction(meta.packet.key, info, &self.config);
        }
        let side = flow.side(meta.packet.orientation);
        let key = flow.oriented(meta.packet.key);
        flow.count(side, meta);
        let list = flow.list(&self.config);
        let from = flow.state;
        if let Some(info) = &meta.packet.tcp {
            let Flow {
                tcp,
                stats,
                history,
                ..
            } = flow;
            let arrival = Arrival {
                side,
                info,
                ts: meta.ts,
                payload_seen: self.config.cut_payload_is_seen || !meta.packet.truncated,
                check_window: self.config.check_window,
            };
            let step = tcp.segment(from, &arrival, stats, history);
            flow.state = step.to;
            if step.swaps {
                flow.swap_sides(meta.packet.key, &self.config);
            }
            if step.established {
                if wants.contains(EventKinds::ESTABLISHED) {
                    sink.event(FlowEvent::Established { key, ts: meta.ts });
                }
            } else if step.to != from && wants.contains(EventKinds::STATE_CHANGE) {
                sink.event(FlowEvent::StateChange {
                    key,
                    from,
                    to: step.to,
                    ts: meta.ts,
                });
            }
        } else if matches!(flow.l4, Some(L4Proto::Udp)) {
            flow.history.push_once('d', side);
        }
        if wants.contains(EventKinds::PACKET) {
            let len = meta.packet.wire_len as usize;
            sink.event(FlowEvent::Packet {
                key,
                side,
                len,
                ts: meta.ts,
            });
        }
        let next = flow.list(&self.config);
        if next != list || !flow.is_running_out(&self.config) {
            flow.last_use = self.clock.used(flow.last_use, meta.ts);
            self.table.touch(id, next);
        }
    }

    /// Gives up the flow whose loss costs least: of the cheapest class that has any, the one that was
    /// silent longest.
    #[cold]
    fn evict(&mut self, sink: &mut impl EventSink<K>) {
        for victim in VictimClass::ALL {
            let oldest = TimeoutSlot::all().filter_map(|timeout| {
                let id = self.table.oldest(list(timeout, victim))?;
                let (_, flow) = self.table.get(id)?;
                Some((self.clock.on_this_clock(flow.last_use), id))
            });
            if let Some((_, id)) = oldest.min_by_key(|(last_use, _)| *last_use) {
                if let Some(counter) = self.counters.evicted.get_mut(victim.index()) {
                    *counter += 1;
                }
                self.end(id, EndReason::Evicted, sink);
                return;
            }
        }
    }

    /// Ends the flow at `id`: for `reason`, unless the connection itself was over before.
    fn end(&mut self, id: SlotId, reason: EndReason, sink: &mut impl EventSink<K>) {
        let Some((key, mut flow)) = self.table.remove(id) else {
            return;
        };
        let reason = match flow.state {
            _ if !self.config.tcp_ends_flows => reason,
            FlowState::Closed => EndReason::Fin,
            FlowState::Reset | FlowState::Aborted => EndReason::Rst,
            _ => reason,
        };
        flow.stats.completeness.evicted = reason == EndReason::Evicted;
        flow.stats.completeness.capture_loss = self.lost_at.is_some_and(|at| {
            let patience = self.config.timeouts.at(flow.timeout(&self.config));
            let over = self
                .clock
                .on_this_clock(flow.last_use)
                .saturating_add(patience);
            flow.stats.started <= at && at <= over
        });
        if let Some(counter) = self.counters.ended.get_mut(reason.index()) {
            *counter += 1;
        }
        let key = flow.oriented(key);
        let Flow {
            l4,
            state,
            stats,
            history,
            envelope,
            ..
        } = flow;
        if sink.wants().contains(EventKinds::ENDED) {
            sink.event(FlowEvent::Ended {
                key,
                reason,
                stats,
                history,
            });
        }
        let record = FlowRecord {
            key,
            l4,
            reason: RecordReason::Ended(reason),
            part: 0,
            state,
            initiator: stats.initiator.volume(),
            responder: stats.responder.volume(),
            since: stats.started,
            stats,
            history,
            envelope,
        };
        self.counters.records += 1;
        self.counters.recorded_packets += record.packets();
        sink.record(record);
    }
}

/// All lists of the table.
fn lists() -> impl Iterator<Item = (TimeoutSlot, VictimClass)> {
    TimeoutSlot::all().flat_map(|timeout| VictimClass::ALL.map(|victim| (timeout, victim)))
}
