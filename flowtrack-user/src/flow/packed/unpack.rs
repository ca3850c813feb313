//! From the packed form of a flow to the flow.

use std::time::Duration;

use flowtrack_common::{
    Completeness, Envelope, FlowKey, FlowSide, FlowStats, L4Proto, SideStats, Timestamp,
};

use super::{NO_HANDSHAKE, Packed, Uint, field, letters};
use crate::flow::{
    TimeoutSlot, TrackerConfig,
    anomaly::Reported,
    clock::LastUse,
    entry::{Flow, port_timeout},
    part::Parts,
    tcp::Connection,
};

impl Packed {
    /// The flow, which has this key and this envelope.
    #[inline]
    pub(in crate::flow) fn unpack<K: FlowKey>(
        &self,
        key: &K,
        envelope: Envelope,
        config: &TrackerConfig,
    ) -> Flow {
        let l4 = self.l4();
        self.expand(envelope, port_timeout(key, self.initiator(), l4, config))
    }

    #[inline]
    pub(super) fn expand(&self, envelope: Envelope, port_timeout: Option<TimeoutSlot>) -> Flow {
        let first_seen = self.first_seen();
        let last_use = self.last_use();
        let tcp = Connection::unpack(self, first_seen);
        Flow {
            initiator: self.initiator(),
            l4: self.l4(),
            state: self.flags.state(),
            history: letters::history(self.history),
            stats: self.stats(first_seen, &tcp),
            tcp,
            last_use,
            losses: self.losses.into(),
            port_timeout,
            envelope,
            parts: Parts::new(LastUse::new(self.started(), last_use.clock())),
            reported: Reported::default(),
        }
    }

    #[inline]
    pub(super) fn l4(&self) -> Option<L4Proto> {
        let number = u8::try_from(self.flags.get(field::L4)).unwrap_or_default();
        let has = self.flags.is(field::HAS_L4);
        has.then_some(L4Proto::from_number(number))
    }

    #[inline]
    pub(super) fn stats(&self, first_seen: [Timestamp; 2], tcp: &Connection) -> FlowStats {
        let last_seen = Timestamp::from_nanos(self.last_seen);
        let lags = self.flags.is(field::PRODUCTIVE_LAGS);
        let handshake = u64::from(self.handshake);
        FlowStats {
            initiator: self.side_stats(FlowSide::Initiator, first_seen, tcp),
            responder: self.side_stats(FlowSide::Responder, first_seen, tcp),
            started: self.started(),
            last_seen,
            last_productive: if lags { self.lag() } else { last_seen },
            syn_to_syn_ack: tcp.syn_to_syn_ack(),
            syn_ack_to_ack: (self.handshake != NO_HANDSHAKE)
                .then_some(Duration::from_nanos(handshake)),
            completeness: Completeness {
                midstream: self.flags.is(field::MIDSTREAM),
                capture_loss: self.flags.is(field::CAPTURE_LOSS),
                truncated: self.flags.is(field::TRUNCATED),
                ..Completeness::default()
            },
        }
    }

    #[inline]
    fn side_stats(
        &self,
        side: FlowSide,
        first_seen: [Timestamp; 2],
        tcp: &Connection,
    ) -> SideStats {
        let i = side as usize;
        let packets = self.packets[i].get();
        let stream_bytes = tcp.stream_bytes(side);
        let [ip_len_min, ip_len_max] = self.ip_len[i].map(u32::from);
        SideStats {
            packets,
            wire_bytes: self.wire_bytes(side),
            ip_bytes: self.ip_bytes[i].into(),
            payload_bytes: if self.flags.is(field::TCP) {
                stream_bytes
            } else {
                self.next_or_payload[i].into()
            },
            stream_bytes,
            tcp_flags: self.tcp_flags(side),
            tcp_state: tcp.state(side),
            first_seen: first_seen[i],
            last_seen: self.last_seen(side),
            ip_len_min,
            ip_len_max,
            ttl_min: self.ttl[i],
            ttl_max: self.ttl[i],
            ..SideStats::default()
        }
    }

    /// When each side was first seen.
    #[inline]
    pub(in crate::flow) fn first_seen(&self) -> [Timestamp; 2] {
        let first = self.started();
        let after = Duration::from_nanos(self.other_first.get());
        let second = first.saturating_add(after);
        let in_order = if self.flags.is(field::RESPONDER_FIRST) {
            [second, first]
        } else {
            [first, second]
        };
        let [initiator, responder] = self.packets.map(|packets| packets != Uint::default());
        [
            if initiator {
                in_order[0]
            } else {
                Timestamp::EPOCH
            },
            if responder {
                in_order[1]
            } else {
                Timestamp::EPOCH
            },
        ]
    }

    /// When `side` was last seen.
    #[inline]
    fn last_seen(&self, side: FlowSide) -> Timestamp {
        let responder_last = self.flags.is(field::RESPONDER_LAST);
        if self.packets[side as usize] == Uint::default() {
            Timestamp::EPOCH
        } else if responder_last == (side == FlowSide::Responder) {
            Timestamp::from_nanos(self.last_seen)
        } else {
            self.back(self.other_last.before(self.last_seen))
        }
    }
}
