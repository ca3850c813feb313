//! The table of flows that are records of a fixed size.
#![forbid(unsafe_code)]

use std::io;

use super::{
    Index, Links, NIL, Pages, Paging, Record, SlotId, lists::Lists, memory::Region,
    prefetch::prefetch,
};

/// A bounded table of records with `LISTS` lists, at most 128, in the order of last use.
///
/// The caller hashes the keys, by a function that a sender of packets cannot foresee, and compares
/// them. For many look-ups at once: [`prefetch_bucket`](Self::prefetch_bucket) for each, then
/// [`prefetch_record`](Self::prefetch_record) for each, then [`find`](Self::find).
#[derive(Debug)]
pub struct RecordTable<R, const LISTS: usize> {
    index: Index,
    records: Region<R>,
    lists: Lists<LISTS>,
    /// Live flows.
    len: usize,
    /// Flows that may be there, at most the capacity.
    limit: usize,
    /// First of the places that were used and are free again, linked by `newer`.
    free: u32,
}

/// Why a flow was not inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// There are as many flows as may be.
    #[error("the flow table is full")]
    Table,
    /// All buckets in which the flow could be found are full. Without the flow at this place, which is
    /// in one of them, there is room.
    #[error("the buckets of the hash are full")]
    Buckets(SlotId),
}

impl<R: Record, const LISTS: usize> RecordTable<R, LISTS> {
    /// A table for `capacity` flows, at least one and at most 2^32 - 2.
    ///
    /// With [`Paging::OnDemand`], records that were never used cost nothing; the index is there from
    /// the start. The error is that of the kernel, which has not enough memory.
    pub fn try_new(capacity: usize, paging: Paging) -> io::Result<Self> {
        let capacity = capacity.clamp(1, NIL as usize - 1);
        Ok(Self {
            index: Index::try_new(capacity)?,
            records: Region::try_new(capacity, paging)?,
            lists: Lists::EMPTY,
            len: 0,
            limit: capacity,
            free: NIL,
        })
    }

    /// Bytes that a table for `capacity` flows takes, all in.
    pub fn memory(capacity: usize) -> usize {
        let capacity = capacity.clamp(1, NIL as usize - 1);
        Index::memory(capacity)
            .saturating_add(Region::<R>::memory(capacity))
            .saturating_add(size_of::<Self>())
    }

    /// The pages that the records lie in.
    pub fn pages(&self) -> Pages {
        self.records.pages()
    }

    /// Live flows.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// No live flow.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Flows for which there is memory.
    pub fn capacity(&self) -> usize {
        self.records.room()
    }

    /// Flows that may be there.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Lets so many flows be there from now on, at least one and at most the capacity. Those that are
    /// there stay.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.clamp(1, self.capacity());
    }

    /// No room for another flow.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len >= self.limit
    }

    /// Starts to bring the bucket of `hash` into the cache.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        self.index.prefetch(hash);
    }

    /// Starts to bring the records into the cache that a look-up of `hash` will most likely need. Its
    /// bucket should be there already. False if there is none.
    #[inline]
    pub fn prefetch_record(&self, hash: u64) -> bool {
        let mut any = false;
        for slot in self.index.candidates(hash) {
            self.prefetch_slot(SlotId(slot));
            any = true;
        }
        any
    }

    /// Starts to bring the record at `id` into the cache.
    #[inline]
    pub fn prefetch_slot(&self, id: SlotId) {
        if let Some(record) = self.records.get(id.0 as usize) {
            prefetch(record);
        }
    }

    /// Starts to bring the least recently used record of `list` into the cache.
    #[inline]
    pub fn prefetch_oldest(&self, list: usize) {
        if let Some(id) = self.oldest(list) {
            self.prefetch_slot(id);
        }
    }

    /// Starts to bring into the cache what the removal of the flow at `id` needs besides its record:
    /// the bucket of its hash, and the record of the flow of the same list that was used next after
    /// it, which it returns.
    ///
    /// A caller that ends the oldest flow again and again lets such a cursor run some flows ahead.
    #[inline]
    pub fn prefetch_removal(&self, id: SlotId, hash: impl FnOnce(&R) -> u64) -> Option<SlotId> {
        self.prefetch_bucket(hash(self.get(id)?));
        let next = self.used_after(id)?;
        self.prefetch_slot(next);
        Some(next)
    }

    /// Where the flow with `hash` lies of which `is` says that it is the one.
    #[inline]
    pub fn find(&self, hash: u64, is: impl Fn(&R) -> bool) -> Option<SlotId> {
        self.index
            .find(hash, |slot| {
                self.records.get(slot as usize).is_some_and(&is)
            })
            .map(SlotId)
    }

    /// The flow at `id`.
    #[inline]
    pub fn get(&self, id: SlotId) -> Option<&R> {
        let record = self.records.get(id.0 as usize)?;
        record.list().is_some().then_some(record)
    }

    /// The flow at `id`, to be changed. Its links and its list must stay as they are.
    #[inline]
    pub fn get_mut(&mut self, id: SlotId) -> Option<&mut R> {
        let record = self.records.get_mut(id.0 as usize)?;
        record.list().is_some().then_some(record)
    }

    /// Adds a flow as the most recently used one of `list`. The table must not have its key already.
    ///
    /// An error has changed nothing.
    pub fn insert(&mut self, hash: u64, record: R, list: usize) -> Result<SlotId, Full> {
        if self.is_full() {
            return Err(Full::Table);
        }
        let reused = self.records.get(self.free as usize);
        let (slot, free) = match reused.map(R::links) {
            Some(Links { newer, .. }) => (self.free, newer),
            None => (u32::try_from(self.records.len()).unwrap_or(NIL), NIL),
        };
        if !self.index.insert(hash, slot) {
            let other = self.index.any(hash).map(SlotId);
            return Err(other.map_or(Full::Table, Full::Buckets));
        }
        self.free = free;
        self.len += 1;
        match self.records.get_mut(slot as usize) {
            Some(place) => *place = record,
            // There is room: fewer flows are there than the capacity, and no place is free.
            None => _ = self.records.push(record),
        }
        self.lists.append(&mut self.records, slot, list);
        Ok(SlotId(slot))
    }

    /// Makes the flow at `id` the most recently used one of `list`.
    #[inline]
    pub fn touch(&mut self, id: SlotId, list: usize) {
        if self.lists.is_newest(list, id) || self.get(id).is_none() {
            return;
        }
        self.lists.unlink(&mut self.records, id.0);
        self.lists.append(&mut self.records, id.0, list);
    }

    /// The lists with a flow, in ascending order.
    #[inline]
    pub fn used_lists(&self) -> impl Iterator<Item = usize> + use<R, LISTS> {
        self.lists.used()
    }

    /// Live flows of `list`.
    pub fn list_len(&self, list: usize) -> usize {
        self.lists.len(list)
    }

    /// The least recently used flow of `list`.
    #[inline]
    pub fn oldest(&self, list: usize) -> Option<SlotId> {
        self.lists.oldest(list)
    }

    /// The flow of the same list that was used next after that at `id`.
    #[inline]
    pub fn used_after(&self, id: SlotId) -> Option<SlotId> {
        let newer = self.get(id)?.links().newer;
        (newer != NIL).then_some(SlotId(newer))
    }

    /// Removes the flow at `id`, which was inserted under `hash`. None if it was not: nothing was
    /// changed.
    pub fn remove(&mut self, id: SlotId, hash: u64) -> Option<R> {
        let record = *self.get(id)?;
        if !self.index.remove(hash, id.0) {
            return None;
        }
        self.lists.unlink(&mut self.records, id.0);
        if let Some(place) = self.records.get_mut(id.0 as usize) {
            place.set_list(None);
            place.set_links(Links {
                older: NIL,
                newer: self.free,
            });
        }
        self.free = id.0;
        self.len -= 1;
        Some(record)
    }

    /// Shows the flows in up to `limit` places from `cursor` on to `visit` and returns where to go on,
    /// or `None` when all were seen.
    pub fn visit(
        &self,
        cursor: usize,
        limit: usize,
        mut visit: impl FnMut(SlotId, &R),
    ) -> Option<usize> {
        let end = cursor.saturating_add(limit).min(self.records.len());
        for slot in cursor..end {
            let id = SlotId(u32::try_from(slot).ok()?);
            if let Some(record) = self.get(id) {
                visit(id, record);
            }
        }
        (end < self.records.len()).then_some(end)
    }
}

#[cfg(test)]
mod tests;
