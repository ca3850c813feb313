//! The short way of a packet that changes nothing but what is counted of its flow.

use flowtrack_common::{
    Defects, EndpointState, Extracted, FlowKey, FlowSide, FlowState, L4Proto, TcpFlags, TcpInfo,
};

use super::{
    Meta,
    packed::{Field, Flags, Letter, NO_HANDSHAKE, Packed, U24, U40, U48, field},
};

/// What is longer does not wait for an acknowledgment any more if none was ever seen: see `Stream`.
pub(super) const ONE_WAY: u32 = 16_384;
/// Sequence numbers farther apart are not compared: see `Stream`.
pub(super) const FAR: u32 = 1 << 30;

/// The states of a connection that goes on, as bits.
const OPEN: u64 = 1 << FlowState::Active as u64 | 1 << FlowState::Established as u64;
/// The states of an end that sends, as bits.
const SENDS: u64 = 1 << EndpointState::Established as u64 | 1 << EndpointState::Partial as u64;
/// That of an end which was not seen.
const UNSEEN: u64 = 1 << EndpointState::Inactive as u64;

/// How things stand when a packet arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The watermark, nanoseconds.
    pub(super) now: u64,
    /// Of the flags of a flow, [`Moment::FLAGS`] if it can go on and is of this clock.
    pub(super) flags: u64,
    /// Losses in the queue so far.
    pub(super) losses: u32,
    /// For how long the flow may be silent, nanoseconds.
    pub(super) idle: u64,
    /// After which time an active flow gives a record, nanoseconds.
    pub(super) active: u64,
    /// Whether payload that a capture has cut counts as seen.
    pub(super) cut_payload_is_seen: bool,
}

impl Moment {
    const FLAGS: u64 = field::GOES_ON.bits() | field::CLOCK.bits();

    /// What [`Moment::flags`] is at the clock of this number.
    #[inline]
    pub(super) fn flags(clock: u32) -> u64 {
        field::GOES_ON.bits() | field::CLOCK.with(clock.into())
    }

    /// Whether a flow with these flags is of this clock.
    pub(super) fn is_of_clock(&self, flags: Flags) -> bool {
        (flags.0 | field::GOES_ON.bits()) & Self::FLAGS == self.flags
    }
}

/// What a packet changes of the counts of its side, and of the times of its flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    packets: U24,
    overhead: U24,
    ip_bytes: u32,
    ip_len: u16,
    /// The other side sent the packet before this one.
    turns: bool,
}

/// What a segment changes of its connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Number behind it.
    next: u32,
    settled: u32,
    /// A letter that it adds to the history, and the flag that tells of it.
    letter: Option<(Letter, Field)>,
    /// Of the stream of the other side.
    peer_start: u32,
    peer_next: u32,
    peer_settled: u32,
    any_acked: bool,
}

impl Packed {
    /// Counts a packet, if it is one of those that most packets are: the flow goes on as before, in its
    /// state and its order. Returns who sent it.
    ///
    /// `None` if it is not, and nothing was changed: [`Flow`](super::entry::Flow) knows all cases, and this
    /// does the same as it in the one case.
    // On its own it has registers enough.
    #[inline(never)]
    pub(super) fn count_plain<K: FlowKey>(
        &mut self,
        meta: &Meta<K>,
        moment: &Moment,
    ) -> Option<FlowSide> {
        let packet = &meta.packet;
        let step = meta.ts.as_nanos().checked_sub(self.last_seen)?;
        if !self.goes_on(packet, step, moment) {
            return None;
        }
        let side = self.side(packet.orientation);
        let counts = self.count(side, packet, step)?;
        if let Some(info) = &packet.tcp {
            let segment = self.follow_stream(side, info)?;
            self.set_segment(side, info.flags, segment);
        } else {
            self.next_or_payload[side as usize] = self.payload(side, packet)?;
        }
        self.set_counts(side, counts);
        self.last_seen = meta.ts.as_nanos();
        Some(side)
    }

    /// Whether the flow is alive, of one clock, complete, and has no record to give. `step`: nanoseconds
    /// since its latest packet.
    #[inline]
    fn goes_on<K>(&self, packet: &Extracted<K>, step: u64, moment: &Moment) -> bool {
        let flags = self.flags;
        flags.0 & Moment::FLAGS == moment.flags
            && self.is_alive(packet, step, moment)
            && packet.tcp.is_some() == flags.is(field::TCP)
            && (!packet.truncated || (flags.is(field::TRUNCATED) && moment.cut_payload_is_seen))
    }

    /// Whether the flow is alive, complete, and has no record to give; of one clock it must be.
    #[inline]
    pub(super) fn is_alive<K>(&self, packet: &Extracted<K>, step: u64, moment: &Moment) -> bool {
        let age = self.started.before(self.last_seen).saturating_add(step);
        u32::from(self.losses) == moment.losses
            && self.last_seen.saturating_add(moment.idle) >= moment.now
            && age <= U48::MAX
            && age < moment.active
            && packet.defects == Defects::NONE
    }

    /// What the packet, `step` nanoseconds after the latest one, changes of the counts of `side`, which
    /// has sent others.
    #[inline]
    pub(super) fn count<K>(
        &self,
        side: FlowSide,
        packet: &Extracted<K>,
        step: u64,
    ) -> Option<Counts> {
        let own = side as usize;
        let packets = self.packets[own].get();
        if packets == 0 || self.ttl[own] != packet.ttl {
            return None;
        }
        let turns = self.flags.is(field::RESPONDER_LAST) != (side == FlowSide::Responder);
        // Of a side that sent nothing this is any number, and seldom too large.
        let since_other = if turns {
            0
        } else {
            self.other_last.before(self.last_seen)
        };
        if since_other + step > U40::MAX {
            return None;
        }
        let overhead = packet.wire_len.checked_sub(packet.ip_len)?;
        Some(Counts {
            packets: U24::new(packets + 1)?,
            overhead: U24::new(self.overhead[own].get() + u64::from(overhead))?,
            ip_bytes: self.ip_bytes[own].checked_add(packet.ip_len)?,
            ip_len: u16::try_from(packet.ip_len).ok()?,
            turns,
        })
    }

    #[inline]
    pub(super) fn set_counts(&mut self, side: FlowSide, counts: Counts) {
        let own = side as usize;
        let [min, max] = &mut self.ip_len[own];
        *min = counts.ip_len.min(*min);
        *max = counts.ip_len.max(*max);
        self.packets[own] = counts.packets;
        self.overhead[own] = counts.overhead;
        self.ip_bytes[own] = counts.ip_bytes;
        self.flags.0 &= !field::PRODUCTIVE_LAGS.bits();
        if counts.turns {
            self.other_last = U40::low(self.last_seen);
            self.flags.0 ^= field::RESPONDER_LAST.bits();
        }
    }

    /// Payload of `side` with that of the packet, a datagram or one of another protocol than TCP.
    #[inline]
    fn payload<K>(&self, side: FlowSide, packet: &Extracted<K>) -> Option<u32> {
        let is_udp = self.flags.is(field::HAS_L4)
            && self.flags.get(field::L4) == u64::from(L4Proto::Udp.number());
        if is_udp && !self.has_data(side) {
            return None;
        }
        self.next_or_payload[side as usize].checked_add(packet.payload_len)
    }

    /// A segment of an open connection that goes on where its side has stopped, and acknowledges what
    /// was seen of the other.
    #[inline]
    pub(super) fn follow_stream(&self, side: FlowSide, info: &TcpInfo) -> Option<Segment> {
        let (own, peer) = (side as usize, side.other() as usize);
        let next = self.next_or_payload[own];
        if !is_plain(info) || info.seq != next {
            return None;
        }
        let length = next
            .wrapping_sub(self.start[own])
            .checked_add(info.payload_len)?;
        let next = next.wrapping_add(info.payload_len);
        let settled = if length > ONE_WAY && !self.flags.is(field::ANY_ACKED.of(side)) {
            next
        } else {
            self.settled[own]
        };
        if next.wrapping_sub(settled) >= FAR {
            return None;
        }
        let segment = Segment {
            next,
            settled,
            letter: self.new_letter(side, info)?,
            // What is acknowledged of a side that was not seen tells where it stands.
            peer_start: info.ack.wrapping_sub(1),
            peer_next: info.ack.wrapping_sub(1),
            peer_settled: info.ack,
            any_acked: false,
        };
        if self.flags.endpoint_is_of(side.other(), UNSEEN) {
            return Some(segment);
        }
        let (start, seen, settled) = (
            self.start[peer],
            self.next_or_payload[peer],
            self.settled[peer],
        );
        // From the start of the other side's stream to what is acknowledged of it.
        let acked = info.ack.wrapping_sub(start);
        let sent = seen.wrapping_sub(start);
        if acked > sent || sent - acked >= FAR {
            return None;
        }
        let moves = settled.wrapping_sub(start) < acked;
        Some(Segment {
            peer_start: start,
            peer_next: seen,
            peer_settled: if moves { info.ack } else { settled },
            any_acked: acked > 1,
            ..segment
        })
    }

    #[inline]
    pub(super) fn set_segment(&mut self, side: FlowSide, flags: TcpFlags, segment: Segment) {
        let (own, peer) = (side as usize, side.other() as usize);
        self.next_or_payload[own] = segment.next;
        self.settled[own] = segment.settled;
        self.start[peer] = segment.peer_start;
        self.next_or_payload[peer] = segment.peer_next;
        self.settled[peer] = segment.peer_settled;
        self.tcp_flags[own] |= flags.0;
        self.flags = self
            .flags
            .with(field::ANY_ACKED.of(side.other()), segment.any_acked.into());
        if let Some((letter, flag)) = segment.letter {
            self.history = letter.behind(self.history, side);
            self.flags = self.flags.with(flag, 1);
        }
    }

    /// Whether the flow stands so that a plain packet can go the short way: [`field::GOES_ON`].
    #[inline]
    pub(super) fn may_go_on(&self) -> bool {
        let flags = self.flags;
        !flags.is(field::EXTENDED)
            && flags.get(field::USED) == field::USED_LAST
            && (!flags.is(field::TCP) || self.is_open())
    }

    /// Whether both ends are open as far as they were seen, none has begun to close, and the handshake, if
    /// it was seen, is complete.
    #[inline]
    fn is_open(&self) -> bool {
        let (initiator, responder) = (FlowSide::Initiator, FlowSide::Responder);
        let seen = self.tcp_flags(initiator).union(self.tcp_flags(responder));
        let sends = |side| self.flags.endpoint_is_of(side, SENDS);
        let is_absent = |side: FlowSide| {
            self.flags.endpoint_is_of(side, UNSEEN) && self.packets[side as usize].get() == 0
        };
        let answered = self.tcp_flags(responder).syn();
        self.flags.state_is_of(OPEN)
            && (sends(initiator) || is_absent(initiator))
            && (sends(responder) || is_absent(responder))
            && !seen.fin()
            && !seen.rst()
            && !(answered && self.handshake == NO_HANDSHAKE)
    }

    /// The letter that the segment adds to the history, if it adds one. `None` if there is no room for it.
    #[inline]
    #[expect(clippy::option_option, reason = "no letter is not the same as no room")]
    fn new_letter(&self, side: FlowSide, info: &TcpInfo) -> Option<Option<(Letter, Field)>> {
        let (letter, flag) = if info.payload_len > 0 {
            (Letter::Data, field::HAS_DATA.of(side))
        } else {
            (Letter::Ack, field::HAS_ACK.of(side))
        };
        if self.flags.is(flag) {
            return Some(None);
        }
        self.has_room_for_letter().then_some(Some((letter, flag)))
    }

    #[cold]
    fn has_room_for_letter(&self) -> bool {
        Letter::fits_behind(self.history)
    }
}

/// Whether a segment acknowledges, and neither opens nor closes anything.
#[inline]
fn is_plain(info: &TcpInfo) -> bool {
    let flags = info.flags;
    flags.ack()
        && !(flags.syn() || flags.fin() || flags.rst())
        && info.window != 0
        && info.ack != 0
        && info.payload_len < FAR
}
