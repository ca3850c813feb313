//! Room in a full table.

use flowtrack_common::{EndReason, FlowKey, VictimClass};

use super::Tracker;
use crate::flow::{EventSink, TimeoutClass, entry::list};

impl<K: FlowKey> Tracker<K> {
    /// Gives up the flow whose loss costs least: of the cheapest class that has any, the one that was
    /// silent longest.
    #[cold]
    pub(super) fn evict(&mut self, sink: &mut impl EventSink<K>) {
        for victim in VictimClass::ALL {
            let oldest = TimeoutClass::ALL.into_iter().filter_map(|timeout| {
                let id = self.table.oldest(list(timeout, victim))?;
                let (_, flow) = self.table.get(id)?;
                Some((self.clock.on_this_clock(flow.last_use), id))
            });
            if let Some((_, id)) = oldest.min_by_key(|(last_use, _)| *last_use) {
                if let Some(counter) = self.counters.evicted.get_mut(victim.index()) {
                    *counter += 1;
                }
                self.end(id, EndReason::Evicted, sink);
                return;
            }
        }
    }
}
