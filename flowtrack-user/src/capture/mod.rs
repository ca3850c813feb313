//! Where frames come from.

pub mod pcap;
pub mod xdp;
