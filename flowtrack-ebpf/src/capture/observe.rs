//! Copies of headers: what user space gets of packets that go on.

use aya_ebpf::{
    Global,
    bindings::BPF_RB_NO_WAKEUP,
    btf_maps::{ArrayOfMaps, RingBuf},
    helpers::{bpf_get_smp_processor_id, bpf_ktime_get_tai_ns, bpf_xdp_load_bytes},
    macros::{btf_map, map},
    maps::PerCpuArray,
    programs::XdpContext,
};
use flowtrack_common::abi::{HEADER_WAKE_INTERVAL_NS, HeaderPrefix, MAX_CPUS};

/// What the rings are like; how large each of them is, user space decides.
type Ring = RingBuf<u8, 65_536>;

#[btf_map]
static HEADERS: ArrayOfMaps<Ring, { MAX_CPUS as usize }> = ArrayOfMaps::new();

/// What this program knows about the ring of its CPU.
#[map]
static RING_STATE: PerCpuArray<RingState> = PerCpuArray::with_max_entries(1, 0);

/// The verifier takes a reservation only of a size that it knows, so this is set before the program is
/// loaded.
#[unsafe(no_mangle)]
static SNAP: Global<u32> = Global::new(128);

/// No frame is shorter: the verifier wants to see that something is copied.
const SHORTEST: u32 = 14;

#[repr(C)]
struct RingState {
    /// When the reader was last to be woken up, as a stamp.
    woken: u64,
    /// Packets without a copy since the last one that has one.
    lost: u64,
}

/// Why there is no copy.
pub(super) enum NotCopied {
    /// This CPU has no ring.
    NoRing,
    /// Its ring is full.
    Full,
}

/// Puts a [`HeaderPrefix`] and the first bytes of a packet of `bytes` bytes into the ring of this CPU.
pub(super) fn copy(ctx: &XdpContext, bytes: u64) -> Result<(), NotCopied> {
    // SAFETY: the helper has no precondition.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    let ring = HEADERS.get(cpu).ok_or(NotCopied::NoRing)?;
    let state = RING_STATE.get_ptr_mut(0).ok_or(NotCopied::NoRing)?;
    // SAFETY: the slot belongs to this CPU, on which no other instance of the program runs before this
    // one has returned.
    let state = unsafe { &mut *state };
    let snap = SNAP.load();
    let size = size_of::<HeaderPrefix>() + snap as usize;
    let Some(mut record) = ring.reserve_bytes(size, 0) else {
        state.lost += 1;
        return Err(NotCopied::Full);
    };
    let prefix = fill(ctx, record.as_mut_ptr(), bytes, snap, state.lost);
    state.lost = 0;
    record.submit(state.wake_up(prefix.tai_ns));
    Ok(())
}

/// Fills a record of the size of a prefix and `snap` bytes.
#[inline]
fn fill(ctx: &XdpContext, record: *mut u8, bytes: u64, snap: u32, lost: u64) -> HeaderPrefix {
    let wire_len = u32::try_from(bytes).unwrap_or(u32::MAX);
    let len = wire_len.min(snap).max(SHORTEST);
    let headers = record.wrapping_add(size_of::<HeaderPrefix>()).cast();
    // SAFETY: `ctx.ctx` is the context that the kernel called the program with; `len` bytes lie behind the
    // prefix, since user space has set `snap` to no less than `SHORTEST`.
    let result = unsafe { bpf_xdp_load_bytes(ctx.ctx, 0, headers, len) };
    let copied = if result == 0 { len } else { 0 };
    // SAFETY: the helper has no precondition.
    let tai_ns = unsafe { bpf_ktime_get_tai_ns() };
    let prefix = HeaderPrefix {
        tai_ns,
        wire_len,
        len: u16::try_from(copied).unwrap_or(0),
        lost: u16::try_from(lost).unwrap_or(u16::MAX),
    };
    #[expect(clippy::cast_ptr_alignment, reason = "the kernel aligns records to 8")]
    let place = record.cast::<HeaderPrefix>();
    // SAFETY: the record starts with room for a prefix, and nothing else refers to it.
    unsafe { place.write(prefix) };
    prefix
}

impl RingState {
    /// The reader is woken up at most once an interval: it looks for itself whenever it has been, until
    /// there was nothing for longer than that. Even then the kernel wakes it up only if it has read all.
    fn wake_up(&mut self, now: u64) -> u64 {
        // A clock that was set back wakes up as well.
        if now.wrapping_sub(self.woken) < HEADER_WAKE_INTERVAL_NS {
            return u64::from(BPF_RB_NO_WAKEUP);
        }
        self.woken = now;
        0
    }
}
