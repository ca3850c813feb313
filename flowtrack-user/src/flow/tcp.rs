//! The TCP connection state machine (RFC 9293, section 3.3.2), seen from the middle of the path.

use std::time::Duration;

use flowtrack_common::{
    EndpointState, FlowSide, FlowState, FlowStats, HistoryString, TcpInfo, Timestamp,
};

/// Sequence numbers as far apart as this belong to different connections: no window is larger
/// (RFC 7323, section 2.3).
const MAX_DISTANCE: u32 = 1 << 30;
/// A connection that was silent for so long may have been forgotten by an end that opens a new one.
const REUSE_AFTER: Duration = Duration::from_mins(1);

/// What is remembered of a connection between segments.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Connection {
    initiator: Endpoint,
    responder: Endpoint,
    /// When the SYN was seen.
    syn_at: Option<Timestamp>,
    /// When the SYN was answered.
    syn_ack_at: Option<Timestamp>,
    /// Both sides opened with a SYN of their own.
    simultaneous: bool,
}

/// The sequence space of one side.
#[derive(Clone, Copy, Debug, Default)]
struct Endpoint {
    /// Number of the SYN, if it was seen.
    isn: Option<u32>,
    /// Number behind the highest byte sent.
    next: Option<u32>,
    /// Number behind the FIN.
    fin: Option<u32>,
    fin_acked: bool,
    /// The latest gap, start and end, as long as it is open.
    hole: Option<(u32, u32)>,
}

/// What a segment did to the state of its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) to: FlowState,
    /// The three-way handshake is complete with this segment.
    pub(super) established: bool,
    /// What is odd about the segment.
    pub(super) findings: Findings,
}

/// What is odd about a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// It has bytes that were missing before it.
    pub(super) out_of_order: bool,
    /// All its bytes had been sent before.
    pub(super) retransmission: bool,
    /// Bytes that are missing between it and the segments before.
    pub(super) gap: u32,
    /// It is a RST or FIN whose number is far from those of the connection: it ends nothing.
    pub(super) out_of_window: bool,
}

impl Connection {
    /// Whether `info` opens a new connection on the ports of this one, which is in `state` and was
    /// silent for `silence`.
    pub(super) fn is_replaced_by(
        &self,
        state: FlowState,
        side: FlowSide,
        info: &TcpInfo,
        silence: Duration,
    ) -> bool {
        let fresh_syn = info.flags.syn() && !info.flags.ack() && !info.flags.rst();
        if !fresh_syn || self.endpoint(side).isn == Some(info.seq) {
            return false;
        }
        state.is_terminal() || state == FlowState::ClosingTcp || silence >= REUSE_AFTER
    }

    /// Takes in a segment of `side`: updates what is counted and tells where the flow stands now.
    pub(super) fn segment(
        &mut self,
        state: FlowState,
        side: FlowSide,
        info: &TcpInfo,
        ts: Timestamp,
        stats: &mut FlowStats,
        history: &mut HistoryString,
    ) -> Step {
        let would_end = info.flags.rst() || info.flags.fin();
        let ends = would_end && self.is_in_window(side, info);
        self.time_handshake(side, info, ts, stats);
        let mut findings = self.follow_sequence(side, info, stats, history);
        findings.out_of_window = would_end && !ends;
        update_endpoints(side, info, ends, stats);
        write_history(side, info, history);
        let counters = stats.side_mut(side);
        counters.tcp_flags = counters.tcp_flags.union(info.flags);
        if info.window == 0 && !info.flags.rst() {
            counters.zero_windows = counters.zero_windows.saturating_add(1);
        }
        let (to, established) = self.next_state(state, side, info, ends);
        Step {
            to,
            established,
            findings,
        }
    }

    /// Whether the sequence number can be one of this connection.
    fn is_in_window(&self, side: FlowSide, info: &TcpInfo) -> bool {
        let next = self.endpoint(side).next;
        next.is_none_or(|next| distance(next, info.seq).unsigned_abs() < MAX_DISTANCE)
    }

    fn endpoint(&self, side: FlowSide) -> &Endpoint {
        match side {
            FlowSide::Initiator => &self.initiator,
            FlowSide::Responder => &self.responder,
        }
    }

    fn endpoint_mut(&mut self, side: FlowSide) -> &mut Endpoint {
        match side {
            FlowSide::Initiator => &mut self.initiator,
            FlowSide::Responder => &mut self.responder,
        }
    }

    fn time_handshake(
        &mut self,
        side: FlowSide,
        info: &TcpInfo,
        ts: Timestamp,
        stats: &mut FlowStats,
    ) {
        let flags = info.flags;
        match side {
            FlowSide::Initiator if flags.syn() => {
                self.syn_at.get_or_insert(ts);
            }
            FlowSide::Responder if flags.syn() && self.syn_ack_at.is_none() => {
                self.syn_ack_at = Some(ts);
                self.simultaneous = !flags.ack();
                stats.syn_to_syn_ack = self.syn_at.map(|syn| ts.saturating_since(syn));
            }
            FlowSide::Initiator if flags.ack() && stats.syn_ack_to_ack.is_none() => {
                stats.syn_ack_to_ack = self.syn_ack_at.map(|syn_ack| ts.saturating_since(syn_ack));
            }
            _ => {}
        }
    }

    /// Follows the sequence numbers of `side`, and what it acknowledges of the other one.
    fn follow_sequence(
        &mut self,
        side: FlowSide,
        info: &TcpInfo,
        stats: &mut FlowStats,
        history: &mut HistoryString,
    ) -> Findings {
        let mut findings = Findings::default();
        let flags = info.flags;
        if flags.ack() {
            let peer = self.endpoint_mut(side.other());
            if peer.fin.is_some_and(|fin| distance(fin, info.ack) >= 0) {
                peer.fin_acked = true;
            }
        }
        // The sequence number of a RST need not continue the stream.
        if flags.rst() {
            return findings;
        }
        let endpoint = self.endpoint_mut(side);
        if flags.syn() {
            endpoint.isn.get_or_insert(info.seq);
        }
        let counters = stats.side_mut(side);
        let start = info.seq.wrapping_add(flags.syn().into());
        let end = start.wrapping_add(info.payload_len);
        let next = *endpoint.next.get_or_insert(start);
        let (ahead, advance) = (distance(next, start), distance(next, end));
        if ahead.unsigned_abs() >= MAX_DISTANCE {
            return findings;
        }
        if info.payload_len > 0 && advance <= 0 {
            if endpoint.fills_hole(start, end) {
                findings.out_of_order = true;
                counters.out_of_order = counters.out_of_order.saturating_add(1);
            } else {
                findings.retransmission = true;
                counters.retransmitted = counters.retransmitted.saturating_add(1);
                history.push_once('t', side);
            }
        }
        if let Ok(gap @ 1..) = u32::try_from(ahead) {
            findings.gap = gap;
            counters.gap_bytes += u64::from(gap);
            endpoint.hole = Some((next, start));
        }
        if let Ok(bytes @ 1..) = u64::try_from(advance) {
            counters.stream_bytes += bytes;
            endpoint.next = Some(end);
        }
        if flags.fin() {
            let fin = end.wrapping_add(1);
            endpoint.fin.get_or_insert(fin);
            if advance >= 0 {
                endpoint.next = Some(fin);
            }
        }
        findings
    }

    /// Where the flow stands after the segment, and whether that completed the handshake. The segment
    /// is a RST or FIN that counts if it `ends` the connection or one side of it.
    fn next_state(
        &mut self,
        from: FlowState,
        side: FlowSide,
        info: &TcpInfo,
        ends: bool,
    ) -> (FlowState, bool) {
        let established = self.completes_handshake(from, side, info);
        let to = self.state_after(from, established, side, info.flags.rst() && ends);
        (to, established)
    }

    fn completes_handshake(&self, from: FlowState, side: FlowSide, info: &TcpInfo) -> bool {
        let flags = info.flags;
        // The responder only sends data when the last ACK of the handshake has reached it.
        let answers = side == FlowSide::Initiator || self.simultaneous || info.payload_len > 0;
        from == FlowState::SynReceived && flags.ack() && !flags.syn() && !flags.rst() && answers
    }

    fn state_after(
        &self,
        from: FlowState,
        established: bool,
        side: FlowSide,
        reset: bool,
    ) -> FlowState {
        if from.is_terminal() {
            return from;
        }
        if reset {
            return match from {
                FlowState::SynSent | FlowState::SynReceived => FlowState::Aborted,
                _ => FlowState::Reset,
            };
        }
        match (self.initiator.fin, self.responder.fin) {
            (Some(_), Some(_)) if self.initiator.fin_acked && self.responder.fin_acked => {
                FlowState::Closed
            }
            (Some(_), Some(_)) => FlowState::ClosingTcp,
            (Some(_), None) | (None, Some(_)) => FlowState::FinWait,
            (None, None) if established => FlowState::Established,
            (None, None) if from == FlowState::SynSent && side == FlowSide::Responder => {
                FlowState::SynReceived
            }
            (None, None) => from,
        }
    }
}

impl Endpoint {
    /// Whether the segment lies in the open gap; what it fills is closed.
    fn fills_hole(&mut self, start: u32, end: u32) -> bool {
        let Some((from, to)) = self.hole else {
            return false;
        };
        if distance(from, start) < 0 || distance(end, to) < 0 {
            return false;
        }
        // Gaps are mostly filled from the front; what is left behind a later piece stays open.
        self.hole = if end == to { None } else { Some((end, to)) };
        if start != from && end == to {
            self.hole = Some((from, start));
        }
        true
    }
}

/// From `a` to `b` in sequence space (RFC 1982 arithmetic).
fn distance(a: u32, b: u32) -> i32 {
    b.wrapping_sub(a).cast_signed()
}

/// State of a flow whose first segment is `info`, and the side that sent it.
pub(super) fn first_segment(info: &TcpInfo) -> (FlowState, FlowSide) {
    match (info.flags.syn(), info.flags.ack()) {
        (true, false) => (FlowState::SynSent, FlowSide::Initiator),
        (true, true) => (FlowState::SynReceived, FlowSide::Responder),
        (false, _) => (FlowState::Active, FlowSide::Initiator),
    }
}

/// Each side's own state, by the segment that `side` sent.
fn update_endpoints(side: FlowSide, info: &TcpInfo, ends: bool, stats: &mut FlowStats) {
    use EndpointState::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};
    let peer = stats.side(side.other()).tcp_state;
    let flags = info.flags;
    let before = stats.side(side).tcp_state;
    let after = match before {
        Closed if flags.rst() && peer == Closed => Closed,
        _ if flags.rst() && ends => Reset,
        Inactive | SynSent | SynAckSent | Partial | Established if flags.fin() && ends => Closed,
        Inactive | SynSent if flags.syn() && flags.ack() => match peer {
            SynSent | Established => Established,
            _ => SynAckSent,
        },
        Inactive if flags.syn() => SynSent,
        Inactive => Partial,
        state => state,
    };
    stats.side_mut(side).tcp_state = after;
    if after == Established && peer == SynSent {
        stats.side_mut(side.other()).tcp_state = Established;
    }
}

fn write_history(side: FlowSide, info: &TcpInfo, history: &mut HistoryString) {
    let flags = info.flags;
    if flags.syn() {
        history.push_once(if flags.ack() { 'h' } else { 's' }, side);
    }
    if info.payload_len > 0 && !flags.rst() {
        history.push_once('d', side);
    }
    if flags.fin() {
        history.push_once('f', side);
    }
    if flags.rst() {
        history.push_once('r', side);
    }
    let bare = !flags.syn() && !flags.fin() && !flags.rst() && info.payload_len == 0;
    if bare && flags.ack() {
        history.push_once('a', side);
    }
}

#[cfg(test)]
mod tests;
