//! Room for what only some flows need.

use std::io;

use crate::table::{Paging, Region};

/// Values by number, at most so many. Room for all is reserved, but memory that was never used takes none.
#[derive(Debug)]
pub(super) struct Slab<T> {
    values: Region<T>,
    free: Vec<u32>,
}

impl<T: Copy> Slab<T> {
    /// Room for `capacity` values.
    pub(super) fn try_new(capacity: usize) -> io::Result<Self> {
        let mut free = Vec::new();
        let reserved = free.try_reserve_exact(capacity);
        reserved.map_err(|_| io::ErrorKind::OutOfMemory)?;
        Ok(Self {
            values: Region::try_new(capacity, Paging::OnDemand)?,
            free,
        })
    }

    /// Bytes that were used so far.
    pub(super) fn memory(&self) -> usize {
        self.values.len() * (size_of::<T>() + size_of::<u32>())
    }

    /// Adds a value and gives its number. There must be room for it.
    pub(super) fn add(&mut self, value: T) -> u32 {
        debug_assert!(!self.free.is_empty() || self.values.len() < self.values.room());
        if let Some(number) = self.free.pop()
            && let Some(place) = self.values.get_mut(number as usize)
        {
            *place = value;
            return number;
        }
        let added = self.values.push(value);
        debug_assert!(added, "there is room for all flows");
        // A table has fewer flows than 2^32.
        u32::try_from(self.values.len() - 1).unwrap_or(u32::MAX)
    }

    /// The value of a number.
    #[inline]
    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.values.get(number as usize)
    }

    /// Changes the value of a number.
    pub(super) fn set(&mut self, number: u32, value: T) {
        if let Some(place) = self.values.get_mut(number as usize) {
            *place = value;
        }
    }

    /// Frees a number that was given.
    pub(super) fn remove(&mut self, number: u32) {
        self.free.push(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again_and_nothing_is_allocated_later() {
        let mut slab = Slab::try_new(3).unwrap();
        let capacity = (slab.values.room(), slab.free.capacity());
        let numbers = [10, 20, 30].map(|value| slab.add(value));
        assert_eq!(numbers, [0, 1, 2]);
        slab.remove(1);
        slab.remove(0);
        assert_eq!(slab.add(40), 0);
        assert_eq!(slab.add(50), 1);
        slab.set(2, 60);
        assert_eq!(
            [0, 1, 2].map(|n| slab.get(n).copied()),
            [40, 50, 60].map(Some)
        );
        assert_eq!(slab.get(3), None);
        for number in numbers {
            slab.remove(number);
        }
        assert_eq!(capacity, (slab.values.room(), slab.free.capacity()));
    }

    #[test]
    fn memory_is_that_of_all_values_that_were_there_at_a_time() {
        let mut slab = Slab::try_new(9).unwrap();
        assert_eq!(slab.memory(), 0);
        let of_one = size_of::<u64>() + size_of::<u32>();
        for number in 1..4 {
            slab.add(0_u64);
            assert_eq!(slab.memory(), number * of_one);
        }
        slab.remove(1);
        slab.add(0);
        assert_eq!(slab.memory(), 3 * of_one, "it had its place");
    }

    #[test]
    fn too_much_is_an_error() {
        let error = Slab::<u64>::try_new(usize::MAX).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }
}
