//! A connection in the packed form of its flow.

use std::time::Duration;

use flowtrack_common::{
    EndpointState::{self, Inactive},
    FlowSide, FlowStats, SideStats, TcpFlags, Timestamp,
};

use super::{Connection, endpoint::Endpoint, history::Marks, sequence::Stream};
use crate::flow::packed::{Packed, field};

impl Connection {
    /// Whether [`Self::unpack`] brings it back, and with it what `stats` say of it.
    #[inline]
    pub(in crate::flow) fn fits(&self, stats: &FlowStats) -> bool {
        if self.is_unseen() {
            return has_payload_alone(stats);
        }
        self.initiator.fits(&stats.initiator)
            && self.responder.fits(&stats.responder)
            && self.syn_at == opened(&stats.initiator)
            && self.syn_ack_at == opened(&stats.responder)
            && self.syn_to_syn_ack() == stats.syn_to_syn_ack
    }

    /// Writes down what [`Self::unpack`] needs, if a segment was seen at all.
    #[inline]
    pub(in crate::flow) fn pack(&self, packed: &mut Packed) {
        packed.flags = packed
            .flags
            .with(field::TCP, 1)
            .with(field::SIMULTANEOUS, self.simultaneous.into())
            .with(field::CLOSE_WAITS, self.close_waits.into())
            .with(field::FINISHED, self.finished.into());
        self.initiator.pack(FlowSide::Initiator, packed);
        self.responder.pack(FlowSide::Responder, packed);
    }

    /// The connection of a packed flow whose sides were first seen then.
    #[inline]
    pub(in crate::flow) fn unpack(packed: &Packed, first_seen: [Timestamp; 2]) -> Self {
        let flags = packed.flags;
        if !flags.is(field::TCP) {
            return Self::default();
        }
        let opened = |side: FlowSide| {
            let syn = packed.tcp_flags(side).syn();
            syn.then_some(first_seen[side as usize])
        };
        Self {
            initiator: Endpoint::unpack(FlowSide::Initiator, packed),
            responder: Endpoint::unpack(FlowSide::Responder, packed),
            syn_at: opened(FlowSide::Initiator),
            syn_ack_at: opened(FlowSide::Responder),
            simultaneous: flags.is(field::SIMULTANEOUS),
            close_waits: flags.is(field::CLOSE_WAITS),
            finished: flags.is(field::FINISHED),
        }
    }

    /// Whether no segment was seen.
    #[inline]
    pub(in crate::flow) fn is_unseen(&self) -> bool {
        self.initiator.state == Inactive && self.responder.state == Inactive
    }

    /// As in [`SideStats`](flowtrack_common::SideStats).
    #[inline]
    pub(in crate::flow) fn state(&self, side: FlowSide) -> EndpointState {
        self.endpoint(side).state
    }

    /// As in [`SideStats`](flowtrack_common::SideStats).
    #[inline]
    pub(in crate::flow) fn stream_bytes(&self, side: FlowSide) -> u64 {
        self.endpoint(side).bytes()
    }

    /// As in [`FlowStats`](flowtrack_common::FlowStats).
    #[inline]
    pub(in crate::flow) fn syn_to_syn_ack(&self) -> Option<Duration> {
        let (syn_ack, syn) = self.syn_ack_at.zip(self.syn_at)?;
        Some(syn_ack.saturating_since(syn))
    }
}

/// Whether `stats` tell of payload, and of nothing else that belongs to a connection.
#[inline]
fn has_payload_alone(stats: &FlowStats) -> bool {
    let side_has = |side: &SideStats| {
        side.payload_bytes <= u32::MAX.into()
            && side.stream_bytes == 0
            && side.tcp_state == Inactive
    };
    side_has(&stats.initiator) && side_has(&stats.responder) && stats.syn_to_syn_ack.is_none()
}

/// When a side has opened the connection, if it did.
#[inline]
fn opened(stats: &SideStats) -> Option<Timestamp> {
    stats.tcp_flags.syn().then_some(stats.first_seen)
}

impl Endpoint {
    /// Whether [`Self::unpack`] brings it back, and with it what `stats` say of it.
    #[inline]
    fn fits(&self, stats: &SideStats) -> bool {
        let stream = &self.stream;
        let flags = stats.tcp_flags;
        let bytes = self.bytes();
        stream.fits(flags.fin())
            && stats.payload_bytes == bytes
            && stats.stream_bytes == bytes
            && stats.tcp_state == self.state
            && self.syn == flags.syn().then_some(stream.start)
            && self.fin == flags.fin().then_some(stream.next)
            && self.marks == plain_marks(flags, stream)
    }

    #[inline]
    fn pack(&self, side: FlowSide, packed: &mut Packed) {
        let stream = &self.stream;
        packed.flags = packed
            .flags
            .with(field::ENDPOINT.of(side), self.state as u64)
            .with(field::ENDPOINT_BEFORE.of(side), self.before as u64)
            .with(field::ANY_ACKED.of(side), stream.any_acked.into())
            .with(field::FIN_ACKED.of(side), self.fin_acked.into())
            .with(field::CLOSED.of(side), self.closed.into())
            .with(field::AT_END.of(side), self.at_end.into());
        packed.start[side as usize] = stream.start;
        packed.next_or_payload[side as usize] = stream.next;
        packed.settled[side as usize] = stream.settled;
    }

    #[inline]
    fn unpack(side: FlowSide, packed: &Packed) -> Self {
        let flags = packed.flags;
        let seen = packed.tcp_flags(side);
        let stream = Stream::unpack(side, packed);
        Self {
            state: flags.endpoint(field::ENDPOINT.of(side)),
            before: flags.endpoint(field::ENDPOINT_BEFORE.of(side)),
            stream,
            syn: seen.syn().then_some(stream.start),
            fin: seen.fin().then_some(stream.next),
            fin_acked: flags.is(field::FIN_ACKED.of(side)),
            closed: flags.is(field::CLOSED.of(side)),
            at_end: flags.is(field::AT_END.of(side)),
            marks: plain_marks(seen, &stream),
        }
    }
}

/// The marks of a side that has sent these flags, at the end of `stream` where they have a number.
#[inline]
fn plain_marks(seen: TcpFlags, stream: &Stream) -> Marks {
    let length = stream.relative(stream.next);
    Marks {
        fin: if seen.fin() {
            length.wrapping_sub(1)
        } else {
            0
        },
        rst: if seen.rst() { length } else { 0 },
        ..Marks::default()
    }
}

impl Stream {
    /// Whether [`Self::unpack`] brings it back: it has no gaps. `fin`: with a FIN at its end.
    #[inline]
    fn fits(&self, fin: bool) -> bool {
        let plain = Self::plain(self.start, self.next, self.settled, fin);
        *self
            == Self {
                any_acked: self.any_acked,
                ..plain
            }
    }

    #[inline]
    fn unpack(side: FlowSide, packed: &Packed) -> Self {
        let i = side as usize;
        let (start, next) = (packed.start[i], packed.next_or_payload[i]);
        let fin = packed.tcp_flags(side).fin();
        Self {
            any_acked: packed.flags.is(field::ANY_ACKED.of(side)),
            ..Self::plain(start, next, packed.settled[i], fin)
        }
    }

    /// A stream without gaps, of which nobody has acknowledged more than the SYN. `fin`: with a FIN at its
    /// end.
    #[inline]
    fn plain(start: u32, next: u32, settled: u32, fin: bool) -> Self {
        // Where nothing was sent, only an acknowledgment can tell what is expected.
        let (edge, fin) = if next == start {
            (settled, false)
        } else {
            (next, fin)
        };
        Self {
            start,
            next,
            length: next.wrapping_sub(start).into(),
            settled,
            edge,
            payload_end: edge.wrapping_sub(fin.into()),
            ..Self::default()
        }
    }
}
