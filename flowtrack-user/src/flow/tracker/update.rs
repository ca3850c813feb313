//! A packet on its way through the tracker: which flow it belongs to, and what it changes there.

use flowtrack_common::{EndReason, FlowEvent, FlowKey, FlowSide, FlowState, L4Proto};

use super::{Tracker, report::Outcome};
use crate::{
    flow::{
        Direction, EventKinds, EventSink, Meta, TrackerConfig,
        clock::LastUse,
        entry::Flow,
        recent::RecentFlow,
        store::Lookup,
        tcp::{Arrival, Findings, Step},
    },
    table::{Full, SlotId},
};

impl<K: FlowKey> Tracker<K> {
    /// Takes in a packet of the flow that lies at `place`, or of a new one. The key is
    /// looked up by `lookup`.
    #[inline(never)]
    pub(super) fn follow(
        &mut self,
        place: Option<SlotId>,
        lookup: &Lookup,
        meta: &Meta<K>,
        sink: &mut impl EventSink<K>,
    ) {
        if let Some(id) = place
            && self.step_plain(id, meta, sink)
        {
            return;
        }
        if let Some(id) = place
            // It is not moved again: it is large.
            && let Some(flow) = &mut self.flows.load_found(id, &meta.packet.key, &self.config)
            && !self.ended_by(id, flow, meta, sink)
        {
            self.close_part(flow, meta, sink);
            self.mark_losses(flow);
            let (list, before) = (flow.list(&self.config), flow.last_use);
            let next = self.update(flow, list, meta, sink);
            self.flows.store(id, flow);
            if next != list || self.moves(flow, before) {
                self.flows.touch(id, next);
            }
            return;
        }
        self.start(lookup, meta, sink);
    }

    /// Whether a flow has to change its place in its list, now that it was used again.
    fn moves(&self, flow: &Flow, before: LastUse) -> bool {
        let timeout = flow.timeout(&self.config);
        !flow.is_running_out(&self.config) && self.ticks.differ(timeout, before, flow.last_use)
    }

    /// Whether the flow at `id` is over for a packet on its key, and has been ended.
    fn ended_by(
        &mut self,
        id: SlotId,
        flow: &Flow,
        meta: &Meta<K>,
        sink: &mut impl EventSink<K>,
    ) -> bool {
        let last_use = self.clock.on_this_clock(flow.last_use);
        let silence = meta.ts.saturating_since(last_use);
        let side = flow.side(meta.packet.orientation);
        let replaced = meta.packet.tcp.is_some_and(|info| {
            flow.tcp
                .is_replaced_by(self.config.reuse, flow.state, side, &info, silence)
        });
        if self.has_expired(id) {
            self.end(id, EndReason::IdleTimeout, sink);
        } else if replaced {
            self.end(id, EndReason::Replaced, sink);
        } else {
            return false;
        }
        true
    }

    /// Starts a flow; a full table gives one up for it.
    fn start(&mut self, lookup: &Lookup, meta: &Meta<K>, sink: &mut impl EventSink<K>) {
        self.make_room(sink);
        let recent = self.returned(lookup);
        self.counters.created += 1;
        if self.start_plain(lookup, meta, recent, sink) {
            return;
        }
        let mut flow = Flow::new(meta, self.clock.first_used(meta.ts), &self.config);
        flow.losses = self.losses.count();
        if let Some(recent) = recent
            && self.config.direction == Direction::FirstPacket
            && !meta.packet.tcp.is_some_and(|info| info.flags.syn())
        {
            flow.continue_from(recent.initiator, meta.packet.key, &self.config);
        }
        if sink.wants().contains(EventKinds::STARTED) {
            sink.event(FlowEvent::Started {
                key: flow.oriented(meta.packet.key),
                side: flow.side(meta.packet.orientation),
                ts: meta.ts,
                l4: flow.l4,
            });
        }
        let list = flow.list(&self.config);
        let list = self.update(&mut flow, list, meta, sink);
        let key = meta.packet.key;
        // Where all places are taken in which the flow could be found, one of them is given up; the hash
        // makes that all but impossible.
        while let Err(Full::Buckets(id)) = self.flows.insert(lookup, key, &flow, list) {
            self.evict_at(id, sink);
        }
    }

    /// What is remembered of the flow that the key had before.
    fn returned(&mut self, lookup: &Lookup) -> Option<RecentFlow> {
        let now = self.clock.now();
        let recent = self.recent.take(lookup.hash(), self.clock.number(), now)?;
        if recent.evicted && now <= recent.over_at {
            self.counters.returned += 1;
        }
        Some(recent)
    }

    /// Marks a flow, which is used again, if packets were lost meanwhile.
    fn mark_losses(&self, flow: &mut Flow) {
        if flow.losses != self.losses.count() {
            flow.stats.completeness.capture_loss |= self.may_miss_packets_of(flow);
            flow.losses = self.losses.count();
        }
    }

    /// Counts the packet and follows the connection. Returns the list that the flow, which is in `list`,
    /// belongs to from now on.
    fn update(
        &mut self,
        flow: &mut Flow,
        list: usize,
        meta: &Meta<K>,
        sink: &mut impl EventSink<K>,
    ) -> usize {
        flow.find_direction(meta, &self.config);
        let side = flow.side(meta.packet.orientation);
        let key = flow.oriented(meta.packet.key);
        flow.count(side, meta);
        let from = flow.state;
        let step = flow.follow(side, meta, &self.config, sink);
        if sink.wants().contains(EventKinds::PACKET) {
            sink.event(FlowEvent::Packet {
                key,
                side,
                len: meta.packet.wire_len as usize,
                ts: meta.ts,
            });
        }
        let next = flow.list(&self.config);
        if next != list || !flow.is_running_out(&self.config) {
            flow.last_use = self.clock.used(flow.last_use, meta.ts);
        }
        if self.reports_anomalies(sink) {
            let to = flow.state;
            let first = flow.stats.packets() == 1;
            let outcome = Outcome {
                // The sides may have changed places since.
                side: flow.side(meta.packet.orientation),
                opens: (first && to == FlowState::SynSent)
                    || (from == FlowState::Aborted && to == FlowState::SynReceived),
                completes: step.is_some_and(|step| step.established)
                    || (!first && from != FlowState::Aborted && to == FlowState::Aborted),
                findings: step.map_or_else(Findings::default, |step| step.findings),
            };
            self.report_packet(flow, meta, outcome, sink);
        }
        next
    }
}

impl Flow {
    /// Follows the connection, if the packet is a segment of one, and says how its state changed.
    #[inline]
    fn follow<K: FlowKey>(
        &mut self,
        side: FlowSide,
        meta: &Meta<K>,
        config: &TrackerConfig,
        sink: &mut impl EventSink<K>,
    ) -> Option<Step> {
        let Some(info) = &meta.packet.tcp else {
            if self.l4 == Some(L4Proto::Udp) {
                self.history.push_once('d', side);
            }
            return None;
        };
        let ts = meta.ts;
        let arrival = Arrival {
            side,
            info,
            ts,
            payload_seen: config.cut_payload_is_seen || !meta.packet.truncated,
            check_window: config.check_window,
        };
        let key = self.oriented(meta.packet.key);
        let from = self.state;
        let step = self
            .tcp
            .segment(from, &arrival, &mut self.stats, &mut self.history);
        let to = step.to;
        self.state = to;
        if step.swaps {
            self.swap_sides(meta.packet.key, config);
        }
        let wants = sink.wants();
        if step.established {
            if wants.contains(EventKinds::ESTABLISHED) {
                sink.event(FlowEvent::Established { key, ts });
            }
        } else if to != from && wants.contains(EventKinds::STATE_CHANGE) {
            sink.event(FlowEvent::StateChange { key, from, to, ts });
        }
        Some(step)
    }
}
