//! Whether the flow of a packet is in the sample.

use aya_ebpf::{macros::map, maps::LruHashMap, programs::XdpContext};
use flowtrack_common::{
    abi::{CaptureSettings, SAMPLED_DATAGRAMS},
    flow_hash::{Datagrams, Flow},
};

use crate::packet::Buffer;

#[map]
static DATAGRAMS: LruHashMap<u64, u32> = LruHashMap::with_max_entries(SAMPLED_DATAGRAMS, 0);

/// Whether the hash of the packet's flow is below the bound that `settings` have. What is not an IP packet
/// has no flow, and is.
pub(super) fn is_in(ctx: &XdpContext, settings: &CaptureSettings) -> bool {
    let Some(flow) = Flow::of_frame(&Buffer(ctx)) else {
        return true;
    };
    flow.hash_whole(settings.sample_key, &mut Remembered) < settings.sample_below
}

/// The datagrams in the map, the ones that were used last.
struct Remembered;

impl Datagrams for Remembered {
    fn remember(&mut self, datagram: u64, hash: u32) {
        // Without room its later fragments are hashed without ports.
        let _ = DATAGRAMS.insert(datagram, hash, 0);
    }

    fn recall(&self, datagram: u64) -> Option<u32> {
        // SAFETY: the value is copied at once; another CPU may give its place to another datagram
        // meanwhile, whose hash is then as good a guess as any.
        unsafe { DATAGRAMS.get(datagram) }.copied()
    }
}
