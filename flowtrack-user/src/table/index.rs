//! From the hash of a key to slots: buckets of one cache line each, which hold a byte of each hash.
//!
//! An entry that finds its bucket full lies in one of the next, and each bucket counts the entries
//! that went past it. So a look-up goes on only from a bucket that something went past, and a removal
//! leaves nothing behind that would have to be cleaned up.
#![forbid(unsafe_code)]

use std::{io, iter};

use super::{memory::Region, prefetch::prefetch, simd::matches};

/// Entries of a bucket.
const ENTRIES: usize = 12;

/// The bits of the entries in a mask of 16 bytes.
const ENTRY_BITS: u16 = (1 << ENTRIES) - 1;

/// Buckets in which an entry may lie, from that of its hash on.
const PROBES: usize = 32;

/// The tag of a free entry.
const FREE: u8 = 0;

/// A bounded map from hashes to slots. Several entries may have the same hash.
#[derive(Debug)]
pub struct Index {
    buckets: Region<Bucket>,
}

/// One cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Bucket {
    /// The tags of the entries, then how many entries went past this bucket, as a number of 32 bits:
    /// there are fewer slots than that, so it never overflows.
    head: [u8; 16],
    slots: [u32; ENTRIES],
}

const _: () = assert!(size_of::<Bucket>() == 64);

impl Index {
    /// An index for `capacity` entries, of which a bucket then has 7.8 on average: few
    /// buckets are full, so few entries lie in another one than theirs.
    pub fn try_new(capacity: usize) -> io::Result<Self> {
        let buckets = Region::filled(Self::buckets(capacity), Bucket::default())?;
        Ok(Self { buckets })
    }

    /// Bytes that an index for `capacity` entries takes.
    pub fn memory(capacity: usize) -> usize {
        Region::<Bucket>::memory(Self::buckets(capacity))
    }

    /// Bytes that it has in fact.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.buckets)
    }

    fn buckets(capacity: usize) -> usize {
        let (twentieths, used) = (20, 13);
        capacity
            .saturating_mul(twentieths)
            .div_ceil(ENTRIES * used)
            .max(1)
    }

    /// Starts to bring the bucket of `hash` into the cache.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        if let Some(bucket) = self.buckets.get(self.home(hash)) {
            prefetch(bucket);
        }
    }

    /// The slots that a look-up of `hash` will ask for, unless it is one of the few that go on to
    /// another bucket.
    #[inline]
    pub fn candidates(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let bucket = self.buckets.get(self.home(hash));
        bucket
            .into_iter()
            .flat_map(move |bucket| bucket.tagged(tag(hash)))
    }

    /// A slot in the bucket of `hash`, whatever its hash: to be removed if [`insert`](Self::insert)
    /// has found no room. None if the bucket has no entry.
    pub fn any(&self, hash: u64) -> Option<u32> {
        let bucket = self.buckets.get(self.home(hash))?;
        let place = bits(!bucket.places(FREE) & ENTRY_BITS).next()?;
        bucket.slots.get(place).copied()
    }

    /// The slot with `hash` of which `is` says that it is the one.
    ///
    /// `is` may be asked about slots of other hashes.
    #[inline]
    pub fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let bucket = self.buckets.get(self.home(hash))?;
        if let Some(slot) = bucket.tagged(tag(hash)).find(|&slot| is(slot)) {
            return Some(slot);
        }
        if bucket.passed() == 0 {
            return None;
        }
        self.find_further(hash, is)
    }

    /// The same behind the first bucket, past which some entries went.
    #[cold]
    fn find_further(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        for at in self.probes(hash).skip(1) {
            let bucket = self.buckets.get(at)?;
            if let Some(slot) = bucket.tagged(tag(hash)).find(|&slot| is(slot)) {
                return Some(slot);
            }
            if bucket.passed() == 0 {
                return None;
            }
        }
        None
    }

    /// Adds `slot` under `hash`. False if none of the buckets in which it may lie has room: nothing
    /// was changed.
    pub fn insert(&mut self, hash: u64, slot: u32) -> bool {
        let home = self.home(hash);
        if let Some(bucket) = self.buckets.get_mut(home)
            && let Some(place) = bits(bucket.places(FREE)).next()
        {
            bucket.set(place, tag(hash), slot);
            return true;
        }
        self.insert_further(hash, slot)
    }

    /// The same where the first bucket is full.
    #[cold]
    fn insert_further(&mut self, hash: u64, slot: u32) -> bool {
        let Some((at, place)) = self.place_of(hash, |bucket| bits(bucket.places(FREE)).next())
        else {
            return false;
        };
        self.count_past(hash, at, |passed| passed.saturating_add(1));
        if let Some(bucket) = self.buckets.get_mut(at) {
            bucket.set(place, tag(hash), slot);
        }
        true
    }

    /// Removes `slot`, which was added under `hash`. False if it was not.
    pub fn remove(&mut self, hash: u64, slot: u32) -> bool {
        let tag = tag(hash);
        let entry = |bucket: &Bucket| {
            bits(bucket.places(tag)).find(|&place| bucket.slots.get(place) == Some(&slot))
        };
        let home = self.home(hash);
        if let Some(bucket) = self.buckets.get_mut(home)
            && let Some(place) = entry(bucket)
        {
            bucket.set(place, FREE, 0);
            return true;
        }
        self.remove_further(hash, entry)
    }

    /// The same where it is not in the first bucket.
    #[cold]
    fn remove_further(&mut self, hash: u64, entry: impl Fn(&Bucket) -> Option<usize>) -> bool {
        let Some((at, place)) = self.place_of(hash, entry) else {
            return false;
        };
        self.count_past(hash, at, |passed| passed.saturating_sub(1));
        if let Some(bucket) = self.buckets.get_mut(at) {
            bucket.set(place, FREE, 0);
        }
        true
    }

    /// The first bucket, of those in which an entry of `hash` may lie, with such a place.
    fn place_of(
        &self,
        hash: u64,
        place: impl Fn(&Bucket) -> Option<usize>,
    ) -> Option<(usize, usize)> {
        self.probes(hash)
            .find_map(|at| Some((at, place(self.buckets.get(at)?)?)))
    }

    /// Changes what the buckets from that of `hash` to that before `end` have counted.
    fn count_past(&mut self, hash: u64, end: usize, change: impl Fn(u32) -> u32) {
        for at in self.probes(hash).take_while(|&at| at != end) {
            if let Some(bucket) = self.buckets.get_mut(at) {
                bucket.set_passed(change(bucket.passed()));
            }
        }
    }

    /// The buckets in which an entry of `hash` may lie, in order, each once.
    #[inline]
    fn probes(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let (home, buckets) = (self.home(hash), self.buckets.len());
        (home..buckets).chain(0..home).take(PROBES)
    }

    /// The bucket of `hash`: its high bits as a fraction of the number of buckets.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        let product = u128::from(hash) * self.buckets.len() as u128;
        // Less than the number of buckets.
        usize::try_from(product >> u64::BITS).unwrap_or(0)
    }
}

impl Bucket {
    /// The places with `tag`, as bits.
    #[inline]
    fn places(&self, tag: u8) -> u16 {
        matches(&self.head, tag) & ENTRY_BITS
    }

    #[inline]
    fn tagged(&self, tag: u8) -> impl Iterator<Item = u32> {
        bits(self.places(tag)).filter_map(|place| self.slots.get(place).copied())
    }

    fn set(&mut self, place: usize, tag: u8, slot: u32) {
        if let (Some(old_tag), Some(old_slot)) =
            (self.head.get_mut(place), self.slots.get_mut(place))
        {
            *old_tag = tag;
            *old_slot = slot;
        }
    }

    /// Entries that found this bucket full and lie in a later one.
    #[inline]
    fn passed(&self) -> u32 {
        let [.., a, b, c, d] = self.head;
        u32::from_ne_bytes([a, b, c, d])
    }

    fn set_passed(&mut self, passed: u32) {
        let [.., a, b, c, d] = &mut self.head;
        [*a, *b, *c, *d] = passed.to_ne_bytes();
    }
}

/// The byte of a hash that a bucket keeps: other bits than those that choose the bucket.
#[inline]
fn tag(hash: u64) -> u8 {
    let [low, ..] = hash.to_le_bytes();
    low.max(FREE + 1)
}

/// The numbers of the bits that are set, from the lowest on.
#[inline]
fn bits(mut mask: u16) -> impl Iterator<Item = usize> {
    iter::from_fn(move || {
        let lowest = (mask != 0).then_some(mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(lowest)
    })
}

#[cfg(test)]
mod tests;
