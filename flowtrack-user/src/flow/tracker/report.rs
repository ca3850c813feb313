//! Anomalies, and what is learnt of flows beside their packets.

use flowtrack_common::{
    AnomalyKind, Defects, EvictionPressure, FlowEvent, FlowKey, FlowSide, Timestamp,
};

use super::Tracker;
use crate::flow::{
    EventKinds, EventSink, Meta, Note, NoteKind, anomaly, entry::Flow, pressure::Level,
    tcp::Findings,
};

/// What an update of a flow has shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    /// Who sent the packet.
    pub(super) side: FlowSide,
    /// What is odd about the segment.
    pub(super) findings: Findings,
    /// From now on the flow is half open.
    pub(super) opens: bool,
    /// From now on it is half open no more: its handshake is complete, or it was refused.
    pub(super) completes: bool,
}

impl<K: FlowKey> Tracker<K> {
    /// Takes in a note: what it says belongs to a flow that is live, or is lost. It neither starts a
    /// flow nor keeps one alive.
    pub fn note(&mut self, note: &Note<K>, sink: &mut impl EventSink<K>) {
        self.clock.note(note.ts);
        if let Some(id) = self.find(&note.key)
            && !self.has_expired(id)
            && let Some((key, mut flow)) = self.flows.load(id, &self.config)
        {
            self.note_of(key, &mut flow, note, sink);
            self.flows.store(id, &flow);
        }
        self.check_pressure(sink);
    }

    /// What a note says of a flow, whose key in the table is `key`.
    fn note_of(&mut self, key: K, flow: &mut Flow, note: &Note<K>, sink: &mut impl EventSink<K>) {
        let side = flow.side(note.orientation);
        let kind = match note.kind {
            NoteKind::IcmpError => {
                let errors = &mut flow.stats.side_mut(side).icmp_errors;
                *errors = errors.saturating_add(1);
                return;
            }
            NoteKind::BadHeaderLength => AnomalyKind::BadHeaderLength { side },
            NoteKind::BadChecksum => {
                flow.note_bad_checksum(side);
                AnomalyKind::BadChecksum { side }
            }
        };
        if self.reports_anomalies(sink) {
            self.report(key, flow, kind, note.ts, sink);
        }
    }

    /// Whether anomalies are asked for, here and by the sink.
    #[inline]
    pub(super) fn reports_anomalies(&self, sink: &impl EventSink<K>) -> bool {
        self.config.emit_anomalies && sink.wants().contains(EventKinds::ANOMALY)
    }

    /// Reports what is wrong with the packet that has just updated a flow.
    pub(super) fn report_packet(
        &mut self,
        flow: &mut Flow,
        meta: &Meta<K>,
        outcome: Outcome,
        sink: &mut impl EventSink<K>,
    ) {
        let Outcome { side, findings, .. } = outcome;
        let Findings {
            out_of_order,
            retransmission,
            gap,
            out_of_window,
        } = findings;
        let defects = meta.packet.defects;
        for (found, kind) in [
            (out_of_order, AnomalyKind::OutOfOrder { side }),
            (retransmission, AnomalyKind::Retransmission { side }),
            (gap > 0, AnomalyKind::SequenceGap { side, bytes: gap }),
            (out_of_window, AnomalyKind::OutOfWindow { side }),
            (
                defects.contains(Defects::FRAGMENT_OVERLAP),
                AnomalyKind::FragmentOverlap { side },
            ),
            (
                defects.contains(Defects::TINY_FRAGMENT),
                AnomalyKind::TinyFragment { side },
            ),
        ] {
            if found {
                self.report(meta.packet.key, flow, kind, meta.ts, sink);
            }
        }
        self.count_half_open(flow, meta, outcome, sink);
    }

    /// Counts a flow for or against a SYN flood of its responder.
    fn count_half_open(
        &mut self,
        flow: &mut Flow,
        meta: &Meta<K>,
        outcome: Outcome,
        sink: &mut impl EventSink<K>,
    ) {
        if !outcome.opens && !outcome.completes {
            return;
        }
        let Some(target) = flow.oriented(meta.packet.key).destination() else {
            return;
        };
        let interval = self.interval();
        if outcome.completes {
            self.flood.completed(target, interval);
        } else if self
            .flood
            .opened(target, interval, self.config.syn_flood_threshold)
        {
            let kind = AnomalyKind::SynFloodTarget;
            self.report(meta.packet.key, flow, kind, meta.ts, sink);
        }
    }

    /// Makes the event, unless the flow, whose key in the table is `key`, has made it in this interval.
    #[cold]
    fn report(
        &mut self,
        key: K,
        flow: &mut Flow,
        kind: AnomalyKind,
        ts: Timestamp,
        sink: &mut impl EventSink<K>,
    ) {
        let interval = self.interval();
        if flow.reported.is_new(interval, &kind) {
            let key = Some(flow.oriented(key));
            self.counters.anomalies += 1;
            sink.event(FlowEvent::Anomaly { key, kind, ts });
        }
    }

    /// Reports pressure on the table, if it is time for that.
    #[inline]
    pub(super) fn check_pressure(&mut self, sink: &mut impl EventSink<K>) {
        if !self.reports_anomalies(sink) {
            return;
        }
        let now = self.clock.now();
        let interval = self.config.anomaly_interval;
        let level = self.level();
        if let Some(pressure) = self.gauge.check(now, interval, level, &self.counters) {
            self.report_pressure(pressure, sink);
        }
    }

    /// Reports what was evicted since the last report.
    pub(super) fn report_last_pressure(&mut self, sink: &mut impl EventSink<K>) {
        if !self.reports_anomalies(sink) {
            return;
        }
        let now = self.clock.now();
        let interval = self.config.anomaly_interval;
        let level = self.level();
        if let Some(pressure) = self.gauge.last(now, interval, level, &self.counters) {
            self.report_pressure(pressure, sink);
        }
    }

    #[cold]
    fn report_pressure(&mut self, pressure: EvictionPressure, sink: &mut impl EventSink<K>) {
        self.counters.anomalies += 1;
        sink.event(FlowEvent::Anomaly {
            key: None,
            kind: AnomalyKind::FlowTableEvictionPressure(pressure),
            ts: self.clock.now(),
        });
    }

    fn level(&self) -> Level {
        Level {
            live: self.flows.len(),
            capacity: self.flows.limit(),
        }
    }

    fn interval(&self) -> u32 {
        anomaly::interval_number(self.clock.now(), self.config.anomaly_interval)
    }
}
