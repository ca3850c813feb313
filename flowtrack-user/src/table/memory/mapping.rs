//! Anonymous memory from the kernel.
//!
//! Large memory lies in huge pages: a table of a million flows has 33,000 ordinary pages, many more
//! than the processor remembers addresses of, and 65 huge ones.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    ptr::{self, NonNull},
};

use libc::{
    MADV_HUGEPAGE, MADV_POPULATE_WRITE, MAP_ANONYMOUS, MAP_FAILED, MAP_HUGE_2MB, MAP_HUGETLB,
    MAP_NORESERVE, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE,
};

use super::{HUGE_PAGE, Pages, Paging};

/// Memory for reading and writing.
pub(super) struct Mapping {
    start: NonNull<u8>,
    pages: Pages,
    /// What is given back to the kernel in the end: the memory and what lies around it.
    _area: Area,
}

impl Mapping {
    /// Zeroed memory of `len` bytes, more than none, and a multiple of 2 MiB from there on.
    pub(super) fn new(len: usize, paging: Paging) -> io::Result<Self> {
        if len < HUGE_PAGE {
            let area = Area::new(len, PROT_READ | PROT_WRITE, 0)?;
            populate(area.start, len, paging)?;
            return Ok(Self {
                start: area.start,
                pages: Pages::Base,
                _area: area,
            });
        }
        match paging {
            Paging::Now => Self::reserved(len).or_else(|_| Self::aligned(len, paging)),
            // A fault that finds a reserved page gone would end the process.
            Paging::OnDemand => Self::aligned(len, paging),
        }
    }

    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(super) fn pages(&self) -> Pages {
        self.pages
    }

    /// Memory from the huge pages that the administrator has reserved.
    fn reserved(len: usize) -> io::Result<Self> {
        let area = Area::new(len, PROT_READ | PROT_WRITE, MAP_HUGETLB | MAP_HUGE_2MB)?;
        populate(area.start, len, Paging::Now)?;
        Ok(Self {
            start: area.start,
            pages: Pages::Huge,
            _area: area,
        })
    }

    /// Memory that begins at a huge page, so that the kernel can put such pages together.
    ///
    /// What remains before and after stays inaccessible. So the kernel does not join the memory with
    /// another mapping, and an access out of bounds ends there.
    fn aligned(len: usize, paging: Paging) -> io::Result<Self> {
        let room = len
            .checked_add(2 * HUGE_PAGE)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let area = Area::new(room, PROT_NONE, MAP_NORESERVE)?;
        let before = HUGE_PAGE - area.start.addr().get() % HUGE_PAGE;
        // SAFETY: at most one of the two huge pages for which there is additional room comes before.
        let start = unsafe { area.start.add(before) };
        // SAFETY: the addresses lie in the new area, to which nothing refers yet.
        check(unsafe { libc::mprotect(start.as_ptr().cast(), len, PROT_READ | PROT_WRITE) })?;
        // A kernel without huge pages refuses, and the memory is as good as it gets.
        // SAFETY: as above.
        let _ = check(unsafe { libc::madvise(start.as_ptr().cast(), len, MADV_HUGEPAGE) });
        populate(start, len, paging)?;
        let pages = match paging {
            Paging::Now => huge_bytes(start),
            // There are no pages yet.
            Paging::OnDemand => 0,
        };
        let pages = match pages {
            0 => Pages::Base,
            bytes => Pages::Transparent(bytes.min(len)),
        };
        Ok(Self {
            start,
            pages,
            _area: area,
        })
    }
}

/// Lets the kernel provide all pages if that is to be now. It says if it cannot, where a first write
/// would end the process.
fn populate(start: NonNull<u8>, len: usize, paging: Paging) -> io::Result<()> {
    if paging == Paging::OnDemand {
        return Ok(());
    }
    // SAFETY: the callers have mapped the memory, and populating it does not change it.
    let populated =
        check(unsafe { libc::madvise(start.as_ptr().cast(), len, MADV_POPULATE_WRITE) });
    match populated {
        // Before Linux 5.14 there is no such advice, and the first write brings the page.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        populated => populated,
    }
}

/// Bytes of the mapping at `start` that lie in transparent huge pages.
fn huge_bytes(start: NonNull<u8>) -> usize {
    File::open("/proc/self/smaps").map_or(0, |smaps| {
        huge_bytes_in(BufReader::new(smaps), start.addr().get())
    })
}

/// The same, from the text of proc_pid_smaps(5).
fn huge_bytes_in(smaps: impl BufRead, start: usize) -> usize {
    let header = format!("{start:x}-");
    smaps
        .lines()
        .map_while(Result::ok)
        .skip_while(|line| !line.starts_with(&header))
        .find_map(|line| {
            let value = line.strip_prefix("AnonHugePages:")?.trim();
            value.strip_suffix(" kB")?.parse::<usize>().ok()
        })
        .map_or(0, |kib| kib.saturating_mul(1024))
}

/// Addresses that are the process's own, given back when dropped.
struct Area {
    start: NonNull<u8>,
    len: usize,
}

impl Area {
    fn new(len: usize, protection: i32, flags: i32) -> io::Result<Self> {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | flags;
        // SAFETY: a new mapping at an address of the kernel's choice changes no other memory.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
        if start == MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, len })
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: `new` has mapped it, and whoever could refer to it owns it.
        let unmapped = unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
        debug_assert_eq!(unmapped, 0, "{}", io::Error::last_os_error());
    }
}

/// The error of a system call that says -1.
fn check(result: i32) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
7f0000000000-7f0000200000 ---p 00000000 00:00 0
Size:               2048 kB
AnonHugePages:         0 kB
VmFlags: mr mw me nr sd
7f0000200000-7f0000800000 rw-p 00000000 00:00 0
Size:               6144 kB
AnonHugePages:      4096 kB
VmFlags: rd wr mr mw me ac sd hg
7f0000800000-7f0000a00000 rw-p 00000000 00:00 0
Size:               2048 kB
AnonHugePages:      2048 kB
";

    #[test]
    fn huge_pages_are_those_of_the_mapping_itself() {
        let cases = [
            (0x7f00_0000_0000, 0),
            (0x7f00_0020_0000, 4 << 20),
            (0x7f00_0080_0000, 2 << 20),
            (0x7f00_0040_0000, 0),
        ];
        for (start, expected) in cases {
            assert_eq!(
                huge_bytes_in(SMAPS.as_bytes(), start),
                expected,
                "{start:x}"
            );
        }
    }

    #[test]
    fn memory_around_an_aligned_mapping_is_a_mapping_of_its_own() {
        let mapping = Mapping::aligned(2 * HUGE_PAGE, Paging::Now).unwrap();
        let start = mapping.start().addr().get();
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let own = format!("{:x}-{:x} rw-p", start, start + 2 * HUGE_PAGE);
        assert!(
            smaps.lines().any(|line| line.starts_with(&own)),
            "{own}\n{smaps}"
        );
    }
}
