//! Arrays with room that is mapped once and never grows, in huge pages where the kernel has them.

#[cfg(miri)]
mod heap;
#[cfg(not(miri))]
mod mapping;

use std::{
    fmt, io,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
};

#[cfg(miri)]
use heap::Mapping;
#[cfg(not(miri))]
use mapping::Mapping;

/// Smallest page of the kernels that flowtrack runs on, in bytes.
const PAGE: usize = 4096;

/// A huge page, in bytes.
const HUGE_PAGE: usize = 2 << 20;

/// The pages that a region has obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Huge pages of 2 MiB that the administrator has reserved.
    Huge,
    /// Huge pages that the kernel has put together, for so many bytes of the region.
    Transparent(usize),
    /// Ordinary pages alone.
    Base,
}

/// When the kernel provides the pages of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// When the region is made, so that no page fault comes later. The memory is local to the NUMA
    /// node of the thread that makes it.
    Now,
    /// When a page is first written, so that a large region that is hardly used costs little.
    OnDemand,
}

/// An array with room for a fixed number of values.
pub struct Region<T> {
    start: NonNull<T>,
    len: usize,
    room: usize,
    mapping: Mapping,
}

impl<T> Region<T> {
    /// Bytes of memory that room for `room` values takes: whole pages, and huge ones from 2 MiB on.
    pub fn memory(room: usize) -> usize {
        let bytes = room.saturating_mul(size_of::<T>()).max(1);
        let page = if bytes < HUGE_PAGE { PAGE } else { HUGE_PAGE };
        bytes.checked_next_multiple_of(page).unwrap_or(usize::MAX)
    }

    /// Values for which there is room.
    pub fn room(&self) -> usize {
        self.room
    }

    /// The pages that it had obtained when it was made.
    pub fn pages(&self) -> Pages {
        self.mapping.pages()
    }
}

impl<T: Copy> Region<T> {
    /// An empty array with room for `room` values.
    pub fn try_new(room: usize, paging: Paging) -> io::Result<Self> {
        const { assert!(align_of::<T>() <= PAGE, "a mapping begins at a page") };
        let mapping = Mapping::new(Self::memory(room), paging)?;
        Ok(Self {
            start: mapping.start().cast(),
            len: 0,
            room,
            mapping,
        })
    }

    /// An array of `len` times `value`, which there is no more room in.
    pub fn filled(len: usize, value: T) -> io::Result<Self> {
        let mut region = Self::try_new(len, Paging::Now)?;
        while region.push(value) {}
        Ok(region)
    }

    /// Adds `value` at the end. False if there is no room.
    #[inline]
    pub fn push(&mut self, value: T) -> bool {
        if self.len >= self.room {
            return false;
        }
        // SAFETY: the mapping has room for `room` values, and this is not the end of it.
        let place = unsafe { self.start.add(self.len) };
        // SAFETY: the place is writable, aligned as its mapping and the size of `T` are, and `self` is
        // borrowed alone.
        unsafe { place.write(value) };
        self.len += 1;
        true
    }
}

impl<T> Deref for Region<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `push` has written `len` values there, and the mapping lives as long as `self`.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for Region<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed for as long as the values are.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

// SAFETY: a region owns its values, and its mapping belongs to the process and not to a thread.
unsafe impl<T: Send> Send for Region<T> {}

// SAFETY: a shared region gives shared access to its values and nothing else.
unsafe impl<T: Sync> Sync for Region<T> {}

impl<T> fmt::Debug for Region<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            len, room, mapping, ..
        } = self;
        f.debug_struct("Region")
            .field("len", len)
            .field("room", room)
            .field("pages", &mapping.pages())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Values = Region<[u64; 8]>;

    #[test]
    fn a_region_takes_as_many_values_as_it_has_room_for_and_keeps_them() {
        let value = |n: usize| [n as u64; 8];
        for paging in [Paging::Now, Paging::OnDemand] {
            for room in [0, 1, 7, 5_000, 40_000] {
                let mut region = Values::try_new(room, paging).unwrap();
                assert!((0..room).all(|n| region.push(value(n))));
                assert!(!region.push(value(room)));
                assert_eq!((region.len(), region.room()), (room, room));
                region.iter_mut().for_each(|place| place[7] += 1);
                let kept = |(n, place): (usize, &[u64; 8])| {
                    place[..7] == value(n)[..7] && place[7] == n as u64 + 1
                };
                assert!(region.iter().enumerate().all(kept));
            }
        }
    }

    #[test]
    fn a_filled_region_has_the_value_in_each_place() {
        let region = Values::filled(5_000, [7; 8]).unwrap();
        assert_eq!(region.len(), 5_000);
        assert!(region.iter().all(|place| *place == [7; 8]));
    }

    #[test]
    fn a_large_region_begins_at_a_huge_page() {
        for paging in [Paging::Now, Paging::OnDemand] {
            let region = Values::try_new(40_000, paging).unwrap();
            assert_eq!(region.as_ptr() as usize % HUGE_PAGE, 0);
            match region.pages() {
                Pages::Transparent(bytes) => {
                    assert!((1..=Values::memory(40_000)).contains(&bytes), "{bytes}");
                }
                Pages::Huge | Pages::Base => {}
            }
        }
    }

    #[test]
    fn memory_is_counted_in_whole_pages() {
        let cases = [
            (0, PAGE),
            (1, PAGE),
            (PAGE, PAGE),
            (PAGE + 1, 2 * PAGE),
            (HUGE_PAGE - 1, HUGE_PAGE),
            (HUGE_PAGE, HUGE_PAGE),
            (HUGE_PAGE + 1, 2 * HUGE_PAGE),
            (usize::MAX, usize::MAX),
        ];
        for (len, expected) in cases {
            assert_eq!(Region::<u8>::memory(len), expected, "{len}");
        }
    }

    #[test]
    fn a_region_that_no_machine_has_room_for_is_refused() {
        for paging in [Paging::Now, Paging::OnDemand] {
            assert!(Values::try_new(usize::MAX, paging).is_err());
            assert!(Values::try_new(1 << 56, paging).is_err());
        }
    }
}
