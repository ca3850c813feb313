//! Live capture of headers: an XDP program copies them into a ring of each CPU and lets the packets go
//! on.
#![forbid(unsafe_code)]

mod record;
mod ring;

/// Bytes of a packet that are copied if nothing else is said. The longest headers that are common: Ethernet
/// with two tags, IPv6, UDP, VXLAN, Ethernet with a tag, IPv6 with an extension, TCP with all its options.
pub const DEFAULT_SNAP: u32 = 256;

pub use self::ring::{Burst, HeaderMap, HeaderRing, RingConfig};
