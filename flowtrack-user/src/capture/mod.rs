//! Where frames come from.

pub mod headers;
pub mod pcap;
pub mod xdp;

/// Packets that are taken in together: enough to share what a burst costs, few enough for the cache.
pub const BURST: usize = 64;
/// Packets whose headers are fetched ahead of the one that is parsed: their frames were written by a
/// network card or by the kernel, and lie in nobody's cache.
pub(crate) const AHEAD: usize = 16;
