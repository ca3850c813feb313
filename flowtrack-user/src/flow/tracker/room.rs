//! Room in a full table, and limits that are set while the tracker runs.

use std::time::Duration;

use flowtrack_common::{EndReason, FlowKey, Timestamp, VictimClass};

use super::{Tracker, ticks::Ticks};
use crate::{
    flow::{EventSink, Share, Timeouts, entry::list_class},
    table::SlotId,
};

impl<K: FlowKey> Tracker<K> {
    /// Flows that may be live at a time.
    pub fn max_flows(&self) -> usize {
        self.flows.limit()
    }

    /// Flows for which there is memory: no limit that is set later is higher.
    pub fn capacity(&self) -> usize {
        self.flows.capacity()
    }

    /// Lets `max_flows` flows be live at a time, at least one and at most as many as there is memory
    /// for. Flows that are too many end at once, those whose loss costs least.
    pub fn set_max_flows(&mut self, max_flows: usize, sink: &mut impl EventSink<K>) {
        self.flows.set_limit(max_flows);
        self.guaranteed = guaranteed(self.flows.limit(), self.config.established_share);
        let excess = self.flows.len().saturating_sub(self.flows.limit());
        for _ in 0..excess {
            self.end_one(sink);
        }
        self.check_pressure(sink);
    }

    /// Sets when a silent flow is over, for live flows too. Where other ports than before have a
    /// timeout of their own, it looks at all live flows.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        let same = self.config.timeouts.has_ports_of(&timeouts);
        self.config.timeouts = timeouts;
        self.ticks = Ticks::new(&self.config);
        if !same {
            let lists: Vec<_> = self.flows.lists().collect();
            for list in lists {
                self.sort_anew(list);
            }
        }
    }

    /// Puts the flows of a list that belong to others, now that ports have other timeouts, there.
    fn sort_anew(&mut self, list: usize) {
        let mut next = self.flows.oldest(list);
        while let Some(id) = next {
            next = self.flows.used_after(id);
            let Some((key, mut flow)) = self.flows.load(id, &self.config) else {
                continue;
            };
            flow.find_port_timeout(key, &self.config);
            let other = flow.list(&self.config);
            if other != list {
                self.flows.store(id, &flow);
                self.flows.touch(id, other);
            }
        }
    }

    /// Sets after which time an active flow gives a record, for live flows too.
    pub fn set_active_timeout(&mut self, active_timeout: Option<Duration>) {
        self.config.active_timeout = active_timeout;
    }

    /// Makes room for a flow.
    #[inline]
    pub(super) fn make_room(&mut self, sink: &mut impl EventSink<K>) {
        if self.flows.is_full() {
            self.end_one(sink);
        }
    }

    /// Ends a flow: of the class whose turn it is that which was silent longest. One that has expired goes
    /// before any other is given up, so that it makes no difference when the sweep runs.
    #[inline(never)]
    fn end_one(&mut self, sink: &mut impl EventSink<K>) {
        let class = self.victim_class().map(VictimClass::index);
        let mut victim: Option<(Timestamp, usize, SlotId)> = None;
        for list in self.flows.lists() {
            let oldest = self.flows.oldest(list);
            let Some((id, patience)) = oldest.zip(oldest.and_then(|id| self.flows.patience(id)))
            else {
                continue;
            };
            if self.is_over(patience) {
                self.run_ahead(list, id);
                self.end(id, EndReason::IdleTimeout, sink);
                return;
            }
            let last_use = self.clock.on_this_clock(patience.last_use);
            if Some(list_class(list)) == class
                && victim.is_none_or(|(earliest, ..)| last_use < earliest)
            {
                victim = Some((last_use, list, id));
            }
        }
        if let Some((_, list, id)) = victim {
            self.run_ahead(list, id);
            self.evict_at(id, sink);
        }
    }

    /// Gives up the flow at `id`.
    pub(super) fn evict_at(&mut self, id: SlotId, sink: &mut impl EventSink<K>) {
        let class = self.flows.list(id).map_or(0, list_class);
        if let Some(counter) = self.counters.evicted.get_mut(class) {
            *counter += 1;
        }
        self.end(id, EndReason::Evicted, sink);
    }

    /// The class that gives up a flow: the cheapest of those that have more than they are guaranteed.
    fn victim_class(&self) -> Option<VictimClass> {
        let has_more = |class: &VictimClass| {
            let guaranteed = self.guaranteed.get(class.index());
            guaranteed.is_none_or(|&guaranteed| self.flows.class_len(*class) > guaranteed)
        };
        // What is guaranteed does not fill the table: when it is full, some class has more.
        VictimClass::ALL.into_iter().find(has_more)
    }
}

/// Flows of each class that stay, whatever else comes, in a table for `limit` flows.
///
/// Flows of both sides keep their share of the table. The rest is for newcomers: under a flood of one kind, half
/// of it stays for the other, so that both can live long enough to be answered.
pub(super) fn guaranteed(limit: usize, established: Share) -> [usize; VictimClass::ALL.len()] {
    // There is always a place for a newcomer.
    let two_sided = established.floor(limit).min(limit.saturating_sub(1));
    let rest = limit - two_sided;
    VictimClass::ALL.map(|class| match class {
        VictimClass::Closed => 0,
        VictimClass::HalfOpen => rest / 2,
        // One less than what is left, so that not all classes can be at their limit.
        VictimClass::OneSided => (rest - rest / 2).saturating_sub(1),
        VictimClass::TwoSided => two_sided,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_guaranteed_their_parts_and_a_newcomer_a_place() {
        let seven_eighths = Share { parts: 7, of: 8 };
        let all = Share { parts: 1, of: 1 };
        for (limit, share, expected) in [
            (104, seven_eighths, [0, 6, 6, 91]),
            (103, seven_eighths, [0, 6, 6, 90]),
            (100, all, [0, 0, 0, 99]),
            (1, seven_eighths, [0, 0, 0, 0]),
        ] {
            assert_eq!(guaranteed(limit, share), expected, "{limit}");
        }
    }
}
