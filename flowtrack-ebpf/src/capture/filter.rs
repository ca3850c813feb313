//! Whether the filter wants a packet.

use aya_ebpf::{
    bindings::xdp_md, helpers::bpf_xdp_get_buff_len, macros::map, maps::Array, programs::XdpContext,
};
use flowtrack_common::abi::{
    CaptureSettings,
    filter::{FILTER_SLOTS, FilterProgram, Packet, run},
};
use flowtrack_common::flow_hash::Packet as _;

use crate::packet::Buffer;

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
    run(&filter.instructions, &Buffer(&XdpContext::new(ctx)))
}

impl Packet for Buffer<'_> {
    fn wire_len(&self) -> u32 {
        // SAFETY: the context is the one that the kernel called the program with.
        let len = unsafe { bpf_xdp_get_buff_len(self.0.ctx) };
        u32::try_from(len).unwrap_or(u32::MAX)
    }

    fn byte(&self, at: u32) -> Option<u8> {
        self.load(at as usize).map(u8::from_be_bytes)
    }

    fn half(&self, at: u32) -> Option<u16> {
        self.load(at as usize).map(u16::from_be_bytes)
    }

    fn word(&self, at: u32) -> Option<u32> {
        self.load(at as usize).map(u32::from_be_bytes)
    }
}
