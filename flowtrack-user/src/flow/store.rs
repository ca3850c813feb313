//! Live flows, as they lie in memory.

use flowtrack_common::{FlowKey, VictimClass};

use super::{
    TimeoutSlot,
    clock::LastUse,
    entry::{Flow, LISTS, list, list_timeout},
};
use crate::table::{FlowTable, SlotId};

/// The live flows of a tracker.
///
/// They lie in lists, one for each timeout and kind of victim, in the order of their last use.
#[derive(Debug)]
pub(super) struct FlowStore<K> {
    table: FlowTable<K, Flow, LISTS>,
}

/// When a flow was used, and for how long it may be silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) last_use: LastUse,
    pub(super) timeout: TimeoutSlot,
}

/// Some of the lists, in their order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lists(u128);

impl Iterator for Lists {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let first = self.0.trailing_zeros();
        self.0 &= self.0.checked_sub(1)?;
        Some(first as usize)
    }
}

impl<K: FlowKey> FlowStore<K> {
    /// Room for `capacity` flows.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            table: FlowTable::new(capacity),
        }
    }

    /// Bytes that room for `capacity` flows takes.
    pub(super) fn memory(capacity: usize) -> usize {
        FlowTable::<K, Flow, LISTS>::memory(capacity)
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.table.capacity()
    }

    pub(super) fn limit(&self) -> usize {
        self.table.limit()
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.table.set_limit(limit);
    }

    pub(super) fn is_full(&self) -> bool {
        self.table.is_full()
    }

    #[inline]
    pub(super) fn hash(&self, _key: &K) -> u64 {
        0
    }

    /// Has the place fetched where the flow of a key with this hash is looked up.
    #[inline]
    pub(super) fn prefetch_bucket(&self, _hash: u64) {}

    /// Has the flow fetched that a key with this hash may have. The place where it is looked up should be
    /// there by now.
    #[inline]
    pub(super) fn prefetch_record(&self, _hash: u64) {}

    #[inline]
    pub(super) fn find(&self, _hash: u64, key: &K) -> Option<SlotId> {
        self.table.find(key)
    }

    /// The flow at `id`, as it is now.
    pub(super) fn load(&self, id: SlotId) -> Option<(K, Flow)> {
        self.table.get(id).map(|(key, flow)| (*key, *flow))
    }

    /// The flow at `id` is like this from now on.
    pub(super) fn store(&mut self, id: SlotId, flow: &Flow) {
        if let Some(place) = self.table.get_mut(id) {
            *place = *flow;
        }
    }

    /// Adds a flow as the most recently used one of its list. `None` if there is no room.
    pub(super) fn insert(
        &mut self,
        _hash: u64,
        key: K,
        flow: &Flow,
        list: usize,
    ) -> Option<SlotId> {
        self.table.insert(key, *flow, list)
    }

    /// Takes the flow at `id` out.
    pub(super) fn remove(&mut self, id: SlotId) -> Option<(K, Flow)> {
        self.table.remove(id)
    }

    /// Makes the flow at `id` the most recently used one of a list.
    pub(super) fn touch(&mut self, id: SlotId, list: usize) {
        self.table.touch(id, list);
    }

    /// When the flow at `id` was used, and for how long it may be silent.
    pub(super) fn patience(&self, id: SlotId) -> Option<Patience> {
        let (_, flow) = self.table.get(id)?;
        Some(Patience {
            last_use: flow.last_use,
            timeout: list_timeout(self.table.class_of(id)?),
        })
    }

    /// The flow of a list that was used first.
    pub(super) fn oldest(&self, list: usize) -> Option<SlotId> {
        self.table.oldest(list)
    }

    /// The flow of the same list that was used next after that at `id`.
    pub(super) fn used_after(&self, id: SlotId) -> Option<SlotId> {
        self.table.used_after(id)
    }

    /// The lists that have flows.
    pub(super) fn lists(&self) -> Lists {
        let used = (0..LISTS).filter(|&list| self.table.class_len(list) > 0);
        Lists(used.fold(0, |lists, list| lists | 1 << list))
    }

    /// The lists of a kind of victim that have flows.
    pub(super) fn lists_of(&self, class: VictimClass) -> Lists {
        let of_it = TimeoutSlot::all().map(|timeout| list(timeout, class));
        Lists(self.lists().0 & of_it.fold(0, |lists, list| lists | 1 << list))
    }

    /// Flows of a kind of victim.
    pub(super) fn class_len(&self, class: VictimClass) -> usize {
        self.lists_of(class)
            .map(|list| self.table.class_len(list))
            .sum()
    }

    /// Shows up to `limit` places from `cursor` on to `visit` and returns where to go on, or `None`
    /// when all were seen.
    pub(super) fn visit(
        &self,
        cursor: usize,
        limit: usize,
        mut visit: impl FnMut(K, &Flow),
    ) -> Option<usize> {
        self.table
            .visit(cursor, limit, |key, flow| visit(*key, flow))
    }
}
