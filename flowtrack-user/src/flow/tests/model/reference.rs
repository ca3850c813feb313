//! The reference tracker: the rules written out, with a vector for a table.

use std::{collections::HashMap, time::Duration};

use flowtrack_common::{
    AnomalyKind, Defects, EndReason, FlowEvent, FlowState, Orientation, Timestamp,
};

use super::{
    clock::Clock,
    flow::{Flow, Patience},
    gauge::Gauge,
};
use crate::flow::{
    FiveTuple, FlowRecord, Meta, Note, NoteKind, RecordReason, TrackerConfig, TrackerCounters,
};

const HOUR: Duration = Duration::from_hours(1);

pub(super) struct Reference {
    pub(super) config: TrackerConfig,
    pub(super) events: Vec<FlowEvent<FiveTuple>>,
    pub(super) records: Vec<FlowRecord<FiveTuple>>,
    pub(super) counters: TrackerCounters,
    /// In no order.
    pub(super) flows: Vec<Flow>,
    pub(super) limit: usize,
    capacity: usize,
    pub(super) clock: Clock,
    turns: u64,
    /// The clock at each loss.
    losses: Vec<Clock>,
    /// By key and clock: the initiator's direction, whether it was evicted, and until when it lived.
    ended: HashMap<(FiveTuple, usize), (Orientation, bool, Timestamp)>,
    gauge: Gauge,
    /// Half-open connections to the only destination there is: in which second, how many, told.
    half_open: (u64, u32, bool),
}

impl Reference {
    pub(super) fn new(config: &TrackerConfig) -> Self {
        Self {
            config: *config,
            events: Vec::new(),
            records: Vec::new(),
            counters: TrackerCounters::default(),
            flows: Vec::new(),
            limit: config.max_flows,
            capacity: config.max_flows,
            clock: Clock::default(),
            turns: 0,
            losses: Vec::new(),
            ended: HashMap::new(),
            gauge: Gauge::default(),
            half_open: (0, 0, false),
        }
    }

    pub(super) fn packet(&mut self, meta: &Meta<FiveTuple>) {
        self.clock.note(meta.ts);
        self.counters.packets += 1;
        self.counters.wire_bytes += u64::from(meta.packet.wire_len);
        self.end_what_is_over(meta);
        match self.find(&meta.packet.key) {
            Some(number) => self.close_part(number, meta.ts),
            None => self.start(meta),
        }
        self.update(meta);
        self.check_gauge(false);
    }

    pub(super) fn note(&mut self, note: &Note<FiveTuple>) {
        self.clock.note(note.ts);
        if let Some(number) = self.find(&note.key)
            && !self.is_idle(&self.flows[number])
        {
            let side = self.flows[number].side(note.orientation);
            match note.kind {
                NoteKind::IcmpError => self.flows[number].stats.side_mut(side).icmp_errors += 1,
                NoteKind::BadChecksum => {
                    self.flows[number].bad_checksum(side);
                    self.report(number, AnomalyKind::BadChecksum { side }, note.ts);
                }
                NoteKind::BadHeaderLength => {
                    self.report(number, AnomalyKind::BadHeaderLength { side }, note.ts);
                }
            }
        }
        self.check_gauge(false);
    }

    pub(super) fn advance(&mut self, now: Timestamp) {
        self.clock.note(now);
    }

    pub(super) fn capture_lost(&mut self) {
        self.losses.push(self.clock.clone());
    }

    pub(super) fn expire(&mut self, limit: usize) -> usize {
        let ended = self.sweep(limit);
        self.check_gauge(false);
        ended
    }

    pub(super) fn finish(&mut self, reason: EndReason) {
        self.check_gauge(true);
        self.sweep(usize::MAX);
        while let Some(number) = self.heads().first().copied() {
            self.end_unless_idle(number, reason);
        }
    }

    pub(super) fn force_end(&mut self, key: &FiveTuple) -> bool {
        match self.find(key) {
            Some(number) => self.end_unless_idle(number, EndReason::ForceClosed),
            None => false,
        }
    }

    pub(super) fn set_max_flows(&mut self, max_flows: usize) {
        self.limit = max_flows.clamp(1, self.capacity);
        while self.flows.len() > self.limit {
            self.make_room();
        }
        self.check_gauge(false);
    }

    /// Whether a packet at `ts` would join a flow whose side has shown its numbers.
    pub(super) fn knows(&self, meta: &Meta<FiveTuple>) -> bool {
        let mut clock = self.clock.clone();
        clock.note(meta.ts);
        self.find(&meta.packet.key).is_some_and(|number| {
            let flow = &self.flows[number];
            let idle = clock.is_idle(flow.last_use, self.timeout(flow));
            !idle && flow.has_shown(meta.packet.orientation)
        })
    }

    fn find(&self, key: &FiveTuple) -> Option<usize> {
        self.flows.iter().position(|flow| flow.table_key == *key)
    }

    fn timeout(&self, flow: &Flow) -> Duration {
        use crate::flow::TimeoutClass as Class;
        let class = match flow.patience(self.config.tcp_ends_flows) {
            Patience::Linger => Class::TcpLinger,
            Patience::Opening => Class::TcpOpening,
            Patience::Closing => Class::TcpClosing,
            Patience::Icmp => Class::Icmp,
            Patience::Udp => Class::Udp,
            Patience::Other => Class::Other,
            Patience::Open => Class::TcpOpen,
        };
        self.config.timeouts.get(class)
    }

    pub(super) fn is_idle(&self, flow: &Flow) -> bool {
        self.clock.is_idle(flow.last_use, self.timeout(flow))
    }

    fn end_what_is_over(&mut self, meta: &Meta<FiveTuple>) {
        let Some(number) = self.find(&meta.packet.key) else {
            return;
        };
        let flow = &self.flows[number];
        let silence = meta.ts.saturating_since(self.clock.at(flow.last_use));
        let replaced = |info| flow.is_replaced_by(info, silence);
        if self.is_idle(flow) {
            self.end(number, EndReason::IdleTimeout);
        } else if self.config.tcp_ends_flows && meta.packet.tcp.as_ref().is_some_and(replaced) {
            self.end(number, EndReason::Replaced);
        }
    }

    fn start(&mut self, meta: &Meta<FiveTuple>) {
        if self.flows.len() >= self.limit {
            self.make_room();
        }
        let mut flow = Flow::new(meta, self.clock.used(meta.ts));
        flow.losses = self.losses.len();
        let key = (meta.packet.key, self.clock.number());
        if let Some((initiator, evicted, over_at)) = self.ended.remove(&key) {
            let now = self.clock.now;
            self.counters.returned += u64::from(evicted && now <= over_at);
            let syn = meta.packet.tcp.is_some_and(|info| info.flags.syn());
            let recent = now <= over_at.saturating_add(HOUR);
            if recent && !syn && flow.initiator != initiator {
                flow.flip();
            }
        }
        self.counters.created += 1;
        self.events.push(FlowEvent::Started {
            key: flow.key(),
            side: flow.side(meta.packet.orientation),
            ts: meta.ts,
            l4: flow.l4,
        });
        self.flows.push(flow);
    }

    fn update(&mut self, meta: &Meta<FiveTuple>) {
        let Some(number) = self.find(&meta.packet.key) else {
            return;
        };
        let loss = self.may_miss_packets(&self.flows[number]);
        let last_use = self.clock.at(self.flows[number].last_use).max(meta.ts);
        let last_use = self.clock.used(last_use);
        self.turns += 1;
        let flow = &mut self.flows[number];
        flow.last_use = last_use;
        flow.losses = self.losses.len();
        flow.stats.completeness.capture_loss |= loss;
        flow.turn = self.turns;
        flow.count(meta);
        let (key, side, ts) = (flow.key(), flow.side(meta.packet.orientation), meta.ts);
        let (mut established, from) = (false, flow.state);
        if let Some(info) = &meta.packet.tcp {
            established = flow.segment(side, info, ts);
            let to = flow.state;
            if established {
                self.events.push(FlowEvent::Established { key, ts });
            } else if from != to {
                self.events
                    .push(FlowEvent::StateChange { key, from, to, ts });
            }
        }
        let (refused, to) = (FlowState::Aborted, flow.state);
        let later = flow.stats.packets() > 1;
        let first = !later && to == FlowState::SynSent;
        let opens = first || (from == refused && to == FlowState::SynReceived);
        let completes = established || (later && from != refused && to == refused);
        let len = meta.packet.wire_len as usize;
        self.events.push(FlowEvent::Packet { key, side, len, ts });
        for (defect, kind) in [
            (
                Defects::FRAGMENT_OVERLAP,
                AnomalyKind::FragmentOverlap { side },
            ),
            (Defects::TINY_FRAGMENT, AnomalyKind::TinyFragment { side }),
        ] {
            if meta.packet.defects.contains(defect) {
                self.report(number, kind, ts);
            }
        }
        self.watch_half_open(number, opens, completes, ts);
    }

    fn watch_half_open(&mut self, number: usize, opens: bool, completes: bool, ts: Timestamp) {
        let second = self.clock.now.secs();
        if (opens || completes) && self.half_open.0 != second {
            self.half_open = (second, 0, false);
        }
        let (_, flows, told) = &mut self.half_open;
        if completes {
            *flows = flows.saturating_sub(1);
        } else if opens {
            *flows += 1;
            if !*told && *flows >= self.config.syn_flood_threshold {
                *told = true;
                self.report(number, AnomalyKind::SynFloodTarget, ts);
            }
        }
    }

    fn report(&mut self, number: usize, kind: AnomalyKind, ts: Timestamp) {
        if !self.config.emit_anomalies {
            return;
        }
        let second = self.clock.now.secs();
        let flow = &mut self.flows[number];
        flow.reported.retain(|(at, _)| *at == second);
        let told = (second, format!("{kind:?}"));
        if !flow.reported.contains(&told) || kind == AnomalyKind::SynFloodTarget {
            flow.reported.push(told);
            let key = Some(flow.key());
            self.events.push(FlowEvent::Anomaly { key, kind, ts });
        }
    }

    fn check_gauge(&mut self, last: bool) {
        let (live, capacity) = (self.flows.len(), self.limit);
        let told = self
            .gauge
            .look(self.clock.now, live, capacity, &self.counters, last);
        if let Some(pressure) = told
            && self.config.emit_anomalies
        {
            self.events.push(FlowEvent::Anomaly {
                key: None,
                kind: AnomalyKind::FlowTableEvictionPressure(pressure),
                ts: self.clock.now,
            });
        }
    }

    fn end_unless_idle(&mut self, number: usize, reason: EndReason) -> bool {
        let idle = self.is_idle(&self.flows[number]);
        self.end(number, if idle { EndReason::IdleTimeout } else { reason });
        !idle
    }

    fn may_miss_packets(&self, flow: &Flow) -> bool {
        let alive = |clock: &Clock| !clock.is_idle(flow.last_use, self.timeout(flow));
        self.losses[flow.losses..].iter().any(alive)
    }

    fn close_part(&mut self, number: usize, ts: Timestamp) {
        let flow = &self.flows[number];
        let began = self.clock.at(flow.since);
        let Some(active_timeout) = self.config.active_timeout else {
            return;
        };
        if began.saturating_add(active_timeout) > ts {
            return;
        }
        let loss = self.may_miss_packets(flow);
        let since = self.clock.used(ts);
        let flow = &mut self.flows[number];
        flow.stats.completeness.capture_loss |= loss;
        let record = flow.record(RecordReason::ActiveTimeout);
        flow.parts += 1;
        flow.since = since;
        flow.told = [flow.stats.initiator.volume(), flow.stats.responder.volume()];
        self.give(&record);
    }

    pub(super) fn end(&mut self, number: usize, reason: EndReason) {
        let loss = self.may_miss_packets(&self.flows[number]);
        let timeout = self.timeout(&self.flows[number]);
        let mut flow = self.flows.remove(number);
        let evicted = reason == EndReason::Evicted;
        let reason = match flow.state {
            FlowState::Closed if self.config.tcp_ends_flows => EndReason::Fin,
            FlowState::Reset | FlowState::Aborted if self.config.tcp_ends_flows => EndReason::Rst,
            _ => reason,
        };
        flow.stats.completeness.capture_loss |= loss;
        flow.stats.completeness.evicted = reason == EndReason::Evicted;
        let on_this_clock = flow.last_use.clock == self.clock.number();
        if on_this_clock && (evicted || reason == EndReason::IdleTimeout) {
            let over_at = flow.last_use.at.saturating_add(timeout);
            let key = (flow.table_key, flow.last_use.clock);
            self.ended.insert(key, (flow.initiator, evicted, over_at));
        }
        self.counters.ended[reason.index()] += 1;
        self.events.push(FlowEvent::Ended {
            key: flow.key(),
            reason,
            stats: flow.stats,
            history: flow.history,
        });
        self.give(&flow.record(RecordReason::Ended(reason)));
    }

    fn give(&mut self, record: &FlowRecord<FiveTuple>) {
        self.counters.records += 1;
        self.counters.recorded_packets += record.packets();
        self.records.push(*record);
    }
}
