//! Transport headers.

pub(super) mod icmp;
mod sctp;
mod tcp;
pub(super) mod udp;

use flowtrack_common::L4Proto;

pub(super) use self::{
    icmp::plain as plain_icmp, tcp::plain as plain_tcp, udp::plain as plain_udp,
};
use super::{Layer, Refusal, Transport};

/// What is behind the IP header.
pub(super) struct Body<'a> {
    pub(super) transport: Transport,
    /// What is wrong with it though its flow is known.
    pub(super) fault: Option<Refusal>,
    /// What an ICMP error quotes.
    pub(super) error: Option<Layer<'a>>,
}

impl Body<'_> {
    /// A sound one.
    pub(super) const fn new(transport: Transport) -> Self {
        Self {
            transport,
            fault: None,
            error: None,
        }
    }
}

/// The transport header of an IP packet, or of its first fragment.
#[inline]
pub(super) fn parse(l4: L4Proto, layer: Layer<'_>) -> Result<Body<'_>, Refusal> {
    match l4 {
        L4Proto::Tcp => tcp::parse(layer),
        L4Proto::Udp => udp::parse(layer).map(Body::new),
        L4Proto::Icmp | L4Proto::IcmpV6 => icmp::parse(l4, layer),
        L4Proto::Sctp => sctp::parse(layer).map(Body::new),
        L4Proto::Other(_) => Ok(Body::new(Transport::Other {
            payload_len: layer.len(),
        })),
    }
}
