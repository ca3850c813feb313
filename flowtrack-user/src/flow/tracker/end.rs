//! How flows end, and the records that they give.

use flowtrack_common::{EndReason, FlowEvent, FlowKey, FlowState};

use super::Tracker;
use crate::{
    flow::{
        EventKinds, EventSink, Meta, RecordReason,
        entry::Flow,
        packed::{Ending, PackedRecord},
        recent::RecentFlow,
        store::{Patience, Removed},
    },
    table::SlotId,
};

impl<K: FlowKey> Tracker<K> {
    /// Ends flows that have expired, at most `limit` of them. Returns how many.
    pub fn expire(&mut self, limit: usize, sink: &mut impl EventSink<K>) -> usize {
        let ended = self.sweep(limit, sink);
        self.check_pressure(sink);
        ended
    }

    /// Ends all flows: those that have expired for that reason, the others for `reason`. Evictions
    /// that no event has told of yet are told before that.
    pub fn finish(&mut self, reason: EndReason, sink: &mut impl EventSink<K>) {
        self.report_last_pressure(sink);
        self.sweep(usize::MAX, sink);
        while let Some(list) = self.flows.lists().next() {
            while let Some(id) = self.flows.oldest(list) {
                // A late packet leaves a flow behind one that was used before it.
                self.end_unless_expired(id, reason, sink);
            }
        }
    }

    /// Ends the flow of `key`, which may name either end as source, for [`EndReason::ForceClosed`].
    /// Returns whether there was one.
    pub fn force_end(&mut self, key: &K, sink: &mut impl EventSink<K>) -> bool {
        let Some(id) = self.find(key).or_else(|| self.find(&key.reversed())) else {
            return false;
        };
        self.end_unless_expired(id, EndReason::ForceClosed, sink)
    }

    /// Ends flows that have expired, at most `limit` of them. Returns how many.
    pub(super) fn sweep(&mut self, limit: usize, sink: &mut impl EventSink<K>) -> usize {
        let mut ended = 0;
        for list in self.flows.lists() {
            while ended < limit {
                let oldest = self.flows.oldest(list);
                let Some(id) = oldest.filter(|&id| self.has_expired(id)) else {
                    break;
                };
                self.run_ahead(list, id);
                self.end(id, EndReason::IdleTimeout, sink);
                ended += 1;
            }
        }
        ended
    }

    /// Has fetched what it takes to end the flows at the front of a list, the first of which is about to.
    pub(super) fn run_ahead(&mut self, list: usize, first: SlotId) {
        let (recent, clock) = (&self.recent, self.clock.number());
        self.ahead.run(&self.flows, list, first, |hash| {
            recent.prefetch(hash, clock);
        });
    }

    /// Ends the flow at `id` for `reason`, or for its timeout if that has passed. Returns whether it
    /// was alive.
    fn end_unless_expired(
        &mut self,
        id: SlotId,
        reason: EndReason,
        sink: &mut impl EventSink<K>,
    ) -> bool {
        let expired = self.has_expired(id);
        let timeout = EndReason::IdleTimeout;
        self.end(id, if expired { timeout } else { reason }, sink);
        !expired
    }

    /// Where the flow of `key` lies.
    pub(super) fn find(&self, key: &K) -> Option<SlotId> {
        self.flows.find(&self.flows.lookup(key), key)
    }

    /// Whether the flow at `id` was silent for longer than its timeout.
    pub(super) fn has_expired(&self, id: SlotId) -> bool {
        let patience = self.flows.patience(id);
        patience.is_some_and(|patience| self.is_over(patience))
    }

    /// Whether a flow was silent for longer than its timeout.
    #[inline]
    pub(super) fn is_over(&self, Patience { last_use, timeout }: Patience) -> bool {
        self.clock
            .is_idle(last_use, self.config.timeouts.at(timeout))
    }

    /// Ends the flow at `id`: for `reason`, unless the connection itself was over before.
    pub(super) fn end(&mut self, id: SlotId, reason: EndReason, sink: &mut impl EventSink<K>) {
        let Some(removed) = self.flows.remove(id) else {
            return;
        };
        let evicted = reason == EndReason::Evicted;
        let reason = match removed.state {
            _ if !self.config.tcp_ends_flows => reason,
            FlowState::Closed => EndReason::Fin,
            FlowState::Reset | FlowState::Aborted => EndReason::Rst,
            _ => reason,
        };
        if evicted || reason == EndReason::IdleTimeout {
            self.remember(&removed, evicted);
        }
        if let Some(counter) = self.counters.ended.get_mut(reason.index()) {
            *counter += 1;
        }
        let ending = Ending {
            reason,
            capture_loss: self.may_miss_packets(removed.losses, removed.patience),
            sampled: self.sampling.sampled_since(removed.started),
        };
        if PackedRecord::<K>::can_be_of(&removed.packed)
            && !sink.wants().contains(EventKinds::ENDED)
        {
            let record = PackedRecord::new(&removed.packed, ending);
            self.counters.record(record.packets());
            sink.packed_record(record);
        } else {
            self.tell_of(&removed, ending, sink);
        }
        self.flows.free(&removed.packed);
    }

    /// Gives the last record of a flow at full length, and the event if it is wanted.
    fn tell_of(&mut self, removed: &Removed, ending: Ending, sink: &mut impl EventSink<K>) {
        let Some(record) = self.flows.record(removed, ending) else {
            return;
        };
        if sink.wants().contains(EventKinds::ENDED) {
            sink.event(FlowEvent::Ended {
                key: record.key,
                reason: ending.reason,
                stats: record.stats,
                history: record.history,
            });
        }
        self.counters.record(record.packets());
        sink.record(record);
    }

    /// Gives a record of a flow if it has been active for as long as the active timeout. The packet
    /// that shows it is not in it.
    ///
    /// What the records say therefore depends on packets alone, not on when somebody looks at the
    /// flow.
    pub(super) fn close_part(
        &mut self,
        flow: &mut Flow,
        meta: &Meta<K>,
        sink: &mut impl EventSink<K>,
    ) {
        let Some(active_timeout) = self.config.active_timeout else {
            return;
        };
        if !flow.parts.is_over(&self.clock, active_timeout, meta.ts) {
            return;
        }
        flow.stats.completeness.capture_loss |= self.may_miss_packets_of(flow);
        let key = flow.oriented(meta.packet.key);
        let mut record = flow.record(key, RecordReason::ActiveTimeout);
        record.stats.completeness.sampled = self.sampling.sampled_since(flow.stats.started);
        flow.parts.next(&flow.stats, self.clock.first_used(meta.ts));
        self.counters.record(record.packets());
        sink.record(record);
    }

    /// Remembers a flow of which more may come: it was `evicted`, even if it was closed, or silent for
    /// too long.
    fn remember(&mut self, flow: &Removed, evicted: bool) {
        let Patience { last_use, timeout } = flow.patience;
        let clock = last_use.clock();
        // One that was last used before the clock was set back is not recognised after that.
        if clock != self.clock.number() {
            return;
        }
        let timeout = self.config.timeouts.at(timeout);
        let recent = RecentFlow {
            initiator: flow.initiator,
            evicted,
            over_at: last_use.stamp().saturating_add(timeout),
        };
        self.recent.remember(flow.hash, clock, recent);
    }

    /// Whether packets were lost since a flow was used, and while it lived. There had been `losses` then.
    fn may_miss_packets(&self, losses: u32, patience: Patience) -> bool {
        let timeout = self.config.timeouts.at(patience.timeout);
        self.losses.concern(losses, patience.last_use, timeout)
    }

    /// The same of a flow that goes on.
    pub(super) fn may_miss_packets_of(&self, flow: &Flow) -> bool {
        let patience = Patience {
            last_use: flow.last_use,
            timeout: flow.timeout(&self.config),
        };
        self.may_miss_packets(flow.losses, patience)
    }
}
