//! A live flow, as it lies in the table.

use flowtrack_common::{
    Envelope, FlowKey, FlowSide, FlowState, FlowStats, HistoryString, L4Proto, Orientation,
    SideStats, VictimClass,
};

use super::{
    FlowRecord, Meta, RecordReason, TimeoutClass,
    anomaly::Reported,
    clock::LastUse,
    part::Parts,
    tcp::{self, Connection},
};

/// Lists of the flow table: one for each timeout and each kind of victim. All flows of a list have the
/// same timeout and are worth the same.
pub(super) const LISTS: usize = TimeoutClass::ALL.len() * VictimClass::ALL.len();

/// The list of flows with this timeout that are worth this much.
pub(super) const fn list(timeout: TimeoutClass, victim: VictimClass) -> usize {
    timeout.index() * VictimClass::ALL.len() + victim.index()
}

/// A live flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// Direction of the initiator's packets.
    pub(super) initiator: Orientation,
    pub(super) l4: Option<L4Proto>,
    pub(super) state: FlowState,
    pub(super) history: HistoryString,
    pub(super) stats: FlowStats,
    pub(super) tcp: Connection,
    pub(super) last_use: LastUse,
    pub(super) envelope: Envelope,
    pub(super) parts: Parts,
    pub(super) reported: Reported,
}

impl Flow {
    /// The flow that a packet starts, before that packet is counted.
    pub(super) fn new<K>(meta: &Meta<K>, first_use: LastUse) -> Self {
        let (state, sender) = match &meta.packet.tcp {
            Some(info) => tcp::first_segment(info),
            None => (FlowState::Active, FlowSide::Initiator),
        };
        let mut flow = Self {
            initiator: match (sender, meta.packet.orientation) {
                (FlowSide::Initiator, orientation) => orientation,
                (FlowSide::Responder, Orientation::Forward) => Orientation::Reverse,
                (FlowSide::Responder, Orientation::Reverse) => Orientation::Forward,
            },
            l4: meta.packet.l4,
            state,
            history: HistoryString::new(),
            stats: FlowStats {
                started: meta.ts,
                ..FlowStats::default()
            },
            tcp: Connection::default(),
            last_use: first_use,
            envelope: meta.packet.envelope,
            parts: Parts::new(first_use),
            reported: Reported::default(),
        };
        flow.stats.completeness.midstream =
            meta.packet.tcp.is_some() && state != FlowState::SynSent;
        if sender == FlowSide::Responder {
            flow.history.push_flipped();
        }
        flow
    }

    /// Makes the flow, which has counted no packet yet, one of `initiator`'s.
    pub(super) fn continue_from(&mut self, initiator: Orientation) {
        if self.initiator != initiator {
            self.initiator = initiator;
            self.history.push_flipped();
        }
    }

    pub(super) fn side(&self, orientation: Orientation) -> FlowSide {
        if orientation == self.initiator {
            FlowSide::Initiator
        } else {
            FlowSide::Responder
        }
    }

    /// `key`, which is that of the table, with the initiator as source.
    pub(super) fn oriented<K: FlowKey>(&self, key: K) -> K {
        match self.initiator {
            Orientation::Forward => key,
            Orientation::Reverse => key.reversed(),
        }
    }

    pub(super) fn count<K>(&mut self, side: FlowSide, meta: &Meta<K>) {
        let Meta { packet, ts } = meta;
        self.stats.last_seen = self.stats.last_seen.max(*ts);
        let counters = self.stats.side_mut(side);
        if counters.packets == 0 {
            *counters = SideStats {
                first_seen: *ts,
                ip_len_min: packet.ip_len,
                ttl_min: packet.ttl,
                ..*counters
            };
        }
        counters.packets += 1;
        counters.wire_bytes += u64::from(packet.wire_len);
        counters.ip_bytes += u64::from(packet.ip_len);
        counters.payload_bytes += u64::from(packet.payload_len);
        counters.last_seen = counters.last_seen.max(*ts);
        counters.ip_len_min = counters.ip_len_min.min(packet.ip_len);
        counters.ip_len_max = counters.ip_len_max.max(packet.ip_len);
        counters.ttl_min = counters.ttl_min.min(packet.ttl);
        counters.ttl_max = counters.ttl_max.max(packet.ttl);
        self.stats.completeness.truncated |= packet.truncated;
    }

    /// The record of the part that is under way, to be given for `reason`.
    pub(super) fn record<K>(&self, key: K, reason: RecordReason) -> FlowRecord<K> {
        let (initiator, responder) = self.parts.volumes(&self.stats);
        FlowRecord {
            key,
            l4: self.l4,
            reason,
            part: self.parts.given,
            state: self.state,
            initiator,
            responder,
            since: self.parts.since(),
            stats: self.stats,
            history: self.history,
            envelope: self.envelope,
        }
    }

    pub(super) fn timeout_class(&self) -> TimeoutClass {
        TimeoutClass::of(self.l4, self.state)
    }

    pub(super) fn list(&self) -> usize {
        list(self.timeout_class(), self.victim_class())
    }

    fn victim_class(&self) -> VictimClass {
        let two_sided = self.stats.initiator.packets > 0 && self.stats.responder.packets > 0;
        match self.state {
            state if state.is_terminal() => VictimClass::Closed,
            FlowState::SynSent | FlowState::SynReceived => VictimClass::HalfOpen,
            _ if two_sided => VictimClass::TwoSided,
            _ => VictimClass::OneSided,
        }
    }
}
