//! The other interface of a pair that is forwarded between.

use aya_ebpf::{
    bindings::xdp_action::{XDP_PASS, XDP_REDIRECT},
    macros::map,
    maps::DevMap,
};

#[map]
static PEER: DevMap = DevMap::with_max_entries(1, 0);

/// Sends the packet out of the other interface once the program has returned `XDP_REDIRECT`; false if
/// there is none.
pub(super) fn forward() -> bool {
    PEER.redirect(0, u64::from(XDP_PASS)) == Ok(XDP_REDIRECT)
}
