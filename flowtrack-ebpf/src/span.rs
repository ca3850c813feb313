//! The SPAN port of the tests: sends a copy of each packet that an interface receives or sends out
//! through another interface, on the queue that a NIC with symmetric RSS would put it on.

use aya_ebpf::{Global, bindings::TC_ACT_OK, macros::classifier, programs::TcContext};
use flowtrack_common::{abi::SpanSettings, flow_hash::Flow};

use crate::packet::Skb;

#[unsafe(no_mangle)]
static SPAN: Global<SpanSettings> = Global::new(SpanSettings {
    port: 0,
    queues: 1,
    by_direction: 0,
});

/// Sends a copy through the port and lets the packet itself go on.
#[classifier]
#[expect(
    clippy::needless_pass_by_value,
    reason = "the macro calls it with a value"
)]
fn span(ctx: TcContext) -> i32 {
    let settings = SPAN.load();
    let queue = if settings.by_direction == 0 {
        symmetric_queue(&ctx, settings.queues)
    } else {
        u32::from(!is_received(&ctx))
    };
    let recorded = queue_mapping(&ctx);
    // The kernel sends a packet with a recorded receive queue, which is counted from 1, on the
    // transmit queue of the same number.
    set_queue_mapping(&ctx, queue + 1);
    // A copy that the port has no room for is lost, as on a switch.
    let _lost = ctx.clone_redirect(settings.port, 0);
    set_queue_mapping(&ctx, recorded);
    TC_ACT_OK
}

/// A packet of this host has come from no interface.
fn is_received(ctx: &TcContext) -> bool {
    // SAFETY: the kernel called the program with a valid context.
    unsafe { (*ctx.skb.skb).ingress_ifindex != 0 }
}

fn queue_mapping(ctx: &TcContext) -> u32 {
    // SAFETY: the kernel called the program with a valid context.
    unsafe { (*ctx.skb.skb).queue_mapping }
}

fn set_queue_mapping(ctx: &TcContext, value: u32) {
    // SAFETY: the kernel called the program with a valid context, and no reference into it exists.
    unsafe { (*ctx.skb.skb).queue_mapping = value };
}

/// The queue of both directions of the packet's flow; 0 for what is not IP. All fragments of two hosts
/// meet on one queue: only the first one of a datagram has ports.
fn symmetric_queue(ctx: &TcContext, queues: u32) -> u32 {
    let Some(flow) = Flow::of_frame(&Skb(ctx)) else {
        return 0;
    };
    let hash = flow.fragments_together().hash(0);
    ((u64::from(hash) * u64::from(queues)) >> 32) as u32
}
