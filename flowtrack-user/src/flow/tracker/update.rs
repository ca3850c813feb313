//! A packet on its way through the tracker: which flow it belongs to, and what it changes there.

use flowtrack_common::{EndReason, FlowEvent, FlowKey, FlowSide, FlowState, L4Proto};

use super::{Tracker, report::Outcome};
use crate::{
    flow::{
        Direction, EventKinds, EventSink, Meta, TrackerConfig,
        entry::Flow,
        recent::RecentFlow,
        tcp::{Arrival, Findings, Step},
    },
    table::SlotId,
};

impl<K: FlowKey> Tracker<K> {
    /// Whether the flow at `id` is over for a packet on its key, and has been ended.
    pub(super) fn ended_by(
        &mut self,
        id: SlotId,
        meta: &Meta<K>,
        sink: &mut impl EventSink<K>,
    ) -> bool {
        let Some((_, flow)) = self.table.get(id) else {
            return true;
        };
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
    pub(super) fn start(&mut self, meta: &Meta<K>, sink: &mut impl EventSink<K>) -> Option<SlotId> {
        self.make_room(sink);
        let mut flow = Flow::new(meta, self.clock.first_used(meta.ts), &self.config);
        flow.losses = self.losses.count();
        if let Some(recent) = self.returned(&meta.packet.key)
            && self.config.direction == Direction::FirstPacket
            && !meta.packet.tcp.is_some_and(|info| info.flags.syn())
        {
            flow.continue_from(recent.initiator, meta.packet.key, &self.config);
        }
        let id = self
            .table
            .insert(meta.packet.key, flow, flow.list(&self.config))?;
        self.counters.created += 1;
        if sink.wants().contains(EventKinds::STARTED) {
            sink.event(FlowEvent::Started {
                key: flow.oriented(meta.packet.key),
                side: flow.side(meta.packet.orientation),
                ts: meta.ts,
                l4: flow.l4,
            });
        }
        Some(id)
    }

    /// What is remembered of the flow that `key` had before.
    fn returned(&mut self, key: &K) -> Option<RecentFlow> {
        let now = self.clock.now();
        let recent = self.recent.take(key, self.clock.number(), now)?;
        if recent.evicted && now <= recent.over_at {
            self.counters.returned += 1;
        }
        Some(recent)
    }

    /// Marks the flow at `id`, which is used again, if packets were lost meanwhile.
    #[inline]
    fn mark_losses(&mut self, id: SlotId) {
        let Some((_, flow)) = self.table.get(id) else {
            return;
        };
        if flow.losses == self.losses.count() {
            return;
        }
        let loss = self.may_miss_packets(flow);
        if let Some(flow) = self.table.get_mut(id) {
            flow.stats.completeness.capture_loss |= loss;
            flow.losses = self.losses.count();
        }
    }

    /// Counts the packet and follows the connection.
    pub(super) fn update(&mut self, id: SlotId, meta: &Meta<K>, sink: &mut impl EventSink<K>) {
        self.mark_losses(id);
        let Some(flow) = self.table.get_mut(id) else {
            return;
        };
        let list = flow.list(&self.config);
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
        // The sides may have changed places since.
        let side = flow.side(meta.packet.orientation);
        let to = flow.state;
        let first = flow.stats.packets() == 1;
        let next = flow.list(&self.config);
        if next != list || !flow.is_running_out(&self.config) {
            flow.last_use = self.clock.used(flow.last_use, meta.ts);
            self.table.touch(id, next);
        }
        if self.reports_anomalies(sink) {
            let outcome = Outcome {
                side,
                opens: (first && to == FlowState::SynSent)
                    || (from == FlowState::Aborted && to == FlowState::SynReceived),
                completes: step.is_some_and(|step| step.established)
                    || (!first && from != FlowState::Aborted && to == FlowState::Aborted),
                findings: step.map_or_else(Findings::default, |step| step.findings),
            };
            self.report_packet(id, meta, outcome, sink);
        }
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
