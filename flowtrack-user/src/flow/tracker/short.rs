//! The short ways of packets through the tracker.

use std::time::Duration;

use flowtrack_common::{Extracted, FlowEvent, FlowKey, FlowSide, FlowState, Timestamp};

use super::Tracker;
use crate::{
    flow::{
        EventKinds, EventSink, Meta, TrackerConfig,
        begin::Beginning,
        clock::Clock,
        entry::{list_timeout, oriented},
        fast::Moment,
        loss::Losses,
        packed::Packed,
        recent::RecentFlow,
        store::Lookup,
    },
    table::{Full, SlotId},
};

impl<K: FlowKey> Tracker<K> {
    /// Counts the packet of the flow at `id` in the short way, if it can go there.
    #[inline]
    pub(super) fn count_plain(
        &mut self,
        id: SlotId,
        meta: &Meta<K>,
        sink: &mut impl EventSink<K>,
    ) -> bool {
        if self.goes_long_way() {
            return false;
        }
        let Some((list, record)) = self.flows.packed_mut(id) else {
            return false;
        };
        let timeout = list_timeout(list);
        let moment = moment(
            &self.config,
            &self.clock,
            &self.losses,
            self.ticks.nanos(timeout),
        );
        let before = Timestamp::from_nanos(record.last_seen);
        let Some(side) = record.count_plain(meta, &moment) else {
            return false;
        };
        let initiator = record.initiator();
        if self.ticks.lie_apart(timeout, before, meta.ts) {
            self.flows.touch(id, list);
        }
        if sink.wants().contains(EventKinds::PACKET) {
            sink.event(FlowEvent::Packet {
                key: oriented(meta.packet.key, initiator),
                side,
                len: meta.packet.wire_len as usize,
                ts: meta.ts,
            });
        }
        self.note_short_way();
        true
    }

    /// Takes in a segment that opens or closes its connection in the short way, if it can go there.
    pub(super) fn step_plain(
        &mut self,
        id: SlotId,
        meta: &Meta<K>,
        sink: &mut impl EventSink<K>,
    ) -> bool {
        if self.goes_long_way() || self.reports_anomalies(sink) {
            return false;
        }
        let Some((list, record)) = self.flows.packed_mut(id) else {
            return false;
        };
        let idle = self.ticks.nanos(list_timeout(list));
        let moment = moment(&self.config, &self.clock, &self.losses, idle);
        let (from, before) = (record.flags.state(), record.last_seen);
        let Some(to) = record.step(meta, &moment) else {
            return false;
        };
        let Extracted {
            key,
            orientation,
            wire_len,
            ..
        } = meta.packet;
        let (side, initiator) = (record.side(orientation), record.initiator());
        let next = record.list_of_connection(&key, &self.config);
        let (before, ts) = (Timestamp::from_nanos(before), meta.ts);
        if next != list || self.ticks.lie_apart(list_timeout(next), before, ts) {
            self.flows.touch(id, next);
        }
        let (key, wants) = (oriented(key, initiator), sink.wants());
        if to == FlowState::Established {
            if wants.contains(EventKinds::ESTABLISHED) {
                sink.event(FlowEvent::Established { key, ts });
            }
        } else if to != from && wants.contains(EventKinds::STATE_CHANGE) {
            sink.event(FlowEvent::StateChange { key, from, to, ts });
        }
        if wants.contains(EventKinds::PACKET) {
            let len = wire_len as usize;
            sink.event(FlowEvent::Packet { key, side, len, ts });
        }
        self.note_short_way();
        true
    }

    /// Starts a flow in the short way, if its first packet can go there.
    pub(super) fn start_plain(
        &mut self,
        lookup: &Lookup,
        meta: &Meta<K>,
        recent: Option<RecentFlow>,
        sink: &mut impl EventSink<K>,
    ) -> bool {
        let packet = &meta.packet;
        let continues = recent.is_some_and(|recent| recent.initiator != packet.orientation);
        if self.goes_long_way() || continues || self.reports_anomalies(sink) {
            return false;
        }
        let beginning = Beginning {
            config: &self.config,
            clock: self.clock.number(),
            losses: self.losses.count(),
            envelope: self.flows.envelope_number(&packet.envelope),
        };
        let Some((list, record)) = Packed::begin(meta, &beginning) else {
            return false;
        };
        let key = oriented(packet.key, packet.orientation);
        let (side, ts) = (FlowSide::Initiator, meta.ts);
        if sink.wants().contains(EventKinds::STARTED) {
            let l4 = packet.l4;
            sink.event(FlowEvent::Started { key, side, ts, l4 });
        }
        if sink.wants().contains(EventKinds::PACKET) {
            let len = packet.wire_len as usize;
            sink.event(FlowEvent::Packet { key, side, len, ts });
        }
        while let Err(Full::Buckets(id)) =
            self.flows.insert_packed(lookup, packet.key, record, list)
        {
            self.evict_at(id, sink);
        }
        self.note_short_way();
        true
    }

    /// Whether no packet may go the short way: then all must come to the same.
    #[cfg(test)]
    pub(super) fn goes_long_way(&self) -> bool {
        self.long_way
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests ask the tracker")]
    pub(super) fn goes_long_way(&self) -> bool {
        false
    }

    /// A packet went the short way.
    #[cfg(test)]
    fn note_short_way(&mut self) {
        self.short_ways += 1;
    }

    #[cfg(not(test))]
    #[inline]
    #[expect(clippy::unused_self, reason = "tests count")]
    fn note_short_way(&self) {}
}

/// How things stand for the short way of a packet of a flow that may be silent for `idle` nanoseconds.
#[inline]
fn moment(config: &TrackerConfig, clock: &Clock, losses: &Losses, idle: u64) -> Moment {
    Moment {
        now: clock.now().as_nanos(),
        flags: Moment::flags(clock.number()),
        losses: losses.count(),
        idle,
        active: config.active_timeout.map_or(u64::MAX, nanos),
        cut_payload_is_seen: config.cut_payload_is_seen,
    }
}

/// In nanoseconds, as far as those go.
fn nanos(duration: Duration) -> u64 {
    Timestamp::EPOCH.saturating_add(duration).as_nanos()
}
