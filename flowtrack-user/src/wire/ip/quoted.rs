//! The packet that an ICMP error quotes: its IP header and at least eight bytes more (RFC 792,
//! RFC 4443). It is parsed without regard to its length fields, since it was cut.

use std::net::IpAddr;

use flowtrack_common::L4Proto;

use super::{Layer, extension, ipv4, ipv6};
use crate::wire::{Ports, Quoted, transport::icmp};

/// Fragment offset, in units of eight bytes.
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// The packet at the start of `layer`; `None` if the quotation ends before its ports, or if it is of a
/// fragment that has none.
pub(super) fn parse(layer: Layer<'_>) -> Option<Quoted> {
    match layer.bytes.first()? >> 4 {
        4 => parse_v4(layer),
        6 => parse_v6(layer),
        _ => None,
    }
}

fn parse_v4(layer: Layer<'_>) -> Option<Quoted> {
    let header: &[u8; ipv4::HEADER_LEN] = layer.header()?;
    let payload = layer.after(ipv4::header_len(header).ok()?)?;
    if u16::from_be_bytes([header[6], header[7]]) & FRAGMENT_OFFSET != 0 {
        return None;
    }
    let addresses = ipv4::addresses(header).map(IpAddr::from);
    quoted(addresses, L4Proto::from_number(header[9]), payload)
}

fn parse_v6(layer: Layer<'_>) -> Option<Quoted> {
    let (header, payload) = layer.split::<{ ipv6::HEADER_LEN }>()?;
    let chain = extension::walk(header[6], payload).ok()?;
    if chain.headless {
        return None;
    }
    let addresses = ipv6::addresses(header)?.map(IpAddr::from);
    quoted(addresses, chain.l4, chain.payload)
}

fn quoted([src, dst]: [IpAddr; 2], l4: L4Proto, payload: Layer<'_>) -> Option<Quoted> {
    let (ports, message) = match l4 {
        L4Proto::Tcp | L4Proto::Udp | L4Proto::Sctp => (Ports::new(*payload.header()?), None),
        L4Proto::Icmp | L4Proto::IcmpV6 => (
            Ports::default(),
            Some(icmp::message(l4, *payload.header()?)),
        ),
        L4Proto::Other(_) => (Ports::default(), None),
    };
    Some(Quoted {
        src,
        dst,
        l4,
        ports,
        message,
    })
}
