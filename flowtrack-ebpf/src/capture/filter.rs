//! Whether the filter wants a packet.

use aya_ebpf::{
    bindings::xdp_md,
    helpers::{bpf_xdp_get_buff_len, bpf_xdp_load_bytes},
    macros::map,
    maps::Array,
    programs::XdpContext,
};
use flowtrack_common::abi::{
    CaptureSettings,
    filter::{FILTER_SLOTS, FilterProgram, Packet, run},
};

#[map]
static FILTERS: Array<FilterProgram> = Array::with_max_entries(FILTER_SLOTS, 0);

/// Whether the filter that `settings` name wants the packet.
pub(super) fn accepts(ctx: &XdpContext, settings: &CaptureSettings) -> bool {
    decide(ctx.ctx, settings.filter.wrapping_sub(1))
}

/// A function of its own in the kernel too: the registers that it needs are not taken from whatever the
/// program does else.
#[inline(never)]
fn decide(ctx: *mut xdp_md, slot: u32) -> bool {
    let Some(filter) = FILTERS.get(slot) else {
        return true;
    };
    run(&filter.instructions, &Frame(&XdpContext::new(ctx)))
}

/// The packet, in however many buffers it lies.
struct Frame<'a>(&'a XdpContext);

impl Frame<'_> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "each caller has another length")]
    fn load<const N: usize>(&self, at: u32) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        // SAFETY: the context is the one that the kernel called the program with, and `bytes` has as
        // many bytes as are asked for; the helper looks at the bounds of the packet.
        let result =
            unsafe { bpf_xdp_load_bytes(self.0.ctx, at, bytes.as_mut_ptr().cast(), N as u32) };
        (result == 0).then_some(bytes)
    }
}

impl Packet for Frame<'_> {
    fn wire_len(&self) -> u32 {
        // SAFETY: the context is the one that the kernel called the program with.
        let len = unsafe { bpf_xdp_get_buff_len(self.0.ctx) };
        u32::try_from(len).unwrap_or(u32::MAX)
    }

    fn byte(&self, at: u32) -> Option<u8> {
        self.load(at).map(u8::from_be_bytes)
    }

    fn half(&self, at: u32) -> Option<u16> {
        self.load(at).map(u16::from_be_bytes)
    }

    fn word(&self, at: u32) -> Option<u32> {
        self.load(at).map(u32::from_be_bytes)
    }
}
