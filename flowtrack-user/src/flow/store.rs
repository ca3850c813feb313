//! Live flows, as they lie in memory.

mod envelopes;
mod lookup;
mod removal;
mod slab;

use std::io;

use ahash::RandomState;
use flowtrack_common::{CompactKey, Envelope, FlowKey, VictimClass};

use self::{envelopes::Envelopes, lookup::Words, slab::Slab};
pub(super) use self::{lookup::Lookup, removal::Removed};
use super::{
    TimeoutSlot, TrackerConfig,
    clock::LastUse,
    entry::{Flow, LISTS, list_class, list_timeout},
    packed::{Packed, field},
};
use crate::table::{Full, Pages, Record as _, RecordTable, SlotId};

/// The live flows of a tracker.
///
/// A flow is a record of 128 bytes in a table. Two kinds of flows need more, and have the rest in memory
/// beside it: those whose key has no compact form, and those of which there is more to tell than fits, as
/// when segments came twice or late. That memory is reserved for as many flows as the table takes, so it is
/// always there, but takes no room before it is used.
///
/// Flows lie in lists, one for each timeout and kind of victim, in the order of their last use.
#[derive(Debug)]
pub(super) struct FlowStore<K> {
    table: RecordTable<Packed, LISTS>,
    classes: [usize; VictimClass::ALL.len()],
    extended: Slab<Flow>,
    wide_keys: Slab<K>,
    envelopes: Envelopes,
    hasher: RandomState,
}

/// When a flow was used, and for how long it may be silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) last_use: LastUse,
    pub(super) timeout: TimeoutSlot,
}

impl<K: FlowKey> FlowStore<K> {
    /// Room for so many flows as `config` says. All memory is allocated here.
    pub(super) fn try_new(config: &TrackerConfig) -> io::Result<Self> {
        let capacity = config.max_flows;
        let table = RecordTable::try_new(capacity, config.paging)?;
        Ok(Self {
            classes: [0; VictimClass::ALL.len()],
            extended: Slab::try_new(table.capacity())?,
            wide_keys: Slab::try_new(table.capacity())?,
            table,
            envelopes: Envelopes::new(),
            hasher: config.hasher(),
        })
    }

    /// Bytes that room for `capacity` flows takes, but for what only some flows need.
    pub(super) fn memory(capacity: usize) -> usize {
        RecordTable::<Packed, LISTS>::memory(capacity)
    }

    /// Bytes that some flows take beyond that.
    pub(super) fn extra_memory(&self) -> usize {
        self.extended.memory() + self.wide_keys.memory()
    }

    /// The pages that the table lies in.
    pub(super) fn pages(&self) -> Pages {
        self.table.pages()
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

    /// What `key` is looked up by.
    // A call returns it by way of memory, where it is read in wider pieces than it was written in.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the copy takes as long as the hash")]
    pub(super) fn lookup(&self, key: &K) -> Lookup {
        let compact = key.compact().map(|CompactKey(bytes)| Words::of(bytes));
        let hash = match compact {
            Some(words) => self.hasher.hash_one(words.number()),
            None => self.hasher.hash_one(key),
        };
        Lookup { hash, compact }
    }

    /// Has the place fetched where a flow is looked up.
    #[inline]
    pub(super) fn prefetch_bucket(&self, lookup: &Lookup) {
        self.table.prefetch_bucket(lookup.hash);
    }

    /// Has the flow fetched that will be found. The place where it is looked up should be there by now.
    /// False if there is none.
    #[inline]
    pub(super) fn prefetch_record(&self, lookup: &Lookup) -> bool {
        self.table.prefetch_record(lookup.hash)
    }

    /// Has fetched what it takes to remove the flow at `id`, whose record should be there by now, and the
    /// flow of the same list that was used next after it: that one is returned. `with` is shown the keyed
    /// hash of the flow that will be removed.
    #[inline]
    pub(super) fn prefetch_removal(&self, id: SlotId, with: impl FnOnce(u64)) -> Option<SlotId> {
        self.table.prefetch_removal(id, |record| {
            let hash = self.hash(record);
            with(hash);
            hash
        })
    }

    /// The keyed hash of the key of a record.
    #[inline]
    fn hash(&self, record: &Packed) -> u64 {
        if record.flags.is(field::WIDE_KEY) {
            let key = self.wide_keys.get(wide_index(record));
            key.map_or(0, |key| self.hasher.hash_one(key))
        } else {
            self.hasher.hash_one(Words::of(record.key).number())
        }
    }

    /// Where the flow of `key` lies.
    #[inline]
    pub(super) fn find(&self, lookup: &Lookup, key: &K) -> Option<SlotId> {
        self.table
            .find(lookup.hash, |record| match &lookup.compact {
                Some(words) => Words::of(record.key) == *words && !record.flags.is(field::WIDE_KEY),
                None => {
                    record.flags.is(field::WIDE_KEY)
                        && self.wide_keys.get(wide_index(record)) == Some(key)
                }
            })
    }

    /// The record of the flow at `id`, and the list that it is in.
    #[inline]
    pub(super) fn packed_mut(&mut self, id: SlotId) -> Option<(usize, &mut Packed)> {
        let record = self.table.get_mut(id)?;
        Some((record.list()?.into(), record))
    }

    /// The list that the flow at `id` is in.
    pub(super) fn list(&self, id: SlotId) -> Option<usize> {
        self.table.get(id)?.list().map(usize::from)
    }

    /// The flow at `id`, as it is now, and its key.
    pub(super) fn load(&self, id: SlotId, config: &TrackerConfig) -> Option<(K, Flow)> {
        let record = self.table.get(id)?;
        let key = self.key(record)?;
        Some((key, self.flow(record, &key, config)?))
    }

    /// The flow at `id`, which has this key, as it is now.
    #[inline]
    pub(super) fn load_found(&self, id: SlotId, key: &K, config: &TrackerConfig) -> Option<Flow> {
        self.flow(self.table.get(id)?, key, config)
    }

    fn key(&self, record: &Packed) -> Option<K> {
        if record.flags.is(field::WIDE_KEY) {
            self.wide_keys.get(wide_index(record)).copied()
        } else {
            K::from_compact(CompactKey(record.key))
        }
    }

    #[inline]
    fn flow(&self, record: &Packed, key: &K, config: &TrackerConfig) -> Option<Flow> {
        if record.is_extended() {
            self.extension(record).copied()
        } else {
            let envelope = self.envelopes.get(record.envelope);
            Some(record.unpack(key, envelope, config))
        }
    }

    /// The flow at `id` is like this from now on.
    pub(super) fn store(&mut self, id: SlotId, flow: &Flow) {
        let Some(record) = self.table.get(id) else {
            return;
        };
        if record.is_extended() {
            self.extended.set(extended_index(record), *flow);
            return;
        }
        let mut packed = self.pack(flow, Some(record.envelope));
        if let Some(record) = self.table.get_mut(id) {
            packed.keep_place_of(record);
            *record = packed;
        }
    }

    /// The record of a flow whose envelope has this number. A flow that does not fit is put beside the
    /// table, and stays there.
    fn pack(&mut self, flow: &Flow, envelope: Option<u16>) -> Packed {
        if let Some(packed) = envelope.and_then(|envelope| Packed::pack(flow, envelope)) {
            return packed;
        }
        let mut packed = Packed {
            start: [self.extended.add(*flow), 0],
            ..Packed::default()
        };
        packed.flags.set(field::EXTENDED, 1);
        packed
    }

    /// Adds a flow as the most recently used one of its list. Where there is no room, nothing is changed.
    pub(super) fn insert(
        &mut self,
        lookup: &Lookup,
        key: K,
        flow: &Flow,
        list: usize,
    ) -> Result<SlotId, Full> {
        let envelope = self.envelopes.number(&flow.envelope);
        let record = self.pack(flow, envelope);
        self.insert_packed(lookup, key, record, list)
    }

    /// The number of an envelope, if there is one for it.
    #[inline]
    pub(super) fn envelope_number(&mut self, envelope: &Envelope) -> Option<u16> {
        self.envelopes.number(envelope)
    }

    /// The same as [`FlowStore::insert`] of a flow that is packed.
    pub(super) fn insert_packed(
        &mut self,
        lookup: &Lookup,
        key: K,
        mut record: Packed,
        list: usize,
    ) -> Result<SlotId, Full> {
        if let Some(words) = lookup.compact {
            record.key = words.bytes();
        } else {
            record.flags.set(field::WIDE_KEY, 1);
            set_wide_index(&mut record, self.wide_keys.add(key));
        }
        let inserted = self.table.insert(lookup.hash, record, list);
        match inserted {
            Ok(_) => self.count(list, 1),
            Err(_) => self.free(&record),
        }
        inserted
    }

    /// The flow of a record that lies elsewhere.
    #[inline]
    fn extension(&self, record: &Packed) -> Option<&Flow> {
        if record.is_extended() {
            self.extended.get(extended_index(record))
        } else {
            None
        }
    }

    /// Makes the flow at `id` the most recently used one of a list.
    #[inline]
    pub(super) fn touch(&mut self, id: SlotId, list: usize) {
        if let Some(before) = self.list(id)
            && before != list
        {
            self.count(before, -1);
            self.count(list, 1);
        }
        self.table.touch(id, list);
    }

    /// The flows of a list have become more, or fewer.
    fn count(&mut self, list: usize, change: isize) {
        if let Some(len) = self.classes.get_mut(list_class(list)) {
            *len = len.saturating_add_signed(change);
        }
    }

    /// When the flow at `id` was used, and for how long it may be silent.
    #[inline]
    pub(super) fn patience(&self, id: SlotId) -> Option<Patience> {
        let record = self.table.get(id)?;
        let last_use = if record.is_extended() {
            self.extended.get(extended_index(record))?.last_use
        } else {
            record.last_use()
        };
        Some(Patience {
            last_use,
            timeout: list_timeout(record.list()?.into()),
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

    /// The lists that have flows, in their order.
    pub(super) fn lists(&self) -> impl Iterator<Item = usize> + use<K> {
        self.table.used_lists()
    }

    /// Flows of a kind of victim.
    pub(super) fn class_len(&self, class: VictimClass) -> usize {
        self.classes.get(class.index()).copied().unwrap_or_default()
    }

    /// Shows the flows in up to `limit` places from `cursor` on that have at least so many bytes on the
    /// wire to `visit` and returns where to go on, or `None` when all were seen.
    pub(super) fn visit(
        &self,
        cursor: usize,
        limit: usize,
        at_least: u64,
        config: &TrackerConfig,
        mut visit: impl FnMut(K, &Flow),
    ) -> Option<usize> {
        self.table.visit(cursor, limit, |id, record| {
            // Only the flow itself tells how large it is if it lies elsewhere.
            if (record.is_extended() || record.both_wire_bytes() >= at_least)
                && let Some((key, flow)) = self.load(id, config)
                && flow.stats.wire_bytes() >= at_least
            {
                visit(key, &flow);
            }
        })
    }
}

/// Where an extended flow lies.
#[inline]
fn extended_index(record: &Packed) -> u32 {
    record.start[0]
}

/// Where a wide key lies: in the first bytes of that in the record.
#[inline]
fn wide_index(record: &Packed) -> u32 {
    let [a, b, c, d, ..] = record.key;
    u32::from_ne_bytes([a, b, c, d])
}

fn set_wide_index(record: &mut Packed, index: u32) {
    let [a, b, c, d] = index.to_ne_bytes();
    record.key = [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0];
}

#[cfg(test)]
mod tests;
