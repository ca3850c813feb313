//! A packet on its way through the tracker: which flow it belongs to, and what it changes there.

use flowtrack_common::{EndReason, FlowEvent, FlowKey, L4Proto};

use super::Tracker;
use crate::{
    flow::{EventKinds, EventSink, Meta, entry::Flow},
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
        let timeout = self.config.timeouts.get(flow.timeout_class());
        let silence = meta.ts.saturating_since(flow.stats.last_seen);
        let side = flow.side(meta.packet.orientation);
        let replaced = meta
            .packet
            .tcp
            .is_some_and(|info| flow.tcp.is_replaced_by(flow.state, side, &info, silence));
        if self.is_idle(id, timeout) {
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
        if self.table.is_full() {
            self.evict(sink);
        }
        let flow = Flow::new(meta, self.clock.first_used(meta.ts));
        let id = self.table.insert(meta.packet.key, flow, flow.list())?;
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

    /// Counts the packet and follows the connection.
    pub(super) fn update(&mut self, id: SlotId, meta: &Meta<K>, sink: &mut impl EventSink<K>) {
        let Some(flow) = self.table.get_mut(id) else {
            return;
        };
        let wants = sink.wants();
        let side = flow.side(meta.packet.orientation);
        let key = flow.oriented(meta.packet.key);
        flow.count(side, meta);
        flow.last_use = self.clock.used(flow.last_use, meta.ts);
        let from = flow.state;
        if let Some(info) = &meta.packet.tcp {
            let Flow {
                tcp,
                stats,
                history,
                ..
            } = flow;
            let step = tcp.segment(from, side, info, meta.ts, stats, history);
            flow.state = step.to;
            if step.established {
                if wants.contains(EventKinds::ESTABLISHED) {
                    sink.event(FlowEvent::Established { key, ts: meta.ts });
                }
            } else if step.to != from && wants.contains(EventKinds::STATE_CHANGE) {
                sink.event(FlowEvent::StateChange {
                    key,
                    from,
                    to: step.to,
                    ts: meta.ts,
                });
            }
        } else if matches!(flow.l4, Some(L4Proto::Udp)) {
            flow.history.push_once('d', side);
        }
        if wants.contains(EventKinds::PACKET) {
            let len = meta.packet.wire_len as usize;
            sink.event(FlowEvent::Packet {
                key,
                side,
                len,
                ts: meta.ts,
            });
        }
        let list = flow.list();
        self.table.touch(id, list);
    }
}
