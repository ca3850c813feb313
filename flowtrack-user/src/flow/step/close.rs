//! The FIN of each side, and the ACKs of these.

use flowtrack_common::{EndpointState, FlowSide, FlowState, TcpInfo};

use super::Segment;
use crate::flow::{
    fast::{FAR, ONE_WAY},
    packed::{Letter, NO_HANDSHAKE, Packed, U32, field},
};

/// How far a side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It is open, and has not begun to close.
    Open,
    /// It has sent its FIN, and all before that has arrived.
    Closed,
}

impl Packed {
    /// A FIN, or an ACK without payload: behind all that its side has sent it acknowledges all that the other
    /// one has.
    pub(super) fn close<K>(&mut self, segment: &Segment<'_, K>) -> Option<FlowState> {
        let Segment {
            packet,
            info,
            side,
            lag,
        } = *segment;
        let peer = side.other();
        let peer_end = self.end(peer)?;
        let to = self.next_of_close(side, peer_end, info)?;
        let is_last = to == FlowState::Closed;
        let fin = info.flags.fin();
        let letter = if fin {
            Some(Letter::Fin)
        } else if self.flags.is(field::HAS_ACK.of(side)) {
            None
        } else {
            Some(Letter::Ack)
        };
        if (letter.is_some() && !Letter::fits_behind(self.history)) || (is_last && lag > U32::MAX) {
            return None;
        }
        let counts = self.count(side, packet, lag)?;
        let (next, settled) = self.end_of_stream(side, fin)?;

        let productive = self.last_seen;
        self.set_counts(side, counts);
        if is_last {
            self.lag = U32::low(productive);
            self.flags.set(field::PRODUCTIVE_LAGS, 1);
        }
        self.next_or_payload[side as usize] = next;
        self.settled[side as usize] = settled;
        self.tcp_flags[side as usize] |= info.flags.0;
        self.settle_all(peer, peer_end);
        if let Some(letter) = letter {
            self.history = letter.behind(self.history, side);
        }
        if fin {
            self.shut(side, peer_end);
        } else {
            self.flags.set(field::HAS_ACK.of(side), 1);
        }
        Some(to)
    }

    /// The state that follows if the segment is one of a close.
    fn next_of_close(&self, side: FlowSide, peer: End, info: &TcpInfo) -> Option<FlowState> {
        let flags = info.flags;
        let in_order = flags.ack()
            && !(flags.syn() || flags.rst())
            && info.payload_len == 0
            && info.window != 0
            && info.seq == self.next_or_payload[side as usize]
            && info.ack == self.next_or_payload[side.other() as usize];
        let answered = self.tcp_flags(FlowSide::Responder).syn();
        let half_open = answered && self.handshake == NO_HANDSHAKE;
        if !in_order || half_open || self.flags.is(field::CLOSE_WAITS) {
            return None;
        }
        let (from, own) = (self.flags.state(), self.end(side)?);
        match (own, peer, flags.fin()) {
            (End::Open, End::Open, true) if from == FlowState::Established => {
                Some(FlowState::FinWait)
            }
            (End::Open, End::Closed, true) if from == FlowState::FinWait => {
                Some(FlowState::ClosingTcp)
            }
            (End::Open, End::Closed, false) if from == FlowState::FinWait => Some(from),
            (End::Closed, End::Closed, false) if from == FlowState::ClosingTcp => {
                let acked = self.flags.is(field::FIN_ACKED.of(side));
                let lags = self.flags.is(field::PRODUCTIVE_LAGS);
                (acked && !lags).then_some(FlowState::Closed)
            }
            _ => None,
        }
    }

    /// How far `side` is, if it went there as it should.
    fn end(&self, side: FlowSide) -> Option<End> {
        let fin = self.tcp_flags(side).fin();
        let state = self.flags.endpoint(field::ENDPOINT.of(side));
        let over = [field::CLOSED, field::AT_END].map(|field| self.flags.is(field.of(side)));
        match (state, fin, over) {
            (EndpointState::Established, false, [false, false]) => Some(End::Open),
            (EndpointState::Closed, true, [true, true]) => Some(End::Closed),
            _ => None,
        }
    }

    /// The number behind the stream of `side` with what it sends now, and that up to which nothing is waited
    /// for then: see `Stream`.
    fn end_of_stream(&self, side: FlowSide, fin: bool) -> Option<(u32, u32)> {
        let own = side as usize;
        let (start, next) = (self.start[own], self.next_or_payload[own]);
        let length = next.wrapping_sub(start).checked_add(fin.into())?;
        let next = next.wrapping_add(fin.into());
        let settled = if length > ONE_WAY && !self.flags.is(field::ANY_ACKED.of(side)) {
            next
        } else {
            self.settled[own]
        };
        (next.wrapping_sub(settled) < FAR).then_some((next, settled))
    }

    /// All that `side` has sent is acknowledged, its FIN too if it is closed.
    fn settle_all(&mut self, side: FlowSide, end: End) {
        let own = side as usize;
        let (start, next) = (self.start[own], self.next_or_payload[own]);
        // A FIN is no byte.
        let last = next.wrapping_sub((end == End::Closed).into());
        if last.wrapping_sub(self.settled[own]).cast_signed() > 0 {
            self.settled[own] = last;
        }
        if next.wrapping_sub(start) > 1 {
            self.flags.set(field::ANY_ACKED.of(side), 1);
        }
        if end == End::Closed {
            self.flags.set(field::FIN_ACKED.of(side), 1);
        }
    }

    /// `side` has closed; the connection is finished if the other one has.
    fn shut(&mut self, side: FlowSide, peer: End) {
        let (closed, before) = (EndpointState::Closed, EndpointState::Established);
        let flags = &mut self.flags;
        flags.set(field::ENDPOINT.of(side), closed as u64);
        flags.set(field::ENDPOINT_BEFORE.of(side), before as u64);
        flags.set(field::CLOSED.of(side), 1);
        flags.set(field::AT_END.of(side), 1);
        if peer == End::Closed {
            flags.set(field::FINISHED, 1);
        }
    }
}
