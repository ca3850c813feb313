//! The bytes of packets, as the kernel gives them to programs.

use aya_ebpf::programs::{TcContext, XdpContext};
use flowtrack_common::flow_hash::Packet;

/// What an XDP program sees: the first buffer of the packet, read in place.
pub(crate) struct Buffer<'a>(pub(crate) &'a XdpContext);

/// What a classifier sees, read by a helper.
pub(crate) struct Skb<'a>(pub(crate) &'a TcContext);

/// Headers lie within so many bytes: the verifier wants a bound for an offset that a packet has a say in.
const MAX_OFFSET: usize = 1024;

impl Packet for Buffer<'_> {
    #[inline(always)]
    fn load<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        if offset > MAX_OFFSET {
            return None;
        }
        let start = self.0.data() + offset;
        if start + N > self.0.data_end() {
            return None;
        }
        // SAFETY: the packet has `N` bytes from `start` on; bytes have no alignment and no invalid value.
        Some(unsafe { *(start as *const [u8; N]) })
    }
}

impl Packet for Skb<'_> {
    fn load<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.0.load(offset).ok()
    }
}
