//! The capture program: counts each packet, and hands it to the AF_XDP socket of its receive queue,
//! stamped if asked to, or lets it go on and hands over a copy of its headers.

mod filter;
mod forward;
mod observe;
mod sample;

use aya_ebpf::{
    Global,
    bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_REDIRECT},
    helpers::{bpf_ktime_get_tai_ns, bpf_xdp_adjust_head, bpf_xdp_get_buff_len},
    macros::{map, xdp},
    maps::{Array, PerCpuArray, XskMap},
    programs::XdpContext,
};
use flowtrack_common::abi::{
    CaptureSettings, Count, FILTERED_DROP, MAX_QUEUES, MODE_INLINE, MODE_OBSERVE, MODE_TAP,
    OTHER_QUEUES, Stamp, Verdicts,
};

use self::observe::NotCopied;

#[map]
pub(crate) static XSKS: XskMap = XskMap::with_max_entries(MAX_QUEUES, 0);

#[map]
static VERDICTS: PerCpuArray<Verdicts> = PerCpuArray::with_max_entries(OTHER_QUEUES + 1, 0);

#[map]
static SETTINGS: Array<CaptureSettings> = Array::with_max_entries(1, 0);

#[map]
static BYPASS: Array<u32> = Array::with_max_entries(MAX_QUEUES, 0);

#[unsafe(no_mangle)]
static STAMP: Global<u32> = Global::new(0);

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "it is 8"
)]
const STAMP_LEN: i32 = size_of::<Stamp>() as i32;

/// Why a packet leaves the program; each has its counter in [`Verdicts`].
pub(crate) enum Verdict {
    Redirected,
    Observed,
    Forwarded,
    RingFull,
    Filtered,
    SampledOut,
    Bypassed,
    NoSocket,
    NoHeadroom,
    NoPeer,
}

/// Decides by the mode; whatever can go nowhere else goes on to the kernel stack as it came.
#[xdp(frags)]
#[expect(
    clippy::needless_pass_by_value,
    reason = "the macro calls it with a value"
)]
fn flowtrack(ctx: XdpContext) -> u32 {
    let queue = ctx.rx_queue_index();
    // SAFETY: `ctx.ctx` is the context that the kernel called the program with.
    let bytes = unsafe { bpf_xdp_get_buff_len(ctx.ctx) };
    // There is always one, but the verifier wants to see it.
    let Some(settings) = SETTINGS.get(0) else {
        return XDP_PASS;
    };
    let (action, verdict) = match unwanted(&ctx, queue, settings) {
        Some(verdict) => (let_go(&verdict, settings), verdict),
        None => capture(&ctx, queue, bytes, settings),
    };
    count(&ctx, queue, bytes, &verdict);
    action
}

/// Why the packet is not captured, if it is not.
fn unwanted(ctx: &XdpContext, queue: u32, settings: &CaptureSettings) -> Option<Verdict> {
    if settings.bypass != 0 && BYPASS.get(queue).is_some_and(|bypass| *bypass != 0) {
        return Some(Verdict::Bypassed);
    }
    if settings.filter != 0 && !filter::accepts(ctx, settings) {
        return Some(Verdict::Filtered);
    }
    if settings.sample_below != 0 && !sample::is_in(ctx, settings) {
        return Some(Verdict::SampledOut);
    }
    None
}

/// What becomes of a packet that is not captured.
fn let_go(verdict: &Verdict, settings: &CaptureSettings) -> u32 {
    match (settings.mode, verdict) {
        (MODE_TAP, Verdict::Filtered) if settings.filtered == FILTERED_DROP => XDP_DROP,
        (MODE_TAP, Verdict::SampledOut) => XDP_DROP,
        (MODE_INLINE, _) if forward::forward() => XDP_REDIRECT,
        _ => XDP_PASS,
    }
}

/// What becomes of a packet that is captured.
fn capture(ctx: &XdpContext, queue: u32, bytes: u64, settings: &CaptureSettings) -> (u32, Verdict) {
    match settings.mode {
        MODE_OBSERVE => (XDP_PASS, copy(ctx, bytes, Verdict::Observed)),
        MODE_INLINE if forward::forward() => (XDP_REDIRECT, copy(ctx, bytes, Verdict::Forwarded)),
        MODE_INLINE => (XDP_PASS, Verdict::NoPeer),
        _ => match redirect(ctx, queue) {
            Verdict::Redirected => (XDP_REDIRECT, Verdict::Redirected),
            verdict => (XDP_PASS, verdict),
        },
    }
}

/// Copies the headers: `copied` if that is possible.
fn copy(ctx: &XdpContext, bytes: u64, copied: Verdict) -> Verdict {
    match observe::copy(ctx, bytes) {
        Ok(()) => copied,
        Err(NotCopied::Full) => Verdict::RingFull,
        Err(NotCopied::NoRing) => Verdict::NoSocket,
    }
}

fn redirect(ctx: &XdpContext, queue: u32) -> Verdict {
    // The kernel drops what is redirected to a socket of another queue, so that is no socket.
    if XSKS.get(queue) != Some(queue) {
        return Verdict::NoSocket;
    }
    let stamped = STAMP.load() != 0;
    if stamped && !stamp(ctx) {
        return Verdict::NoHeadroom;
    }
    if XSKS.redirect(queue, u64::from(XDP_PASS)) == Ok(XDP_REDIRECT) {
        return Verdict::Redirected;
    }
    // The socket went away since it was looked up: the stack must not see the stamp.
    if stamped {
        adjust_head(ctx, STAMP_LEN);
    }
    Verdict::NoSocket
}

/// Puts a [`Stamp`] in front of the packet; false if there is no room.
fn stamp(ctx: &XdpContext) -> bool {
    if !adjust_head(ctx, -STAMP_LEN) {
        return false;
    }
    let start = ctx.data();
    // Always true, but the verifier wants to see it.
    if start + size_of::<Stamp>() <= ctx.data_end() {
        // SAFETY: the helper has no precondition.
        let tai_ns = unsafe { bpf_ktime_get_tai_ns() };
        let stamp = start as *mut Stamp;
        // SAFETY: the packet has `size_of::<Stamp>()` bytes from `start` on, checked above, and
        // nothing else refers to them while the program runs.
        unsafe { stamp.write_unaligned(Stamp { tai_ns }) };
    }
    true
}

fn adjust_head(ctx: &XdpContext, delta: i32) -> bool {
    // SAFETY: `ctx.ctx` is the context that the kernel called the program with; no pointer into
    // the packet outlives the call.
    unsafe { bpf_xdp_adjust_head(ctx.ctx, delta) == 0 }
}

fn count(ctx: &XdpContext, queue: u32, bytes: u64, verdict: &Verdict) {
    let Some(verdicts) = VERDICTS.get_ptr_mut(queue.min(OTHER_QUEUES)) else {
        return;
    };
    // SAFETY: the slot belongs to this CPU, on which no other program instance that uses it runs
    // before this one has returned; user space reads a copy that the kernel makes.
    let verdicts = unsafe { &mut *verdicts };
    let counter = match verdict {
        Verdict::Redirected => &mut verdicts.redirected,
        Verdict::Observed => &mut verdicts.observed,
        Verdict::Forwarded => &mut verdicts.forwarded,
        Verdict::RingFull => &mut verdicts.ring_full,
        Verdict::Filtered => &mut verdicts.filtered,
        Verdict::SampledOut => &mut verdicts.sampled_out,
        Verdict::Bypassed => &mut verdicts.bypassed,
        Verdict::NoSocket => &mut verdicts.no_socket,
        Verdict::NoHeadroom => &mut verdicts.no_headroom,
        Verdict::NoPeer => &mut verdicts.no_peer,
    };
    if matches!(verdict, Verdict::NoHeadroom) && counter.packets == 0 {
        aya_log_ebpf::error!(
            ctx,
            "queue {}: the driver leaves no room in front of packets for a stamp",
            queue
        );
    }
    add(counter, bytes);
}

fn add(counter: &mut Count, bytes: u64) {
    counter.packets += 1;
    counter.bytes += bytes;
}
