//! A flow table without anything but the table: two cache lines a packet, prefetched for a whole burst.

use std::io;

use ahash::RandomState;

use super::{Counters, Key, Table, packets};
use crate::{
    capture::BURST,
    flow::{FiveTuple, MAX_OBSERVATIONS, Observation},
    table::{Pages, Region, prefetch},
};

/// Slots of a bucket.
const SLOTS: usize = 12;
/// Of them so many in ten are taken when the table is full.
const LOAD: usize = 7;

/// Buckets of one cache line lead to records of one cache line. Nothing is ever removed.
pub(in crate::bench) struct BareTable {
    hasher: RandomState,
    buckets: Region<Bucket>,
    records: Region<Record>,
    used: usize,
    /// Keys of a burst, with their hashes.
    keys: Vec<(Key, u64)>,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Bucket {
    /// 0 is a free slot; the last four are no slots.
    tags: [u8; 16],
    slots: [u32; SLOTS],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Record {
    key: Key,
    counters: Counters,
}

impl BareTable {
    /// A table for so many flows.
    pub(in crate::bench) fn try_new(flows: usize) -> io::Result<Self> {
        let buckets = (flows * 10).div_ceil(SLOTS * LOAD).max(1);
        Ok(Self {
            hasher: RandomState::new(),
            buckets: Region::filled(buckets, Bucket::default())?,
            records: Region::filled(flows, Record::default())?,
            used: 0,
            keys: Vec::with_capacity(BURST * MAX_OBSERVATIONS),
        })
    }

    /// The pages of its records.
    pub(in crate::bench) fn pages(&self) -> Pages {
        self.records.pages()
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        let scaled = u128::from(hash) * self.buckets.len() as u128;
        // Below the number of buckets.
        usize::try_from(scaled >> 64).unwrap_or(0)
    }

    /// The record of `key`, a new one if there is none. `None` if the table is full.
    #[inline]
    fn entry(&mut self, key: Key, hash: u64) -> Option<&mut Record> {
        let mut home = self.home(hash);
        loop {
            let bucket = self.buckets.get(home)?;
            let found = bucket.candidates(hash).find(|&slot| {
                let record = self.records.get(slot);
                record.is_some_and(|record| record.key.is(&key))
            });
            if let Some(slot) = found {
                return self.records.get_mut(slot);
            }
            if let Some(free) = bucket.free() {
                return self.insert(home, free, key, hash);
            }
            home = (home + 1) % self.buckets.len();
        }
    }

    #[cold]
    fn insert(&mut self, home: usize, free: usize, key: Key, hash: u64) -> Option<&mut Record> {
        let record = self.records.get_mut(self.used)?;
        record.key = key;
        let bucket = self.buckets.get_mut(home)?;
        *bucket.tags.get_mut(free)? = tag(hash);
        *bucket.slots.get_mut(free)? = u32::try_from(self.used).ok()?;
        self.used += 1;
        Some(record)
    }
}

impl Table for BareTable {
    fn burst(&mut self, burst: &[Observation<FiveTuple>]) {
        self.keys.clear();
        for meta in packets(burst) {
            let key = Key::new(&meta.packet.key);
            self.keys.push((key, 0));
        }
        let mut keys = std::mem::take(&mut self.keys);
        for (key, hash) in &mut keys {
            *hash = self.hasher.hash_one(*key);
            if let Some(bucket) = self.buckets.get(self.home(*hash)) {
                prefetch(bucket);
            }
        }
        for (_, hash) in &keys {
            let bucket = self.buckets.get(self.home(*hash));
            let slot = bucket.and_then(|bucket| bucket.candidates(*hash).next());
            if let Some(record) = slot.and_then(|slot| self.records.get(slot)) {
                prefetch(record);
            }
        }
        for ((key, hash), meta) in keys.iter().zip(packets(burst)) {
            if let Some(record) = self.entry(*key, *hash) {
                record.counters.add(meta);
            }
        }
        self.keys = keys;
    }
}

impl Bucket {
    /// Slots that have the tag of `hash`, and now and then one more.
    #[inline]
    fn candidates(&self, hash: u64) -> impl Iterator<Item = usize> {
        let mut zeros = zeros(u128::from_le_bytes(self.tags) ^ repeat(tag(hash)));
        std::iter::from_fn(move || {
            let byte = zeros.trailing_zeros() as usize / 8;
            zeros &= zeros.wrapping_sub(1);
            self.slots.get(byte).map(|&slot| slot as usize)
        })
    }

    #[inline]
    fn free(&self) -> Option<usize> {
        let byte = zeros(u128::from_le_bytes(self.tags)).trailing_zeros() as usize / 8;
        (byte < SLOTS).then_some(byte)
    }
}

/// The high bit of each byte that is 0; above one of them, of others too.
#[inline]
const fn zeros(bytes: u128) -> u128 {
    bytes.wrapping_sub(repeat(1)) & !bytes & repeat(0x80)
}

const fn repeat(byte: u8) -> u128 {
    u128::from_le_bytes([byte; 16])
}

/// Never 0.
#[inline]
const fn tag(hash: u64) -> u8 {
    (hash & 0xff) as u8 | 1
}

#[cfg(test)]
mod tests {
    use super::{super::seen, *};

    #[test]
    fn every_packet_is_counted_in_the_record_of_its_flow() {
        let (table, packets) = seen(BareTable::try_new(1000).unwrap());
        let counted = table.records.iter().map(|record| record.counters.packets);
        assert_eq!((table.used, counted.sum::<u64>()), (1000, packets));
        assert!(packets > 20_000);
    }

    #[test]
    fn each_key_has_a_record_of_its_own_up_to_the_last_one() {
        let mut table = BareTable::try_new(1000).unwrap();
        let keys = (0..1001).map(|n| Key([n; 5]));
        for round in 0..3 {
            for (n, key) in keys.clone().enumerate() {
                let hash = table.hasher.hash_one(key);
                let record = table.entry(key, hash);
                assert_eq!(record.is_some(), n < 1000, "{n}");
                if let Some(record) = record {
                    assert_eq!((record.key, record.counters.packets), (key, round));
                    record.counters.packets += 1;
                }
            }
        }
    }

    #[test]
    fn records_and_buckets_are_cache_lines() {
        assert_eq!((size_of::<Bucket>(), size_of::<Record>()), (64, 64));
    }
}
