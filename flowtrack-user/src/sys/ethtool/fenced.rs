//! Memory for answers whose length only the driver knows.
//!
//! Names and statistics are written in full, however many there were when their number was asked for: it
//! changes with the channels of the NIC. So a page that nobody may write to follows the memory, and a longer
//! answer fails with `EFAULT`.

use std::{io, ptr, ptr::NonNull, slice};

/// A multiple of each page size that Linux has.
const PAGE: usize = 64 << 10;

/// Zeroed memory with a fence behind it.
pub(super) struct Fenced {
    start: NonNull<u8>,
    /// Bytes up to the fence.
    room: usize,
    /// Bytes with it.
    mapped: usize,
}

impl Fenced {
    /// Memory of at least `len` bytes.
    pub(super) fn new(len: usize) -> io::Result<Self> {
        let room = len.max(1).checked_next_multiple_of(PAGE);
        let room = room.ok_or(io::ErrorKind::OutOfMemory)?;
        let mapped = room.checked_add(PAGE).ok_or(io::ErrorKind::OutOfMemory)?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping at an address of the kernel's choice changes no other memory.
        let start = unsafe { libc::mmap(ptr::null_mut(), mapped, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        let fenced = Self {
            start,
            room,
            mapped,
        };
        // SAFETY: the addresses lie in the new mapping, to which nothing refers yet.
        let opened = unsafe {
            libc::mprotect(
                start.as_ptr().cast(),
                room,
                libc::PROT_READ | libc::PROT_WRITE,
            )
        };
        if opened < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(fenced)
    }

    pub(super) fn start(&mut self) -> *mut u8 {
        self.start.as_ptr()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `room` bytes are mapped for reading and zeroed, and only borrowers of `self` refer to them.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.room) }
    }

    /// Writes `words` to its beginning.
    pub(super) fn write(&mut self, words: &[u32]) {
        // SAFETY: as in `bytes`; `self` is borrowed for writing.
        let bytes = unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.room) };
        let from = words.iter().flat_map(|word| word.to_ne_bytes());
        bytes.iter_mut().zip(from).for_each(|(to, from)| *to = from);
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        // SAFETY: `new` has mapped it, and nothing borrows it any more.
        let unmapped = unsafe { libc::munmap(self.start.as_ptr().cast(), self.mapped) };
        debug_assert_eq!(unmapped, 0, "{}", io::Error::last_os_error());
    }
}
