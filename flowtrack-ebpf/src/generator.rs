//! The traffic generator: turns the template packet of `BPF_PROG_RUN` into the next packet of the
//! next flow and sends it through another interface.

use aya_ebpf::{
    bindings::xdp_action::XDP_DROP,
    macros::{map, xdp},
    maps::{Array, DevMap},
    programs::XdpContext,
};
use flowtrack_common::abi::GeneratorSettings;

#[map]
static PORT: DevMap = DevMap::with_max_entries(1, 0);

#[map]
static GENERATOR: Array<GeneratorSettings> = Array::with_max_entries(1, 0);

/// Flows of one source address: each has its own source port.
const PORTS: u64 = 32_768;

const ETHERTYPE_OFFSET: usize = 12;
const IPV4_OFFSET: usize = 14;
const PROTOCOL_OFFSET: usize = IPV4_OFFSET + 9;
const IPV4_CHECKSUM_OFFSET: usize = IPV4_OFFSET + 10;
const SOURCE_OFFSET: usize = IPV4_OFFSET + 12;
const L4_OFFSET: usize = IPV4_OFFSET + 20;
const TCP_CHECKSUM_OFFSET: usize = L4_OFFSET + 16;
const UDP_CHECKSUM_OFFSET: usize = L4_OFFSET + 6;

const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const IPV4_WITHOUT_OPTIONS: [u8; 1] = [0x45];
const TCP: [u8; 1] = [6];
const UDP: [u8; 1] = [17];

/// Sends the packet as one of the next flow; drops it if the template is not what
/// [`GeneratorSettings`] describes.
#[xdp(frags)]
#[expect(
    clippy::needless_pass_by_value,
    reason = "the macro calls it with a value"
)]
fn generator(ctx: XdpContext) -> u32 {
    match rewrite(&ctx) {
        Some(()) => PORT
            .redirect(0, u64::from(XDP_DROP))
            .unwrap_or_else(|action| action),
        None => XDP_DROP,
    }
}

/// The kernel gives the same pages out again as the program left them, so the fields are set from
/// the settings, and each checksum is moved on from what the packet has now.
fn rewrite(ctx: &XdpContext) -> Option<()> {
    if load(ctx, ETHERTYPE_OFFSET)? != ETHERTYPE_IPV4
        || load(ctx, IPV4_OFFSET)? != IPV4_WITHOUT_OPTIONS
    {
        return None;
    }
    let checksum_offset = match load(ctx, PROTOCOL_OFFSET)? {
        TCP => TCP_CHECKSUM_OFFSET,
        UDP => UDP_CHECKSUM_OFFSET,
        _ => return None,
    };
    let (address, port) = next_flow()?;

    let old_address = u32::from_be_bytes(load(ctx, SOURCE_OFFSET)?);
    let old_port = u16::from_be_bytes(load(ctx, L4_OFFSET)?);
    store(ctx, SOURCE_OFFSET, address.to_be_bytes())?;
    store(ctx, L4_OFFSET, port.to_be_bytes())?;

    let change =
        change(old_address >> 16, address >> 16) + change(old_address & 0xffff, address & 0xffff);
    let ip = u16::from_be_bytes(load(ctx, IPV4_CHECKSUM_OFFSET)?);
    store(ctx, IPV4_CHECKSUM_OFFSET, update(ip, change).to_be_bytes())?;

    let old = u16::from_be_bytes(load(ctx, checksum_offset)?);
    if checksum_offset == UDP_CHECKSUM_OFFSET && old == 0 {
        return Some(());
    }
    let change = change + self::change(u32::from(old_port), u32::from(port));
    let new = match update(old, change) {
        // 0 would say that there is no UDP checksum; 0xffff is the same number.
        0 if checksum_offset == UDP_CHECKSUM_OFFSET => 0xffff,
        new => new,
    };
    store(ctx, checksum_offset, new.to_be_bytes())
}

/// Source address and port of the next packet.
#[expect(
    clippy::cast_possible_truncation,
    reason = "addresses and ports wrap around"
)]
fn next_flow() -> Option<(u32, u16)> {
    let settings = GENERATOR.get_ptr_mut(0)?;
    // SAFETY: the generator runs on one CPU at a time, and user space writes the settings only
    // before it starts.
    let settings = unsafe { &mut *settings };
    let flow = settings.next.checked_rem(settings.flows)?;
    settings.next += 1;
    let address = settings.source_address.wrapping_add((flow / PORTS) as u32);
    let port = settings.source_port.wrapping_add((flow % PORTS) as u32);
    Some((address, port as u16))
}

/// What a checksum's complement grows by when a 16-bit word changes (RFC 1624, equation 3).
fn change(old: u32, new: u32) -> u32 {
    (!old & 0xffff) + new
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "nothing is left above 16 bits after two folds"
)]
fn update(checksum: u16, change: u32) -> u16 {
    let sum = u32::from(!checksum) + change;
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    !(sum as u16)
}

/// The `N` bytes at `offset`, if the packet's first buffer has them.
fn load<const N: usize>(ctx: &XdpContext, offset: usize) -> Option<[u8; N]> {
    let field = field(ctx, offset)?;
    // SAFETY: `field` lies inside the packet; bytes have no alignment and no invalid value.
    Some(unsafe { *field })
}

fn store<const N: usize>(ctx: &XdpContext, offset: usize, value: [u8; N]) -> Option<()> {
    let field = field(ctx, offset)?;
    // SAFETY: `field` lies inside the packet, and no reference into the packet exists.
    unsafe { *field = value };
    Some(())
}

fn field<const N: usize>(ctx: &XdpContext, offset: usize) -> Option<*mut [u8; N]> {
    let start = ctx.data() + offset;
    (start + N <= ctx.data_end()).then_some(start as *mut [u8; N])
}
