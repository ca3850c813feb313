//! A TCP connection, seen from the middle of the path.

mod endpoint;
mod gaps;
mod history;
mod packed;
mod reuse;
mod sequence;
mod state;

use flowtrack_common::{
    EndpointState, FlowSide, FlowState, FlowStats, HistoryString, TcpInfo, Timestamp,
};

pub(super) use self::state::first_segment;
use self::{
    endpoint::{Effect, Endpoint},
    sequence::{Fit, Missed, Span, distance},
};

/// What is remembered of a connection between segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Connection {
    initiator: Endpoint,
    responder: Endpoint,
    /// When the SYN was seen.
    syn_at: Option<Timestamp>,
    /// When the SYN was answered.
    syn_ack_at: Option<Timestamp>,
    /// Both sides opened with a SYN of their own.
    simultaneous: bool,
    /// One side would be closed, were not data under way.
    close_waits: bool,
    /// Nothing is expected any more: both sides are closed, or one is and will get no answer.
    finished: bool,
}

/// A segment as it arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    /// Who sent it.
    pub(super) side: FlowSide,
    pub(super) info: &'a TcpInfo,
    pub(super) ts: Timestamp,
    /// Whether its payload counts as seen.
    pub(super) payload_seen: bool,
    /// Whether its number has to be near those of the connection, if it is a RST or FIN.
    pub(super) check_window: bool,
}

/// What a segment did to the state of its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) to: FlowState,
    /// The three-way handshake is complete with this segment.
    pub(super) established: bool,
    /// The sides are to be swapped: the first packet was the answer of this one.
    pub(super) swaps: bool,
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
    /// Takes in a segment of a flow that is in state `from`: updates what is counted and tells where the
    /// flow stands now.
    pub(super) fn segment(
        &mut self,
        from: FlowState,
        arrival: &Arrival<'_>,
        stats: &mut FlowStats,
        history: &mut HistoryString,
    ) -> Step {
        let &Arrival { side, info, ts, .. } = arrival;
        let would_end = info.flags.rst() || info.flags.fin();
        let strays = arrival.check_window && !self.is_in_window(side, info);
        let out_of_window = would_end && strays;
        self.time_handshake(side, info, ts, stats);
        if !(self.initiator.closed && self.responder.closed) {
            stats.last_productive = ts;
        }
        self.announce(side, info, history);
        let settles = self.acknowledge(side, info);
        let mut findings = Findings {
            out_of_window,
            ..Findings::default()
        };
        let mut effect = Effect::default();
        if !out_of_window {
            self.advance(side, info, history);
            effect = self.follow(side, info);
        }
        if settles {
            self.settle(side.other(), info.ack, stats, history);
        }
        if !out_of_window {
            findings = self.place(arrival, stats, history);
        }
        self.check_end(side);
        if effect.closes {
            self.close(side);
        }
        self.publish(stats);
        count_flags(side, info, stats);
        let (to, established) = self.next_state(from, side, info, strays);
        if info.flags.syn() {
            self.both(side).0.syn = Some(info.seq);
        }
        Step {
            to,
            established,
            swaps: effect.swaps,
            findings,
        }
    }

    /// Initiator and responder change places: what was taken for a SYN was its answer.
    pub(super) fn swap_sides(&mut self, stats: &mut FlowStats) {
        std::mem::swap(&mut self.initiator, &mut self.responder);
        std::mem::swap(&mut self.syn_at, &mut self.syn_ack_at);
        self.simultaneous = false;
        stats.syn_to_syn_ack = None;
    }

    /// Waiting for the answer to a SYN.
    pub(super) fn is_attempt(&self) -> bool {
        let (initiator, responder) = (self.initiator.state, self.responder.state);
        matches!(
            initiator,
            EndpointState::SynSent | EndpointState::SynAckSent
        ) && responder == EndpointState::Inactive
    }

    /// Nothing is expected any more, or not for long: one side is closed, and one was reset.
    pub(super) fn is_over(&self) -> bool {
        let (initiator, responder) = (&self.initiator, &self.responder);
        let reset =
            initiator.state == EndpointState::Reset || responder.state == EndpointState::Reset;
        self.finished || (reset && (initiator.closed || responder.closed))
    }

    /// Nothing is expected any more.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether the number of a segment can be one of this connection.
    fn is_in_window(&self, side: FlowSide, info: &TcpInfo) -> bool {
        let endpoint = self.endpoint(side);
        endpoint.state == EndpointState::Inactive || endpoint.stream.is_in_window(Span::of(info))
    }

    /// Whether `info` shows that the SYN+ACK which came first was an answer: a scan with SYN+ACKs goes
    /// on neither with data nor with an ACK.
    pub(super) fn began_with_answer(&self, info: &TcpInfo) -> bool {
        let flags = info.flags;
        self.initiator.state == EndpointState::SynAckSent
            && self.responder.state == EndpointState::Inactive
            && !(flags.syn() || flags.fin() || flags.rst())
    }

    /// The SYN+ACK of the responder answered a SYN that was not seen.
    pub(super) fn answered(&mut self) {
        self.responder.state = EndpointState::Established;
    }

    /// Whether `side` opened with a SYN of this number.
    fn has_syn(&self, side: FlowSide, seq: u32) -> bool {
        let endpoint = self.endpoint(side);
        let open = !matches!(
            endpoint.state,
            EndpointState::Inactive | EndpointState::Partial
        );
        open && endpoint.stream.start() == seq
    }

    fn endpoint(&self, side: FlowSide) -> &Endpoint {
        match side {
            FlowSide::Initiator => &self.initiator,
            FlowSide::Responder => &self.responder,
        }
    }

    /// `side` and the other one.
    fn both(&mut self, side: FlowSide) -> (&mut Endpoint, &mut Endpoint) {
        match side {
            FlowSide::Initiator => (&mut self.initiator, &mut self.responder),
            FlowSide::Responder => (&mut self.responder, &mut self.initiator),
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

    /// Begins the stream of `side`, if need be, and writes the letters of the segment.
    fn announce(&mut self, side: FlowSide, info: &TcpInfo, history: &mut HistoryString) {
        let (own, peer) = self.both(side);
        own.begin(Span::of(info));
        history::write_flags(own, side, info, history);
        history::write_window(own, peer, side, info, history);
    }

    /// Takes in what `side` acknowledges. Returns whether that settles anything of the other side.
    fn acknowledge(&mut self, side: FlowSide, info: &TcpInfo) -> bool {
        if !info.flags.ack() {
            return false;
        }
        let (_, peer) = self.both(side);
        if peer.fin.is_some_and(|fin| distance(fin, info.ack) >= 0) {
            peer.fin_acked = true;
        }
        if peer.state == EndpointState::Inactive {
            peer.stream.expect(info.ack);
            return false;
        }
        peer.acknowledge(info.ack, !info.flags.rst())
    }

    fn advance(&mut self, side: FlowSide, info: &TcpInfo, history: &mut HistoryString) {
        let (own, _) = self.both(side);
        let span = Span::of(info);
        if own.stream.advance(span, own.state == EndpointState::Reset) {
            history::write_retransmission(&mut own.marks, side, history);
        }
    }

    fn follow(&mut self, side: FlowSide, info: &TcpInfo) -> Effect {
        let (own, peer) = self.both(side);
        if info.flags.fin() {
            own.fin.get_or_insert(Span::of(info).end());
        }
        own.follow(peer, side, info)
    }

    /// What was acknowledged and not seen of `side` is lost.
    fn settle(
        &mut self,
        side: FlowSide,
        ack: u32,
        stats: &mut FlowStats,
        history: &mut HistoryString,
    ) {
        let (own, _) = self.both(side);
        if let Some(missed) = own.stream.settle(ack, own.fin) {
            self.miss(side, missed, stats, history);
            self.check_end(side);
        }
    }

    fn miss(
        &mut self,
        side: FlowSide,
        missed: Missed,
        stats: &mut FlowStats,
        history: &mut HistoryString,
    ) {
        let (own, peer) = self.both(side);
        // Where a side was reset or joined mid-stream the numbers do not tell what is missing.
        if own.is_clean() && peer.is_clean() {
            stats.side_mut(side).missed_bytes += missed.bytes;
            for _ in 0..missed.gaps {
                history::write_gap(&mut own.marks, side, history);
            }
        }
    }

    /// Finds the place of the segment between the others of its side.
    fn place(
        &mut self,
        arrival: &Arrival<'_>,
        stats: &mut FlowStats,
        history: &mut HistoryString,
    ) -> Findings {
        let &Arrival { side, info, .. } = arrival;
        // The sequence number of a RST need not continue the stream.
        if info.flags.rst() {
            return Findings::default();
        }
        let span = if arrival.payload_seen {
            Span::of(info)
        } else {
            Span::of(info).without_payload()
        };
        let (own, _) = self.both(side);
        let (fit, missed) = own.stream.place(span);
        let Fit {
            fills,
            repeats,
            gap,
        } = fit;
        self.miss(side, missed, stats, history);
        let counters = stats.side_mut(side);
        counters.out_of_order = counters.out_of_order.saturating_add(fills.into());
        counters.retransmitted = counters.retransmitted.saturating_add(repeats.into());
        counters.gap_bytes += u64::from(gap);
        Findings {
            out_of_order: fills,
            retransmission: repeats,
            gap,
            out_of_window: false,
        }
    }

    /// A close that waited for data may come to pass.
    fn check_end(&mut self, side: FlowSide) {
        let (own, peer) = self.both(side);
        if own.comes_to_end(peer) && self.close_waits {
            self.close(side);
            self.close_waits = false;
        }
    }

    fn close(&mut self, side: FlowSide) {
        let (own, peer) = self.both(side);
        if own.is_pending(peer) {
            self.close_waits = true;
            return;
        }
        let unanswered = peer.state == EndpointState::Inactive;
        let complete = own.state == EndpointState::Reset || peer.closed || unanswered;
        let first = !own.closed;
        own.closed = true;
        self.close_waits = false;
        self.finished |= first && complete;
    }

    fn publish(&self, stats: &mut FlowStats) {
        let (initiator, responder) = (&self.initiator, &self.responder);
        stats.initiator.tcp_state = initiator.state;
        stats.initiator.stream_bytes = initiator.bytes();
        stats.responder.tcp_state = responder.state;
        stats.responder.stream_bytes = responder.bytes();
    }
}

fn count_flags(side: FlowSide, info: &TcpInfo, stats: &mut FlowStats) {
    let counters = stats.side_mut(side);
    counters.tcp_flags = counters.tcp_flags.union(info.flags);
    if info.window == 0 && !info.flags.rst() {
        counters.zero_windows = counters.zero_windows.saturating_add(1);
    }
}

#[cfg(test)]
mod tests;
