//! A live flow, as it lies in the table.

use std::net::{IpAddr, Ipv4Addr};

use flowtrack_common::{
    Envelope, FlowKey, FlowSide, FlowState, FlowStats, HistoryString, L4Proto, Orientation,
    SideStats, VictimClass,
};

use super::{
    Direction, FlowRecord, Meta, RecordReason, TcpTimers, TimeoutClass, TimeoutSlot, TrackerConfig,
    anomaly::Reported,
    clock::LastUse,
    part::Parts,
    servers,
    tcp::{self, Connection},
};

/// Lists of the flow table: one for each timeout and each kind of victim. All flows of a list have the
/// same timeout and are worth the same.
pub(super) const LISTS: usize = TimeoutSlot::COUNT * VictimClass::ALL.len();

/// The list of flows with this timeout that are worth this much.
#[inline]
pub(super) const fn list(timeout: TimeoutSlot, victim: VictimClass) -> usize {
    timeout.index() * VictimClass::ALL.len() + victim.index()
}

/// The timeout of the flows of a list.
#[inline]
pub(super) fn list_timeout(list: usize) -> TimeoutSlot {
    TimeoutSlot::at(list / VictimClass::ALL.len())
}

/// The place in [`VictimClass::ALL`] of the flows of a list.
#[inline]
pub(super) const fn list_class(list: usize) -> usize {
    list % VictimClass::ALL.len()
}

/// A live flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    /// Direction of the initiator's packets.
    pub(super) initiator: Orientation,
    pub(super) l4: Option<L4Proto>,
    pub(super) state: FlowState,
    pub(super) history: HistoryString,
    pub(super) stats: FlowStats,
    pub(super) tcp: Connection,
    pub(super) last_use: LastUse,
    /// Losses in the queue until then.
    pub(super) losses: u32,
    /// The timeout of the responder's port, if that has one of its own.
    pub(super) port_timeout: Option<TimeoutSlot>,
    pub(super) envelope: Envelope,
    pub(super) parts: Parts,
    pub(super) reported: Reported,
}

impl Flow {
    /// The flow that a packet starts, before that packet is counted.
    pub(super) fn new<K: FlowKey>(
        meta: &Meta<K>,
        first_use: LastUse,
        config: &TrackerConfig,
    ) -> Self {
        let (state, sender) = opening(meta, config.direction);
        let mut flow = Self {
            initiator: match sender {
                FlowSide::Initiator => meta.packet.orientation,
                FlowSide::Responder => meta.packet.orientation.reversed(),
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
            losses: 0,
            port_timeout: None,
            envelope: meta.packet.envelope,
            parts: Parts::new(first_use),
            reported: Reported::default(),
        };
        flow.find_port_timeout(meta.packet.key, config);
        flow.stats.completeness.midstream =
            meta.packet.tcp.is_some() && state != FlowState::SynSent;
        if sender == FlowSide::Responder {
            flow.history.push_flipped();
        }
        flow
    }

    /// Swaps the sides if the packet shows that the SYN+ACK which came first was an answer.
    pub(super) fn find_direction<K: FlowKey>(&mut self, meta: &Meta<K>, config: &TrackerConfig) {
        let info = meta.packet.tcp.as_ref();
        if info.is_some_and(|info| self.tcp.began_with_answer(info)) {
            self.history = HistoryString::new();
            self.swap_sides(meta.packet.key, config);
            self.tcp.answered();
            self.history.push('h', FlowSide::Responder);
        }
    }

    /// Makes the flow, which has counted no packet yet, one of `initiator`'s.
    pub(super) fn continue_from<K: FlowKey>(
        &mut self,
        initiator: Orientation,
        key: K,
        config: &TrackerConfig,
    ) {
        if self.initiator != initiator {
            self.initiator = initiator;
            self.history.push_flipped();
            self.find_port_timeout(key, config);
        }
    }

    /// Initiator and responder change places: what came first was an answer.
    pub(super) fn swap_sides<K: FlowKey>(&mut self, key: K, config: &TrackerConfig) {
        self.initiator = self.initiator.reversed();
        std::mem::swap(&mut self.stats.initiator, &mut self.stats.responder);
        self.parts.swap_sides();
        self.tcp.swap_sides(&mut self.stats);
        self.history.push_flipped();
        self.find_port_timeout(key, config);
    }

    /// Looks up whether the responder's port has a timeout of its own. `key` is that of the table.
    pub(super) fn find_port_timeout<K: FlowKey>(&mut self, key: K, config: &TrackerConfig) {
        self.port_timeout = port_timeout(&key, self.initiator, self.l4, config);
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
        oriented(key, self.initiator)
    }

    pub(super) fn count<K>(&mut self, side: FlowSide, meta: &Meta<K>) {
        let Meta { packet, ts } = meta;
        self.stats.last_seen = self.stats.last_seen.max(*ts);
        if packet.tcp.is_none() {
            self.stats.last_productive = *ts;
        }
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

    /// Counts a packet that was refused for its checksum.
    pub(super) fn note_bad_checksum(&mut self, side: FlowSide) {
        let count = &mut self.stats.side_mut(side).bad_checksums;
        *count = count.saturating_add(1);
        if matches!(self.l4, Some(L4Proto::Tcp | L4Proto::Udp)) {
            self.history.push_scaled('c', side, *count);
        }
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

    /// The timeout that runs now.
    pub(super) fn timeout(&self, config: &TrackerConfig) -> TimeoutSlot {
        timeout(self.timeout_class(config), self.port_timeout)
    }

    fn timeout_class(&self, config: &TrackerConfig) -> TimeoutClass {
        if self.l4 != Some(L4Proto::Tcp) {
            return TimeoutClass::of(self.l4, self.state);
        }
        match config.tcp_timers {
            _ if !config.tcp_ends_flows => TimeoutClass::TcpOpen,
            TcpTimers::LastPacket => TimeoutClass::of(self.l4, self.state),
            TcpTimers::Fixed if self.tcp.is_over() => TimeoutClass::TcpLinger,
            TcpTimers::Fixed if self.tcp.is_attempt() => TimeoutClass::TcpOpening,
            TcpTimers::Fixed if self.state == FlowState::FinWait => TimeoutClass::TcpClosing,
            TcpTimers::Fixed => TimeoutClass::TcpOpen,
        }
    }

    /// Whether a timeout runs that packets do not extend.
    pub(super) fn is_running_out(&self, config: &TrackerConfig) -> bool {
        config.tcp_timers == TcpTimers::Fixed
            && config.tcp_ends_flows
            && (self.tcp.is_attempt() || self.tcp.is_finished())
    }

    pub(super) fn list(&self, config: &TrackerConfig) -> usize {
        list(self.timeout(config), self.victim_class(config))
    }

    fn victim_class(&self, config: &TrackerConfig) -> VictimClass {
        let two_sided = self.stats.initiator.packets > 0 && self.stats.responder.packets > 0;
        match self.state {
            state if state.is_terminal() && config.tcp_ends_flows => VictimClass::Closed,
            FlowState::SynSent | FlowState::SynReceived => VictimClass::HalfOpen,
            _ if two_sided => VictimClass::TwoSided,
            _ => VictimClass::OneSided,
        }
    }
}

/// The timeout that runs in a class, where the port has this one.
#[inline]
pub(super) fn timeout(class: TimeoutClass, port_timeout: Option<TimeoutSlot>) -> TimeoutSlot {
    match (class, port_timeout) {
        (TimeoutClass::TcpOpening | TimeoutClass::TcpLinger, _) | (_, None) => class.into(),
        (_, Some(slot)) => slot,
    }
}

/// The timeout that the responder's port has of its own. `key` is that of the table.
#[inline]
pub(super) fn port_timeout<K: FlowKey>(
    key: &K,
    initiator: Orientation,
    l4: Option<L4Proto>,
    config: &TrackerConfig,
) -> Option<TimeoutSlot> {
    if !config.timeouts.has_ports() {
        return None;
    }
    let (_, port) = oriented(*key, initiator).ports()?;
    config.timeouts.port(l4?, port)
}

/// `key` with the initiator as source, whose packets have the direction `initiator`.
pub(super) fn oriented<K: FlowKey>(key: K, initiator: Orientation) -> K {
    match initiator {
        Orientation::Forward => key,
        Orientation::Reverse => key.reversed(),
    }
}

/// The state of the flow that a packet starts, and the side that sent it.
fn opening<K: FlowKey>(meta: &Meta<K>, direction: Direction) -> (FlowState, FlowSide) {
    let packet = &meta.packet;
    let (state, sender) = match &packet.tcp {
        Some(info) => tcp::first_segment(info),
        None => (FlowState::Active, FlowSide::Initiator),
    };
    let sender = match direction {
        Direction::LikelyServer if state != FlowState::SynSent && is_answer(meta) => {
            FlowSide::Responder
        }
        Direction::LikelyServer => FlowSide::Initiator,
        Direction::FirstPacket => sender,
    };
    (state, sender)
}

/// Whether its ports tell that the packet is an answer. What goes to all hosts is not.
fn is_answer<K: FlowKey>(meta: &Meta<K>) -> bool {
    let packet = &meta.packet;
    let key = match packet.orientation {
        Orientation::Forward => packet.key,
        Orientation::Reverse => packet.key.reversed(),
    };
    let syn = packet.tcp.is_some_and(|info| info.flags.syn());
    let to_all = key.destination() == Some(IpAddr::V4(Ipv4Addr::BROADCAST));
    packet
        .l4
        .zip(key.ports())
        .is_some_and(|(l4, (src, dst))| !to_all && servers::is_answer(l4, src, dst, syn))
}
