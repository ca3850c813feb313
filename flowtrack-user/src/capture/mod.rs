//! Where frames come from.

pub mod pcap;
pub mod xdp;

/// Packets that are taken in together: enough to share what a burst costs, few enough for the cache.
pub const BURST: usize = 64;
