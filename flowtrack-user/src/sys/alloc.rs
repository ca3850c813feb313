//! An allocator that counts.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The allocator of the system, with a count of allocations for each thread: an addition each.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAllocator;

/// Allocations of this thread so far, where [`CountingAllocator`] is the global allocator. A thread that
/// has made none yet cannot know.
pub fn allocations() -> Option<u64> {
    Some(ALLOCATIONS.get()).filter(|&count| count > 0)
}

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get().wrapping_add(1));
}

// SAFETY: each call is handed on to the allocator of the system as it came. The counter is a plain
// number without a destructor: it neither allocates nor unwinds, whenever it is used.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller promises what `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller promises what `System` asks for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller promises what `System` asks for, and `memory` came from there.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller promises what `System` asks for, and `memory` came from there.
        unsafe { System.dealloc(memory, layout) }
    }
}
