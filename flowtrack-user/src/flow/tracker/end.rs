//! How flows end, and the records that they give.

use std::time::Duration;

use flowtrack_common::{EndReason, FlowEvent, FlowKey, FlowState};

use super::{Tracker, lists};
use crate::{
    flow::{
        EventKinds, EventSink, Meta, RecordReason,
        entry::{Flow, list},
    },
    table::SlotId,
};

impl<K: FlowKey> Tracker<K> {
    /// Ends flows that have expired, at most `limit` of them. Returns how many.
    pub fn expire(&mut self, limit: usize, sink: &mut impl EventSink<K>) -> usize {
        let mut ended = 0;
        for (timeout, victim) in lists() {
            let patience = self.config.timeouts.get(timeout);
            while ended < limit {
                let Some(id) = self.table.oldest(list(timeout, victim)) else {
                    break;
                };
                if !self.is_idle(id, patience) {
                    break;
                }
                self.end(id, EndReason::IdleTimeout, sink);
                ended += 1;
            }
        }
        ended
    }

    /// Ends all flows: those that have expired for that reason, the others for `reason`.
    pub fn finish(&mut self, reason: EndReason, sink: &mut impl EventSink<K>) {
        self.expire(usize::MAX, sink);
        for (timeout, victim) in lists() {
            while let Some(id) = self.table.oldest(list(timeout, victim)) {
                self.end(id, reason, sink);
            }
        }
    }

    pub(super) fn is_idle(&self, id: SlotId, timeout: Duration) -> bool {
        let flow = self.table.get(id);
        flow.is_some_and(|(_, flow)| self.clock.is_idle(flow.last_use, timeout))
    }

    /// Ends the flow at `id`: for `reason`, unless the connection itself was over before.
    pub(super) fn end(&mut self, id: SlotId, reason: EndReason, sink: &mut impl EventSink<K>) {
        let Some((key, mut flow)) = self.table.remove(id) else {
            return;
        };
        let reason = match flow.state {
            FlowState::Closed => EndReason::Fin,
            FlowState::Reset | FlowState::Aborted => EndReason::Rst,
            _ => reason,
        };
        flow.stats.completeness.evicted = reason == EndReason::Evicted;
        flow.stats.completeness.capture_loss |= self.may_miss_packets(&flow);
        if let Some(counter) = self.counters.ended.get_mut(reason.index()) {
            *counter += 1;
        }
        let key = flow.oriented(key);
        if sink.wants().contains(EventKinds::ENDED) {
            sink.event(FlowEvent::Ended {
                key,
                reason,
                stats: flow.stats,
                history: flow.history,
            });
        }
        let record = flow.record(key, RecordReason::Ended(reason));
        self.counters.record(&record);
        sink.record(record);
    }

    /// Gives a record of the flow at `id` if it has been active for as long as the active timeout.
    /// The packet that shows it is not in it.
    ///
    /// What the records say therefore depends on packets alone, not on when somebody looks at the
    /// flow.
    #[inline]
    pub(super) fn close_part(&mut self, id: SlotId, meta: &Meta<K>, sink: &mut impl EventSink<K>) {
        let Some(active_timeout) = self.config.active_timeout else {
            return;
        };
        let Some((_, flow)) = self.table.get(id) else {
            return;
        };
        if !flow.parts.is_over(&self.clock, active_timeout, meta.ts) {
            return;
        }
        let loss = self.may_miss_packets(flow);
        let Some(flow) = self.table.get_mut(id) else {
            return;
        };
        flow.stats.completeness.capture_loss |= loss;
        let key = flow.oriented(meta.packet.key);
        let record = flow.record(key, RecordReason::ActiveTimeout);
        flow.parts.next(&flow.stats, self.clock.first_used(meta.ts));
        self.counters.record(&record);
        sink.record(record);
    }

    /// Whether packets were lost while the flow lived.
    fn may_miss_packets(&self, flow: &Flow) -> bool {
        self.lost_at.is_some_and(|at| {
            let patience = self.config.timeouts.get(flow.timeout_class());
            let last_use = self.clock.on_this_clock(flow.last_use);
            flow.stats.started <= at && at <= last_use.saturating_add(patience)
        })
    }
}
