//! Whether the filter wants a packet.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::xdp_md,
    helpers::{bpf_loop, bpf_xdp_get_buff_len},
    macros::map,
    maps::Array,
    programs::XdpContext,
};
use flowtrack_common::{
    abi::{
        CaptureSettings,
        filter::{FILTER_SLOTS, FilterProgram, MAX_INSTRUCTIONS, Machine, Packet, Step},
    },
    flow_hash::Packet as _,
};

use crate::packet::Buffer;

#[map]
static FILTERS: Array<FilterProgram> = Array::with_max_entries(FILTER_SLOTS, 0);

/// A program has decided by then: its jumps go forward.
#[expect(clippy::cast_possible_truncation, reason = "it is 256")]
const ROUNDS: u32 = MAX_INSTRUCTIONS as u32;

/// A filter at work on a packet.
struct Run {
    ctx: *mut xdp_md,
    filter: *const FilterProgram,
    machine: Machine,
    /// Number of the next instruction.
    at: u16,
    accepted: bool,
}

/// Whether the filter that `settings` name wants the packet.
pub(super) fn accepts(ctx: &XdpContext, settings: &CaptureSettings) -> bool {
    let Some(filter) = FILTERS.get_ptr(settings.filter.wrapping_sub(1)) else {
        return true;
    };
    let mut run = Run {
        ctx: ctx.ctx,
        filter,
        machine: Machine::default(),
        at: 0,
        accepted: false,
    };
    // SAFETY: `step` has the type that the helper calls it with, and `run` outlives the call.
    unsafe { bpf_loop(ROUNDS, step as *mut c_void, (&raw mut run).cast(), 0) };
    run.accepted
}

/// One instruction; 1 if it has decided. The verifier looks at it once, not at each round of a loop.
extern "C" fn step(_round: u64, run: *mut Run) -> i64 {
    // SAFETY: `accepts` hands over a `Run` that nothing else refers to while the loop lasts.
    let run = unsafe { &mut *run };
    // SAFETY: the maps outlive the program.
    let filter = unsafe { &*run.filter };
    let Some(instruction) = filter.instructions.get(usize::from(run.at)) else {
        return 1;
    };
    let context = XdpContext::new(run.ctx);
    match run.machine.step(run.at, instruction, &Buffer(&context)) {
        Some(Step::GoTo(next)) => {
            run.at = next;
            0
        }
        decided => {
            run.accepted = decided.is_some();
            1
        }
    }
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
