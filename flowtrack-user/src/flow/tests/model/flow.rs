//! A flow of the reference tracker.

use std::time::Duration;

use flowtrack_common::{
    FlowKey, FlowSide, FlowState, FlowStats, HistoryString, L4Proto, Orientation, TcpInfo,
    Timestamp, Volume,
};

use super::clock::Use;
use crate::flow::{FiveTuple, FlowRecord, Meta, RecordReason};

/// What a flow is worth, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    Over,
    Opening,
    OneSided,
    TwoSided,
}

/// Which timeout is in force, in the order in which they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Patience {
    Linger,
    Opening,
    Closing,
    Icmp,
    Udp,
    Other,
    Open,
}

#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) table_key: FiveTuple,
    pub(super) initiator: Orientation,
    pub(super) l4: Option<L4Proto>,
    pub(super) state: FlowState,
    pub(super) stats: FlowStats,
    /// Not kept for TCP.
    pub(super) history: HistoryString,
    pub(super) last_use: Use,
    /// Losses until then.
    pub(super) losses: usize,
    /// Which of all updates was its last one.
    pub(super) turn: u64,
    /// Records given, first packet since then, and the totals told.
    pub(super) parts: u32,
    pub(super) since: Use,
    pub(super) told: [Volume; 2],
    /// Anomalies told, with their second.
    pub(super) reported: Vec<(u64, String)>,
    tcp: Tcp,
    first: Meta<FiveTuple>,
}

/// What the state of a connection depends on: numbers are small, so none is ever out of the window.
#[derive(Clone, Copy, Debug, Default)]
struct Tcp {
    syn_at: Option<Timestamp>,
    answer_at: Option<Timestamp>,
    simultaneous: bool,
    /// Number behind the FIN of each side, and whether it was acknowledged.
    fin: [Option<u32>; 2],
    fin_acked: [bool; 2],
    /// Whether a SYN or data was seen of each side.
    shown: [bool; 2],
    /// Whether a SYN was seen of each side.
    opened: [bool; 2],
}

fn index(side: FlowSide) -> usize {
    match side {
        FlowSide::Initiator => 0,
        FlowSide::Responder => 1,
    }
}

impl Flow {
    pub(super) fn new(meta: &Meta<FiveTuple>, first_use: Use) -> Self {
        let packet = &meta.packet;
        let syn = packet.tcp.is_some_and(|info| info.flags.syn());
        let ack = packet.tcp.is_some_and(|info| info.flags.ack());
        let state = match (syn, ack) {
            (true, false) => FlowState::SynSent,
            (true, true) => FlowState::SynReceived,
            _ => FlowState::Active,
        };
        let mut flow = Self {
            table_key: packet.key,
            initiator: packet.orientation,
            l4: packet.l4,
            state,
            stats: FlowStats::default(),
            history: HistoryString::new(),
            last_use: first_use,
            losses: 0,
            turn: 0,
            parts: 0,
            since: first_use,
            told: [Volume::default(); 2],
            reported: Vec::new(),
            tcp: Tcp::default(),
            first: *meta,
        };
        flow.stats.started = meta.ts;
        flow.stats.completeness.midstream = packet.tcp.is_some() && (!syn || ack);
        if syn && ack {
            flow.flip();
        }
        flow
    }

    /// The other end is the initiator.
    pub(super) fn flip(&mut self) {
        self.initiator = self.initiator.reversed();
        self.history.push_flipped();
    }

    pub(super) fn key(&self) -> FiveTuple {
        match self.initiator {
            Orientation::Forward => self.table_key,
            Orientation::Reverse => self.table_key.reversed(),
        }
    }

    pub(super) fn side(&self, orientation: Orientation) -> FlowSide {
        if orientation == self.initiator {
            FlowSide::Initiator
        } else {
            FlowSide::Responder
        }
    }

    fn is_over(&self) -> bool {
        matches!(
            self.state,
            FlowState::Closed | FlowState::Reset | FlowState::Aborted
        )
    }

    pub(super) fn worth(&self, tcp_ends_flows: bool) -> Worth {
        let both = self.stats.initiator.packets > 0 && self.stats.responder.packets > 0;
        match self.state {
            _ if tcp_ends_flows && self.is_over() => Worth::Over,
            FlowState::SynSent | FlowState::SynReceived => Worth::Opening,
            _ if both => Worth::TwoSided,
            _ => Worth::OneSided,
        }
    }

    pub(super) fn patience(&self, tcp_ends_flows: bool) -> Patience {
        match (self.l4, self.state) {
            (Some(L4Proto::Udp), _) => Patience::Udp,
            (Some(L4Proto::Icmp | L4Proto::IcmpV6), _) => Patience::Icmp,
            (Some(L4Proto::Tcp), _) if !tcp_ends_flows => Patience::Open,
            (Some(L4Proto::Tcp), FlowState::SynSent) => Patience::Opening,
            (Some(L4Proto::Tcp), FlowState::FinWait | FlowState::ClosingTcp) => Patience::Closing,
            (Some(L4Proto::Tcp), _) if self.is_over() => Patience::Linger,
            (Some(L4Proto::Tcp), _) => Patience::Open,
            _ => Patience::Other,
        }
    }

    /// Whether `info` opens another connection. Each SYN of these tests has a number of its own.
    pub(super) fn is_replaced_by(&self, info: &TcpInfo, silence: Duration) -> bool {
        let opens = info.flags.syn() && !info.flags.ack() && !info.flags.rst();
        let over = self.is_over() || self.state == FlowState::ClosingTcp;
        opens && (over || silence >= Duration::from_mins(1))
    }

    pub(super) fn has_shown(&self, orientation: Orientation) -> bool {
        self.tcp.shown[index(self.side(orientation))]
    }

    /// Counts a packet.
    pub(super) fn count(&mut self, meta: &Meta<FiveTuple>) {
        let side = self.side(meta.packet.orientation);
        self.stats.last_seen = self.stats.last_seen.max(meta.ts);
        self.stats.completeness.truncated |= meta.packet.truncated;
        let counters = self.stats.side_mut(side);
        let first = counters.packets == 0;
        let packet = &meta.packet;
        counters.packets += 1;
        counters.wire_bytes += u64::from(packet.wire_len);
        counters.ip_bytes += u64::from(packet.ip_len);
        counters.payload_bytes += u64::from(packet.payload_len);
        if first {
            counters.first_seen = meta.ts;
            counters.ip_len_min = packet.ip_len;
            counters.ttl_min = packet.ttl;
        }
        counters.last_seen = counters.last_seen.max(meta.ts);
        counters.ip_len_min = counters.ip_len_min.min(packet.ip_len);
        counters.ip_len_max = counters.ip_len_max.max(packet.ip_len);
        counters.ttl_min = counters.ttl_min.min(packet.ttl);
        counters.ttl_max = counters.ttl_max.max(packet.ttl);
        if packet.l4 == Some(L4Proto::Udp) {
            self.history.push_once('d', side);
        }
    }

    /// A wrong checksum gets a letter each time that their number has one more digit.
    pub(super) fn bad_checksum(&mut self, side: FlowSide) {
        let count = &mut self.stats.side_mut(side).bad_checksums;
        let digits = count.to_string().len();
        *count += 1;
        let longer = *count == 1 || count.to_string().len() > digits;
        if longer && matches!(self.l4, Some(L4Proto::Tcp | L4Proto::Udp)) {
            self.history.push('c', side);
        }
    }

    /// Follows the connection by a segment. Returns whether that completed the handshake.
    pub(super) fn segment(&mut self, side: FlowSide, info: &TcpInfo, ts: Timestamp) -> bool {
        let flags = info.flags;
        let counters = self.stats.side_mut(side);
        counters.tcp_flags = counters.tcp_flags.union(flags);
        counters.zero_windows += u32::from(info.window == 0 && !flags.rst());
        self.time_handshake(side, info, ts);
        let (own, peer) = (index(side), index(side.other()));
        if flags.ack() && self.tcp.fin[peer].is_some_and(|fin| info.ack >= fin) {
            self.tcp.fin_acked[peer] = true;
        }
        let strays = is_stray(info);
        if flags.fin() && !strays && self.tcp.fin[own].is_none() {
            let payload = if flags.rst() { 0 } else { info.payload_len };
            self.tcp.fin[own] = Some(info.seq + u32::from(flags.syn()) + payload + 1);
        }
        self.tcp.shown[own] |= flags.syn() || info.payload_len > 0;
        let answered = side == FlowSide::Initiator || self.tcp.simultaneous || info.payload_len > 0;
        let established = self.state == FlowState::SynReceived
            && flags.ack()
            && !flags.syn()
            && !flags.rst()
            && (info.ack == ACK_ALL || !self.tcp.opened[peer])
            && answered;
        self.tcp.opened[own] |= flags.syn();
        self.state = self.next_state(side, info, established);
        established
    }

    fn next_state(&self, side: FlowSide, info: &TcpInfo, established: bool) -> FlowState {
        let fins = self.tcp.fin.iter().flatten().count();
        let flags = info.flags;
        let reset = flags.rst() && !is_stray(info);
        let answers = side == FlowSide::Responder && flags.syn();
        let acknowledges = side == FlowSide::Responder && flags.ack() && info.ack == ACK_ALL;
        match self.state {
            FlowState::Aborted if answers && flags.ack() && !flags.rst() => FlowState::SynReceived,
            FlowState::Closed | FlowState::Reset | FlowState::Aborted => self.state,
            FlowState::SynSent | FlowState::SynReceived if reset => FlowState::Aborted,
            _ if reset => FlowState::Reset,
            _ if fins == 2 && self.tcp.fin_acked == [true; 2] => FlowState::Closed,
            _ if fins == 2 => FlowState::ClosingTcp,
            _ if fins == 1 => FlowState::FinWait,
            _ if established => FlowState::Established,
            FlowState::SynSent if answers || acknowledges => FlowState::SynReceived,
            state => state,
        }
    }

    fn time_handshake(&mut self, side: FlowSide, info: &TcpInfo, ts: Timestamp) {
        let (tcp, stats) = (&mut self.tcp, &mut self.stats);
        if side == FlowSide::Initiator && info.flags.syn() {
            tcp.syn_at = tcp.syn_at.or(Some(ts));
        } else if side == FlowSide::Initiator && info.flags.ack() {
            let answered = tcp.answer_at.map(|answer| ts.saturating_since(answer));
            stats.syn_ack_to_ack = stats.syn_ack_to_ack.or(answered);
        } else if side == FlowSide::Responder && info.flags.syn() && tcp.answer_at.is_none() {
            tcp.answer_at = Some(ts);
            tcp.simultaneous = !info.flags.ack();
            stats.syn_to_syn_ack = tcp.syn_at.map(|syn| ts.saturating_since(syn));
        }
    }

    pub(super) fn record(&self, reason: RecordReason) -> FlowRecord<FiveTuple> {
        FlowRecord {
            key: self.key(),
            l4: self.l4,
            reason,
            part: self.parts,
            state: self.state,
            initiator: self.stats.initiator.volume().since(self.told[0]),
            responder: self.stats.responder.volume().since(self.told[1]),
            since: self.since.at,
            stats: self.stats,
            history: self.history,
            envelope: self.first.packet.envelope,
        }
    }
}

/// A number that no connection of these tests has.
pub(super) const STRAY: u32 = 2_000_000_000;

/// A number that is behind all that is sent in these tests.
pub(super) const ACK_ALL: u32 = 1_000_000;

fn is_stray(info: &TcpInfo) -> bool {
    info.seq == STRAY
}
