//! The bytes of packets, as the kernel gives them to programs.

use aya_ebpf::{
    helpers::bpf_xdp_load_bytes,
    programs::{TcContext, XdpContext},
};
use flowtrack_common::flow_hash::Packet;

/// What an XDP program sees, in however many buffers it lies. It is read by a helper: where packets say
/// how far their headers reach, the compiler leaves out checks of bounds that the verifier wants to see.
pub(crate) struct Buffer<'a>(pub(crate) &'a XdpContext);

/// What a classifier sees, read by a helper.
pub(crate) struct Skb<'a>(pub(crate) &'a TcContext);

impl Packet for Buffer<'_> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "each caller has another length")]
    fn load<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let (offset, len) = (u32::try_from(offset).ok()?, u32::try_from(N).ok()?);
        let mut bytes = [0; N];
        let buffer = bytes.as_mut_ptr().cast();
        // SAFETY: the context is the one that the kernel called the program with, and `buffer` has room for
        // `len` bytes; the helper looks at the bounds of the packet.
        let result = unsafe { bpf_xdp_load_bytes(self.0.ctx, offset, buffer, len) };
        (result == 0).then_some(bytes)
    }
}

impl Packet for Skb<'_> {
    fn load<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.0.load(offset).ok()
    }
}
