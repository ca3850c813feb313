//! The plain flow table: a bounded map from keys to flows that keeps the flows of each class in the order
//! of their last use.
//!
//! All memory is allocated when the table is made. The order within a class is what expiry and
//! eviction go by: the least recently used flow of a class is found in constant time.
#![forbid(unsafe_code)]

use std::{collections::hash_map::Entry, hash::Hash};

use ahash::RandomState;

use super::{NIL, SlotId};

type Map<K> = std::collections::HashMap<K, u32, RandomState>;

/// A bounded map with `CLASSES` lists in the order of last use.
#[derive(Debug)]
pub struct FlowTable<K, V, const CLASSES: usize> {
    index: Map<K>,
    slots: Vec<Slot<K, V>>,
    capacity: usize,
    /// Flows that may be there, at most the capacity.
    limit: usize,
    /// First of the slots that were used and are free again, linked by `newer`.
    free: u32,
    lists: [List; CLASSES],
}

#[derive(Debug)]
struct Slot<K, V> {
    entry: Option<(K, V)>,
    class: usize,
    older: u32,
    newer: u32,
}

#[derive(Clone, Copy, Debug)]
struct List {
    oldest: u32,
    newest: u32,
    len: u32,
}

impl<K: Copy + Eq + Hash, V, const CLASSES: usize> FlowTable<K, V, CLASSES> {
    /// A table for `capacity` flows, at least one and at most 2^32 - 2.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, NIL as usize - 1);
        Self {
            // Twice the room: a hash map that is at most half full cleans up in place when removed
            // entries have used it up, and never grows.
            index: Map::with_capacity_and_hasher(capacity * 2, RandomState::new()),
            slots: Vec::with_capacity(capacity),
            capacity,
            limit: capacity,
            free: NIL,
            lists: [List {
                oldest: NIL,
                newest: NIL,
                len: 0,
            }; CLASSES],
        }
    }

    /// Bytes that a table for `capacity` flows takes, about.
    pub fn memory(capacity: usize) -> usize {
        // The hash map has a power of two of places, of which it uses seven in eight.
        let places = capacity.saturating_mul(16).div_ceil(7).next_power_of_two();
        let index = places.saturating_mul(size_of::<(K, u32)>() + 1);
        capacity
            .saturating_mul(size_of::<Slot<K, V>>())
            .saturating_add(index)
    }

    /// Live flows.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// No live flow.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Flows for which there is memory.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Flows that may be there.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Lets so many flows be there from now on, at least one and at most the capacity. Those that are
    /// there stay.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.clamp(1, self.capacity);
    }

    /// No room for another flow.
    pub fn is_full(&self) -> bool {
        self.len() >= self.limit
    }

    /// Live flows of `class`.
    pub fn class_len(&self, class: usize) -> usize {
        self.lists.get(class).map_or(0, |list| list.len as usize)
    }

    /// Where the flow of `key` lies.
    #[inline]
    pub fn find(&self, key: &K) -> Option<SlotId> {
        self.index.get(key).copied().map(SlotId)
    }

    /// The flow at `id`.
    #[inline]
    pub fn get(&self, id: SlotId) -> Option<(&K, &V)> {
        let (key, value) = self.slots.get(id.0 as usize)?.entry.as_ref()?;
        Some((key, value))
    }

    /// The flow at `id`, to be changed.
    #[inline]
    pub fn get_mut(&mut self, id: SlotId) -> Option<&mut V> {
        let (_, value) = self.slots.get_mut(id.0 as usize)?.entry.as_mut()?;
        Some(value)
    }

    /// Adds a flow as the most recently used one of `class`.
    ///
    /// `None` if the table is full or has the key: nothing was changed.
    pub fn insert(&mut self, key: K, value: V, class: usize) -> Option<SlotId> {
        if self.is_full() {
            return None;
        }
        let Entry::Vacant(place) = self.index.entry(key) else {
            return None;
        };
        let slot = Slot {
            entry: Some((key, value)),
            class,
            older: NIL,
            newer: NIL,
        };
        let id = if let Some(free) = self.slots.get_mut(self.free as usize) {
            let id = self.free;
            self.free = free.newer;
            *free = slot;
            id
        } else {
            self.slots.push(slot);
            u32::try_from(self.slots.len() - 1).ok()?
        };
        place.insert(id);
        self.append(id, class);
        Some(SlotId(id))
    }

    /// Makes the flow at `id` the most recently used one of `class`.
    #[inline]
    pub fn touch(&mut self, id: SlotId, class: usize) {
        if self
            .lists
            .get(class)
            .is_some_and(|list| list.newest == id.0)
        {
            return;
        }
        self.unlink(id.0);
        self.append(id.0, class);
    }

    /// The least recently used flow of `class`.
    pub fn oldest(&self, class: usize) -> Option<SlotId> {
        self.lists
            .get(class)
            .filter(|list| list.oldest != NIL)
            .map(|list| SlotId(list.oldest))
    }

    /// The flow of the same class that was used next after that at `id`.
    pub fn used_after(&self, id: SlotId) -> Option<SlotId> {
        let newer = self.slots.get(id.0 as usize)?.newer;
        (newer != NIL).then_some(SlotId(newer))
    }

    /// Removes the flow at `id`.
    pub fn remove(&mut self, id: SlotId) -> Option<(K, V)> {
        let entry = self.slots.get_mut(id.0 as usize)?.entry.take()?;
        self.index.remove(&entry.0);
        self.unlink(id.0);
        if let Some(slot) = self.slots.get_mut(id.0 as usize) {
            slot.newer = self.free;
            self.free = id.0;
        }
        Some(entry)
    }

    /// Shows up to `limit` slots from `cursor` on to `visit` and returns where to go on, or `None`
    /// when all were seen.
    pub fn visit(
        &self,
        cursor: usize,
        limit: usize,
        mut visit: impl FnMut(&K, &V),
    ) -> Option<usize> {
        let end = cursor.saturating_add(limit).min(self.slots.len());
        for slot in self.slots.get(cursor..end).unwrap_or_default() {
            if let Some((key, value)) = &slot.entry {
                visit(key, value);
            }
        }
        (end < self.slots.len()).then_some(end)
    }

    fn append(&mut self, id: u32, class: usize) {
        let Some(list) = self.lists.get_mut(class) else {
            return;
        };
        list.len += 1;
        let newest = std::mem::replace(&mut list.newest, id);
        if newest == NIL {
            list.oldest = id;
        }
        if let Some(slot) = self.slots.get_mut(newest as usize) {
            slot.newer = id;
        }
        if let Some(slot) = self.slots.get_mut(id as usize) {
            slot.class = class;
            slot.older = newest;
            slot.newer = NIL;
        }
    }

    fn unlink(&mut self, id: u32) {
        let Some(&Slot {
            class,
            older,
            newer,
            ..
        }) = self.slots.get(id as usize)
        else {
            return;
        };
        let Some(list) = self.lists.get_mut(class) else {
            return;
        };
        list.len -= 1;
        if list.oldest == id {
            list.oldest = newer;
        }
        if list.newest == id {
            list.newest = older;
        }
        if let Some(slot) = self.slots.get_mut(older as usize) {
            slot.newer = newer;
        }
        if let Some(slot) = self.slots.get_mut(newer as usize) {
            slot.older = older;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[derive(Clone, Debug)]
    enum Op {
        Insert(u8, usize),
        Touch(u8, usize),
        Remove(u8),
        Limit(usize),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (0..20u8, 0..2usize).prop_map(|(k, c)| Op::Insert(k, c)),
            (0..20u8, 0..2usize).prop_map(|(k, c)| Op::Touch(k, c)),
            (0..20u8).prop_map(Op::Remove),
            (0..12usize).prop_map(Op::Limit),
        ]
    }

    /// The plainest thing that does the same: per class, keys from least to most recently used.
    #[derive(Default)]
    struct Model([Vec<u8>; 2]);

    impl Model {
        fn class_of(&self, key: u8) -> Option<usize> {
            (0..2).find(|&c| self.0[c].contains(&key))
        }

        fn len(&self) -> usize {
            self.0.iter().map(Vec::len).sum()
        }

        fn remove(&mut self, key: u8) {
            self.0
                .iter_mut()
                .for_each(|list| list.retain(|&k| k != key));
        }
    }

    proptest! {
        #[test]
        fn behaves_like_lists_in_the_order_of_last_use(ops in vec(op(), 0..200)) {
            let mut table = FlowTable::<u8, u8, 2>::new(8);
            let mut model = Model::default();
            let mut room = 8;
            for op in ops {
                match op {
                    Op::Insert(key, class) => {
                        let fits = model.len() < room && model.class_of(key).is_none();
                        prop_assert_eq!(table.insert(key, key, class).is_some(), fits);
                        if fits {
                            model.0[class].push(key);
                        }
                    }
                    Op::Touch(key, class) => {
                        if let Some(id) = table.find(&key) {
                            table.touch(id, class);
                            model.remove(key);
                            model.0[class].push(key);
                        }
                    }
                    Op::Remove(key) => {
                        let removed = table.find(&key).and_then(|id| table.remove(id));
                        prop_assert_eq!(removed.is_some(), model.class_of(key).is_some());
                        model.remove(key);
                    }
                    Op::Limit(limit) => {
                        table.set_limit(limit);
                        room = limit.clamp(1, 8);
                    }
                }
                prop_assert_eq!(table.limit(), room);
                prop_assert_eq!(table.len(), model.len());
                prop_assert_eq!(table.is_empty(), model.len() == 0);
                for class in 0..2 {
                    let oldest = table.oldest(class).and_then(|id| table.get(id)).map(|(k, _)| *k);
                    prop_assert_eq!(oldest, model.0[class].first().copied());
                    prop_assert_eq!(table.class_len(class), model.0[class].len());
                    let by_use = std::iter::successors(table.oldest(class), |&id| table.used_after(id));
                    let keys: Vec<_> = by_use.filter_map(|id| table.get(id)).map(|(k, _)| *k).collect();
                    prop_assert_eq!(&keys, &model.0[class]);
                }
                let mut seen = Vec::new();
                let mut cursor = Some(0);
                while let Some(at) = cursor {
                    cursor = table.visit(at, 3, |k, _| seen.push(*k));
                }
                seen.sort_unstable();
                let mut all = model.0.concat();
                all.sort_unstable();
                prop_assert_eq!(seen, all);
            }
        }
    }

    #[test]
    fn takes_the_memory_that_it_says() {
        type Table = FlowTable<u32, [u64; 9], 1>;
        for flows in [1, 100, 1000, 100_000] {
            let table = Table::new(flows);
            // Seven in eight places of a large hash map are used, and each has a byte of its own.
            let places = table.index.capacity() * 8 / 7;
            let index = places * (size_of::<(u32, u32)>() + 1);
            let taken = index + table.slots.capacity() * size_of::<Slot<u32, [u64; 9]>>();
            let said = Table::memory(flows);
            assert!(taken <= said && said <= taken * 11 / 10, "{taken} {said}");
        }
    }

    #[test]
    fn does_not_grow() {
        let mut table = FlowTable::<u32, (), 1>::new(100);
        let (index, slots) = (table.index.capacity(), table.slots.capacity());
        for key in 0..10_000 {
            if table.is_full() {
                let oldest = table.oldest(0).unwrap();
                table.remove(oldest);
            }
            table.insert(key, (), 0).unwrap();
        }
        // Places of removed entries count as used until the map cleans up.
        assert!(table.index.capacity() <= index);
        assert_eq!(table.slots.capacity(), slots);
    }
}
