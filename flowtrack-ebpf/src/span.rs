//! The SPAN port of the tests: sends a copy of each packet that an interface receives or sends out
//! through another interface, on the queue that a NIC with symmetric RSS would put it on.

use aya_ebpf::{Global, bindings::TC_ACT_OK, macros::classifier, programs::TcContext};
use flowtrack_common::{abi::SpanSettings, flow_hash::Flow};

use crate::packet::Skb;

#[unsafe(no_mangle)]
static SPAN: Global<SpanSettings> = Global::new(SpanSettings {
    port: 0,
    queues: 1,
    steering: SpanSettings::SYMMETRIC,
});

const ETHERTYPE_OFFSET: usize = 12;
const IPV4_SOURCE_OFFSET: usize = 14 + 12;
/// The last four bytes of the address.
const IPV6_SOURCE_END_OFFSET: usize = 14 + 8 + 12;
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];
/// 2^32 divided by the golden ratio: the product's upper bits depend on all bits of the factor.
const SPREAD: u32 = 0x9e37_79b1;

/// Sends a copy through the port and lets the packet itself go on.
#[classifier]
#[expect(
    clippy::needless_pass_by_value,
    reason = "the macro calls it with a value"
)]
fn span(ctx: TcContext) -> i32 {
    let settings = SPAN.load();
    let queue = match settings.steering {
        SpanSettings::SYMMETRIC => symmetric_queue(&ctx, settings.queues),
        SpanSettings::BY_DIRECTION => u32::from(!is_received(&ctx)),
        _ => source_queue(&ctx, settings.queues),
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
    queue_of(flow.fragments_together().hash(0), queues)
}

/// The queue of all packets with the same source address; 0 for what is not IP.
fn source_queue(ctx: &TcContext, queues: u32) -> u32 {
    let source = |offset| ctx.load::<u32>(offset).ok();
    let address = match ctx.load(ETHERTYPE_OFFSET) {
        Ok(ETHERTYPE_IPV4) => source(IPV4_SOURCE_OFFSET),
        Ok(ETHERTYPE_IPV6) => source(IPV6_SOURCE_END_OFFSET),
        _ => None,
    };
    address.map_or(0, |address| queue_of(address.wrapping_mul(SPREAD), queues))
}

fn queue_of(hash: u32, queues: u32) -> u32 {
    ((u64::from(hash) * u64::from(queues)) >> 32) as u32
}
