//! The SPAN port of the tests: sends a copy of each packet that an interface receives or sends out
//! through another interface, on the queue that a NIC with symmetric RSS would put it on.

use aya_ebpf::{Global, bindings::TC_ACT_OK, macros::classifier, programs::TcContext};
use flowtrack_common::abi::SpanSettings;

#[unsafe(no_mangle)]
static SPAN: Global<SpanSettings> = Global::new(SpanSettings {
    port: 0,
    queues: 1,
    by_direction: 0,
});

const ETHERTYPE_OFFSET: usize = 12;
const L3_OFFSET: usize = 14;
const IPV4_FRAGMENT_OFFSET: usize = L3_OFFSET + 6;
const IPV4_PROTOCOL_OFFSET: usize = L3_OFFSET + 9;
const IPV4_ADDRESSES_OFFSET: usize = L3_OFFSET + 12;
const IPV6_NEXT_HEADER_OFFSET: usize = L3_OFFSET + 6;
const IPV6_ADDRESSES_OFFSET: usize = L3_OFFSET + 8;
const IPV6_HEADER_LEN: usize = 40;

const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];
/// More fragments follow, or this one is not the first.
const IPV4_IS_FRAGMENT: u16 = 0x3fff;
const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

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

/// The queue of both directions of the packet's flow; 0 for what is not IP.
fn symmetric_queue(ctx: &TcContext, queues: u32) -> u32 {
    let hash = match load(ctx, ETHERTYPE_OFFSET) {
        Some(ETHERTYPE_IPV4) => hash_ipv4(ctx),
        Some(ETHERTYPE_IPV6) => hash_ipv6(ctx),
        _ => return 0,
    };
    let hash = hash.unwrap_or(0).wrapping_mul(SPREAD);
    ((u64::from(hash) * u64::from(queues)) >> 32) as u32
}

/// Source and destination may change places: all that goes in is combined by exclusive or.
fn hash_ipv4(ctx: &TcContext) -> Option<u32> {
    let addresses = fold::<2>(load(ctx, IPV4_ADDRESSES_OFFSET)?);
    // Only the first fragment has ports, and all are to meet on one queue.
    if u16::from_be_bytes(load(ctx, IPV4_FRAGMENT_OFFSET)?) & IPV4_IS_FRAGMENT != 0 {
        return Some(addresses);
    }
    let version_and_len: u8 = load(ctx, L3_OFFSET)?;
    let header_len = usize::from(version_and_len & 0xf) * 4;
    let protocol = load(ctx, IPV4_PROTOCOL_OFFSET)?;
    Some(addresses ^ hash_l4(ctx, protocol, L3_OFFSET + header_len))
}

/// A packet with extension headers, such as a fragment, is known by its addresses and the first of
/// these.
fn hash_ipv6(ctx: &TcContext) -> Option<u32> {
    let addresses = fold::<8>(load(ctx, IPV6_ADDRESSES_OFFSET)?);
    let next_header = load(ctx, IPV6_NEXT_HEADER_OFFSET)?;
    Some(addresses ^ hash_l4(ctx, next_header, L3_OFFSET + IPV6_HEADER_LEN))
}

fn hash_l4(ctx: &TcContext, protocol: u8, offset: usize) -> u32 {
    let ports: Option<[u16; 2]> = match protocol {
        TCP | UDP | SCTP => load(ctx, offset),
        _ => None,
    };
    let [source, destination] = ports.unwrap_or_default();
    u32::from(protocol) << 16 | u32::from(source ^ destination)
}

fn fold<const N: usize>(words: [u32; N]) -> u32 {
    words.into_iter().fold(0, |sum, word| sum ^ word)
}

/// The bytes at `offset`, if the packet has them.
fn load<T: Copy>(ctx: &TcContext, offset: usize) -> Option<T> {
    ctx.load(offset).ok()
}
