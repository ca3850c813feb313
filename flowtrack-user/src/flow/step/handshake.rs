//! The answer to a SYN, and what follows it.

use flowtrack_common::{EndpointState, FlowSide, FlowState};

use super::Segment;
use crate::flow::packed::{Letter, NO_HANDSHAKE, Packed, U24, U40, U56, field};

const INITIATOR: FlowSide = FlowSide::Initiator;
const RESPONDER: FlowSide = FlowSide::Responder;

impl Packed {
    /// The SYN, which was sent once, is answered.
    pub(super) fn answer<K>(&mut self, segment: &Segment<'_, K>) -> Option<FlowState> {
        let (own, peer) = (RESPONDER as usize, INITIATOR as usize);
        let Segment { packet, info, .. } = *segment;
        let flags = info.flags;
        let answers = flags.syn()
            && flags.ack()
            && !(flags.fin() || flags.rst())
            && info.payload_len == 0
            && info.window != 0
            && info.ack == self.next_or_payload[peer];
        let asked = self.ends_are(EndpointState::SynSent, EndpointState::Inactive)
            && self.packets == [U24::low(1), U24::default()]
            && self.next_or_payload[peer] == self.start[peer].wrapping_add(1)
            && self.history == Letter::Syn.behind(U56::default(), INITIATOR);
        if !answers || !asked {
            return None;
        }
        let overhead = packet.wire_len.checked_sub(packet.ip_len)?;
        let (overhead, other_first) = (U24::new(overhead.into())?, U40::new(segment.lag)?);
        let ip_len = u16::try_from(packet.ip_len).ok()?;

        let first_byte = info.seq.wrapping_add(1);
        self.other_first = other_first;
        self.other_last = U40::low(self.last_seen);
        self.packets[own] = U24::low(1);
        self.overhead[own] = overhead;
        self.ip_bytes[own] = packet.ip_len;
        self.ip_len[own] = [ip_len; 2];
        self.ttl[own] = packet.ttl;
        self.tcp_flags[own] = flags.0;
        self.start[own] = info.seq;
        self.next_or_payload[own] = first_byte;
        self.settled[own] = first_byte;
        self.history = Letter::SynAck.behind(self.history, RESPONDER);
        let open = EndpointState::Established as u64;
        let before = EndpointState::SynSent as u64;
        self.flags.set(field::RESPONDER_LAST, 1);
        self.flags.set(field::ENDPOINT.of(INITIATOR), open);
        self.flags.set(field::ENDPOINT.of(RESPONDER), open);
        self.flags.set(field::ENDPOINT_BEFORE.of(INITIATOR), before);
        Some(FlowState::SynReceived)
    }

    /// The answer is acknowledged.
    pub(super) fn complete<K>(&mut self, segment: &Segment<'_, K>) -> Option<FlowState> {
        let peer = RESPONDER as usize;
        let Segment { packet, info, .. } = *segment;
        let seen = self.tcp_flags(INITIATOR).union(self.tcp_flags(RESPONDER));
        let answered = self.ends_are(EndpointState::Established, EndpointState::Established)
            && self.tcp_flags(INITIATOR).syn()
            && self.tcp_flags(RESPONDER).syn()
            && !(seen.fin() || seen.rst())
            && self.handshake == NO_HANDSHAKE
            && self.next_or_payload[peer] == self.start[peer].wrapping_add(1);
        if !answered || info.ack != self.next_or_payload[peer] {
            return None;
        }
        let [_, answered_at] = self.first_seen();
        let since = self.last_seen.checked_sub(answered_at.as_nanos())?;
        let handshake = u32::try_from(since.checked_add(segment.lag)?).ok()?;
        let counts = self.count(INITIATOR, packet, segment.lag)?;
        let stream = self.follow_stream(INITIATOR, info)?;
        if handshake == NO_HANDSHAKE {
            return None;
        }

        self.set_segment(INITIATOR, info.flags, stream);
        self.set_counts(INITIATOR, counts);
        self.handshake = handshake;
        Some(FlowState::Established)
    }

    fn ends_are(&self, initiator: EndpointState, responder: EndpointState) -> bool {
        let state = |side| self.flags.endpoint(field::ENDPOINT.of(side));
        state(INITIATOR) == initiator && state(RESPONDER) == responder
    }
}
