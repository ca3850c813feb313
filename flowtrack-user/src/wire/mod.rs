//! From the bytes of a frame to its headers.
//!
//! Each protocol has a file. A parser looks at the lengths once and answers with plain values or
//! with the [`Refusal`] that says why the packet cannot be attributed; there is one counter for each
//! reason. Nothing in here can panic, whatever the bytes are.
//!
//! A frame holds one packet, and if that is the outside of a tunnel another one, and so on:
//! [`packets()`] goes through them from the outside in.
//!
//! Lengths come from the headers, not from what was captured, so a capture that was cut by a snap
//! length still counts what was on the wire.
#![forbid(unsafe_code)]

mod checksum;
mod ip;
mod layer;
mod link;
mod packet;
mod packets;
mod refusal;
mod straight;
mod transport;
mod tunnel;

use flowtrack_common::{Frame, LinkType};

use self::layer::Layer;
pub(crate) use self::straight::{Address, Plain, Reader, straight};
pub use self::{
    packet::{Fragment, Packet, Ports, Quoted, Transport},
    packets::{MAX_PACKETS, Packets, packets, parse},
    refusal::{Refusal, RefusalCounts},
    transport::icmp::Message as IcmpMessage,
    tunnel::is_tunnel,
};

/// Source and destination address of an Ethernet frame; `None` for other link layers.
pub fn macs(frame: &Frame<'_>) -> Option<([u8; 6], [u8; 6])> {
    match frame.link {
        LinkType::ETHERNET => link::addresses(Layer::of(frame)),
        _ => None,
    }
}

/// Where the outermost IP packet of a frame starts, if there is one.
pub(crate) fn ip_offset(frame: &Frame<'_>) -> Option<usize> {
    let found = link::follow(link::Protocol::of(frame.link), Layer::of(frame)).ok()?;
    Some(found.layer.offset)
}

/// The packet in a frame of a firewall's log, from its IP header on.
pub(crate) fn logged_packet<'a>(frame: &Frame<'a>) -> Option<&'a [u8]> {
    link::logged(Layer::of(frame)).map(|layer| layer.bytes)
}

#[cfg(test)]
pub(crate) mod tests;
