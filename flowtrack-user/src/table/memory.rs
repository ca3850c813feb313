//! Arrays that are mapped once and never grow, in huge pages where the kernel has them.

#[cfg(miri)]
mod heap;
#[cfg(not(miri))]
mod mapping;

use std::{
    fmt, io,
    mem::MaybeUninit,
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

/// A fixed array, each place of which was written when it was made, so no page fault comes later.
///
/// The thread that makes it touches it, so its memory is local to the NUMA node of that thread.
pub struct Region<T> {
    start: NonNull<T>,
    len: usize,
    mapping: Mapping,
}

impl<T> Region<T> {
    /// Bytes of memory that `len` places take: whole pages, and huge ones from 2 MiB on.
    pub fn memory(len: usize) -> usize {
        let bytes = len.saturating_mul(size_of::<T>()).max(1);
        let page = if bytes < HUGE_PAGE { PAGE } else { HUGE_PAGE };
        bytes.checked_next_multiple_of(page).unwrap_or(usize::MAX)
    }

    /// The pages that it lies in.
    pub fn pages(&self) -> Pages {
        self.mapping.pages()
    }
}

impl<T: Copy + Default> Region<T> {
    /// An array of `len` default values.
    pub fn try_new(len: usize) -> io::Result<Self> {
        const { assert!(align_of::<T>() <= PAGE, "a mapping begins at a page") };
        let mapping = Mapping::new(Self::memory(len))?;
        let start = mapping.start().cast::<T>();
        // SAFETY: the mapping is new, writable, aligned to a page and has room for `len` values, and
        // places that may be uninitialised are valid whatever they hold.
        let places =
            unsafe { slice::from_raw_parts_mut(start.cast::<MaybeUninit<T>>().as_ptr(), len) };
        places.fill(MaybeUninit::new(T::default()));
        Ok(Self {
            start,
            len,
            mapping,
        })
    }
}

impl<T> Deref for Region<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `try_new` has written `len` values there, and the mapping lives as long as `self`.
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
        let Self { len, mapping, .. } = self;
        f.debug_struct("Region")
            .field("len", len)
            .field("pages", &mapping.pages())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_begins_as_default_values_and_keeps_what_is_written() {
        for len in [0, 1, 7, 5_000, 40_000] {
            let mut region = Region::<[u64; 8]>::try_new(len).unwrap();
            assert_eq!(region.len(), len);
            assert!(region.iter().all(|place| *place == [0; 8]));
            for (n, place) in region.iter_mut().enumerate() {
                place[n % 8] = n as u64;
            }
            let kept = |(n, place): (usize, &[u64; 8])| place[n % 8] == n as u64;
            assert!(region.iter().enumerate().all(kept));
        }
    }

    #[test]
    fn a_large_region_begins_at_a_huge_page() {
        let region = Region::<[u64; 8]>::try_new(40_000).unwrap();
        assert_eq!(region.as_ptr() as usize % HUGE_PAGE, 0);
        match region.pages() {
            Pages::Transparent(bytes) => {
                assert!(
                    (1..=Region::<[u64; 8]>::memory(40_000)).contains(&bytes),
                    "{bytes}"
                );
            }
            Pages::Huge | Pages::Base => {}
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
        assert!(Region::<[u64; 8]>::try_new(usize::MAX).is_err());
        assert!(Region::<[u64; 8]>::try_new(1 << 56).is_err());
    }
}
