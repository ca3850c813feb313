//! A connection in the packed form of its flow.

use std::time::Duration;

use flowtrack_common::{
    EndpointState::{self, Inactive},
    FlowSide, Timestamp,
};

use super::{Connection, endpoint::Endpoint, history::Marks, sequence::Stream};
use crate::flow::packed::{Packed, field};

impl Connection {
    /// Writes down what [`Self::unpack`] needs, if a segment was seen at all. That is only enough where
    /// both streams are whole: the result is to be compared.
    #[inline]
    pub(in crate::flow) fn pack(&self, packed: &mut Packed) {
        let flags = &mut packed.flags;
        flags.set(field::TCP, 1);
        flags.set(field::SIMULTANEOUS, self.simultaneous.into());
        flags.set(field::CLOSE_WAITS, self.close_waits.into());
        flags.set(field::FINISHED, self.finished.into());
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

impl Endpoint {
    #[inline]
    fn pack(&self, side: FlowSide, packed: &mut Packed) {
        let (flags, stream) = (&mut packed.flags, &self.stream);
        for (field, value) in [
            (field::ENDPOINT, self.state as u64),
            (field::ENDPOINT_BEFORE, self.before as u64),
            (field::ANY_ACKED, stream.any_acked.into()),
            (field::FIN_ACKED, self.fin_acked.into()),
            (field::CLOSED, self.closed.into()),
            (field::AT_END, self.at_end.into()),
        ] {
            flags.set(field.of(side), value);
        }
        packed.start[side as usize] = stream.start;
        packed.next_or_payload[side as usize] = stream.next;
        packed.settled[side as usize] = stream.settled;
    }

    #[inline]
    fn unpack(side: FlowSide, packed: &Packed) -> Self {
        let flags = packed.flags;
        let seen = packed.tcp_flags(side);
        let stream = Stream::unpack(side, packed);
        let length = stream.relative(stream.next);
        Self {
            state: flags.endpoint(field::ENDPOINT.of(side)),
            before: flags.endpoint(field::ENDPOINT_BEFORE.of(side)),
            stream,
            syn: seen.syn().then_some(stream.start),
            fin: seen.fin().then_some(stream.next),
            fin_acked: flags.is(field::FIN_ACKED.of(side)),
            closed: flags.is(field::CLOSED.of(side)),
            at_end: flags.is(field::AT_END.of(side)),
            marks: Marks {
                fin: if seen.fin() {
                    length.wrapping_sub(1)
                } else {
                    0
                },
                rst: if seen.rst() { length } else { 0 },
                ..Marks::default()
            },
        }
    }
}

impl Stream {
    /// A stream without gaps.
    #[inline]
    fn unpack(side: FlowSide, packed: &Packed) -> Self {
        let start = packed.start[side as usize];
        let next = packed.next_or_payload[side as usize];
        let settled = packed.settled[side as usize];
        // Where nothing was sent, only an acknowledgment can tell what is expected.
        let (edge, fin) = if next == start {
            (settled, 0)
        } else {
            (next, u32::from(packed.tcp_flags(side).fin()))
        };
        Self {
            start,
            next,
            length: next.wrapping_sub(start).into(),
            any_acked: packed.flags.is(field::ANY_ACKED.of(side)),
            settled,
            edge,
            payload_end: edge.wrapping_sub(fin),
            ..Self::default()
        }
    }
}
