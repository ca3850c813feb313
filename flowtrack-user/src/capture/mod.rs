//! Where frames come from.

pub mod pcap;
