//! The short way of a packet that changes nothing but what is counted of its flow.

use flowtrack_common::{
    Defects, EndpointState, FlowKey, FlowSide, FlowState, L4Proto, TcpFlags, TcpInfo,
};

use super::{
    Meta, TrackerConfig,
    clock::Clock,
    entry::list_timeout,
    packed::{NO_HANDSHAKE, Packed, U24, U40, U48, field},
};
use crate::table::Record as _;

/// What is longer does not wait for an acknowledgment any more if none was ever seen: see `Stream`.
const ONE_WAY: u32 = 16_384;
/// Sequence numbers farther apart are not compared: see `Stream`.
const FAR: u32 = 1 << 30;

/// How things stand when a packet arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub(super) config: &'a TrackerConfig,
    pub(super) clock: &'a Clock,
    /// Losses in the queue so far.
    pub(super) losses: u32,
}

impl Packed {
    /// Counts a packet, if it is one of those that most packets are: the flow goes on as before, in its
    /// state and its order. Returns who sent it.
    ///
    /// `None` if it is not, and nothing was changed: [`Flow`](super::entry::Flow) knows all cases, and this
    /// does the same as it in the one case.
    #[inline]
    pub(super) fn count_plain<K: FlowKey>(
        &mut self,
        meta: &Meta<K>,
        moment: &Moment<'_>,
    ) -> Option<FlowSide> {
        if !self.goes_on(meta, moment) {
            return None;
        }
        let side = if meta.packet.orientation == self.initiator() {
            FlowSide::Initiator
        } else {
            FlowSide::Responder
        };
        let mut after = *self;
        after.count(side, meta)?;
        match &meta.packet.tcp {
            Some(info) => after.follow_stream(side, info)?,
            None => after.count_payload(side, meta)?,
        }
        *self = after;
        Some(side)
    }

    /// Whether the flow is alive, of one clock, complete, and has no record to give.
    #[inline]
    fn goes_on<K>(&self, meta: &Meta<K>, moment: &Moment<'_>) -> bool {
        let &Moment {
            config,
            clock,
            losses,
        } = moment;
        let packet = &meta.packet;
        let flags = self.flags;
        let Some(list) = self.list() else {
            return false;
        };
        let timeout = config.timeouts.at(list_timeout(list.into()));
        let last_use = self.last_use();
        let since = || {
            self.started()
                .saturating_add(config.active_timeout.unwrap_or_default())
        };
        !flags.is(field::EXTENDED)
            && flags.get(field::USED) == field::USED_LAST
            && last_use.clock() == clock.number()
            && u32::from(self.losses) == losses
            && self.last_seen <= meta.ts.as_nanos()
            && !clock.is_idle(last_use, timeout)
            && (config.active_timeout.is_none() || since() > meta.ts)
            && (!packet.truncated || (flags.is(field::TRUNCATED) && config.cut_payload_is_seen))
            && packet.defects == Defects::NONE
            && packet.tcp.is_some() == flags.is(field::TCP)
    }

    /// Counts the packet as one of `side`, which has sent others.
    #[inline]
    fn count<K>(&mut self, side: FlowSide, meta: &Meta<K>) -> Option<()> {
        let packet = &meta.packet;
        let now = meta.ts.as_nanos();
        let (own, other) = (side as usize, side.other() as usize);
        let [packets, peers] = [own, other].map(|side| self.packets.get(side).map(|n| n.get()));
        if packets? == 0 || *self.ttl.get(own)? != packet.ttl {
            return None;
        }
        let step = now - self.last_seen;
        let was_last = if self.flags.is(field::RESPONDER_LAST) {
            FlowSide::Responder
        } else {
            FlowSide::Initiator
        };
        if was_last != side {
            self.other_last = U40::low(self.last_seen);
            self.flags.set(
                field::RESPONDER_LAST,
                u64::from(side == FlowSide::Responder),
            );
        }
        let other_last = if was_last == side {
            self.other_last.before(self.last_seen)
        } else {
            0
        };
        let started = self.started.before(self.last_seen);
        if started.checked_add(step)? > U48::MAX
            || (peers? > 0 && other_last.checked_add(step)? > U40::MAX)
        {
            return None;
        }
        self.last_seen = now;
        self.flags.set(field::PRODUCTIVE_LAGS, 0);
        let overhead = packet.wire_len.checked_sub(packet.ip_len)?;
        let ip_len = u16::try_from(packet.ip_len).ok()?;
        *self.packets.get_mut(own)? = U24::new(packets? + 1)?;
        let overheads = self.overhead.get_mut(own)?;
        *overheads = U24::new(overheads.get() + u64::from(overhead))?;
        let ip_bytes = self.ip_bytes.get_mut(own)?;
        *ip_bytes = ip_bytes.checked_add(packet.ip_len)?;
        let [min, max] = self.ip_len.get_mut(own)?;
        *min = ip_len.min(*min);
        *max = ip_len.max(*max);
        Some(())
    }

    /// A datagram, or a packet of another protocol than TCP.
    #[inline]
    fn count_payload<K>(&mut self, side: FlowSide, meta: &Meta<K>) -> Option<()> {
        let is_udp = self.flags.is(field::HAS_L4)
            && self.flags.get(field::L4) == u64::from(L4Proto::Udp.number());
        if is_udp && !self.has_data(side) {
            return None;
        }
        let payload = self.next_or_payload.get_mut(side as usize)?;
        *payload = payload.checked_add(meta.packet.payload_len)?;
        Some(())
    }

    /// A segment of an open connection that goes on where its side has stopped, and acknowledges what
    /// was seen of the other.
    #[inline]
    fn follow_stream(&mut self, side: FlowSide, info: &TcpInfo) -> Option<()> {
        let (own, peer) = (side as usize, side.other() as usize);
        if !self.is_open() || !is_plain(info) || !self.shows_nothing_new(side, info) {
            return None;
        }
        let [own_next, peer_next] = [own, peer].map(|side| self.next_or_payload.get(side).copied());
        let [own_start, peer_start] = [own, peer].map(|side| self.start.get(side).copied());
        let (next, seen, start) = (own_next?, peer_next?, peer_start?);
        // From the start of the other side's stream to what is acknowledged of it.
        let acked = info.ack.wrapping_sub(start);
        if info.seq != next || acked > seen.wrapping_sub(start) {
            return None;
        }
        let length = next
            .wrapping_sub(own_start?)
            .checked_add(info.payload_len)?;
        let next = next.wrapping_add(info.payload_len);
        *self.next_or_payload.get_mut(own)? = next;
        if acked > 1 {
            self.flags.set(field::ANY_ACKED.of(side.other()), 1);
        }
        let settled = self.settled.get_mut(peer)?;
        if settled.wrapping_sub(start) < acked {
            *settled = info.ack;
        }
        let settled = self.settled.get_mut(own)?;
        if length > ONE_WAY && !self.flags.is(field::ANY_ACKED.of(side)) {
            *settled = next;
        }
        if next.wrapping_sub(*settled) >= FAR {
            return None;
        }
        *self.tcp_flags.get_mut(own)? |= info.flags.0;
        Some(())
    }

    /// Whether both ends are open, and none has begun to close.
    #[inline]
    fn is_open(&self) -> bool {
        let open = |side| {
            let state = self.flags.endpoint(field::ENDPOINT.of(side));
            matches!(state, EndpointState::Established | EndpointState::Partial)
                && !self.flags.is(field::CLOSED.of(side))
                && !self.flags.is(field::AT_END.of(side))
        };
        let [initiator, responder] = self.tcp_flags.map(TcpFlags);
        let seen = initiator.union(responder);
        matches!(
            self.flags.state(),
            FlowState::Established | FlowState::Active
        ) && open(FlowSide::Initiator)
            && open(FlowSide::Responder)
            && !seen.fin()
            && !seen.rst()
            && !self.flags.is(field::CLOSE_WAITS)
            && !self.flags.is(field::FINISHED)
    }

    /// Whether the segment adds no letter to the history, and does not complete the handshake.
    #[inline]
    fn shows_nothing_new(&self, side: FlowSide, info: &TcpInfo) -> bool {
        let written = if info.payload_len > 0 {
            self.has_data(side)
        } else {
            self.has_ack(side)
        };
        let answered = self.tcp_flags[FlowSide::Responder as usize] & TcpFlags::SYN.0 != 0;
        let completes = side == FlowSide::Initiator && answered && self.handshake == NO_HANDSHAKE;
        written && !completes
    }
}

/// Whether a segment acknowledges, and neither opens nor closes anything.
#[inline]
fn is_plain(info: &TcpInfo) -> bool {
    let flags = info.flags;
    flags.ack()
        && !flags.syn()
        && !flags.fin()
        && !flags.rst()
        && info.window != 0
        && info.ack != 0
        && info.payload_len < FAR
}
