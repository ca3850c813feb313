//! Live capture of headers: an XDP program copies them into a ring of each CPU and lets the packets go
//! on.
#![forbid(unsafe_code)]

mod record;
mod ring;

pub use self::ring::{Burst, HeaderMap, HeaderRing, RingConfig};
