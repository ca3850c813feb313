//! The least that a program must do to hand a packet to an AF_XDP socket: what the capture program
//! is measured against.

use aya_ebpf::{bindings::xdp_action::XDP_PASS, macros::xdp, programs::XdpContext};

use crate::capture::XSKS;

/// Redirects to the socket of the receive queue, and that is all.
#[xdp(frags)]
#[expect(
    clippy::needless_pass_by_value,
    reason = "the macro calls it with a value"
)]
fn bare(ctx: XdpContext) -> u32 {
    XSKS.redirect(ctx.rx_queue_index(), u64::from(XDP_PASS))
        .unwrap_or_else(|action| action)
}
