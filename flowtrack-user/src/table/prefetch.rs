//! Hints to the processor: what will be needed soon.

/// Bytes that a processor moves between memory and cache at once.
const LINE: usize = 64;

/// Starts to bring `place` into the cache, all lines of it, and does not wait.
#[inline]
pub(crate) fn prefetch<T>(place: &T) {
    let start = std::ptr::from_ref(place).cast::<u8>();
    for line in (0..size_of::<T>()).step_by(LINE) {
        prefetch_line(start.wrapping_add(line));
    }
}

/// Starts to bring the headers at the start of a frame into the cache.
#[inline]
pub(crate) fn prefetch_head(frame: &[u8]) {
    let head = frame.get(..LINE).unwrap_or(frame);
    // They may lie across two lines.
    for byte in [head.first(), head.last()].into_iter().flatten() {
        prefetch(byte);
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn prefetch_line(line: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    // SAFETY: SSE is part of x86_64, and a prefetch accepts any address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline]
fn prefetch_line(line: *const u8) {
    // SAFETY: a prefetch accepts any address and changes neither memory nor registers.
    unsafe {
        std::arch::asm!(
            "prfm pldl1keep, [{line}]",
            line = in(reg) line,
            options(nostack, preserves_flags, readonly),
        );
    }
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn prefetch_line(_: *const u8) {}
