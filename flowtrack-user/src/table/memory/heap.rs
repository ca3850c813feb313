//! What stands for a mapping under Miri, which has no `mmap`: memory of the allocator.

use std::{
    alloc::{Layout, alloc_zeroed, dealloc},
    io,
    ptr::NonNull,
};

use super::{PAGE, Pages, Paging};

pub(super) struct Mapping {
    start: NonNull<u8>,
    layout: Layout,
}

impl Mapping {
    /// Zeroed memory of `len` bytes, more than none.
    pub(super) fn new(len: usize, _: Paging) -> io::Result<Self> {
        let layout = Layout::from_size_align(len, PAGE).map_err(io::Error::other)?;
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(start).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, layout })
    }

    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    #[expect(
        clippy::unused_self,
        reason = "it has the signature of the one that it stands for"
    )]
    pub(super) fn pages(&self) -> Pages {
        Pages::Base
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `new` has allocated it with this layout.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}
