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
    fn load<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let offset = u32::try_from(offset).ok()?;
        let mut bytes = [0; N];
        // SAFETY: the context is the one that the kernel called the program with, and `bytes` has as many
        // bytes as are asked for; the helper looks at the bounds of the packet.
        let result =
            unsafe { bpf_xdp_load_bytes(self.0.ctx, offset, bytes.as_mut_ptr().cast(), N as u32) };
        (result == 0).then_some(bytes)
    }
}

impl Packet for Skb<'_> {
    fn load<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.0.load(offset).ok()
    }
}
