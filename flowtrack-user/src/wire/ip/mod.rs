//! IP packets of both versions: what is common to them, and what they carry.

mod extension;
mod ipv4;
mod ipv6;
pub(super) mod pseudo;
mod quoted;

use std::net::IpAddr;

use flowtrack_common::{Envelope, L4Proto};

pub(super) use self::{ipv4::plain as plain_v4, ipv6::plain as plain_v6};
use super::{
    Fragment, Layer, Packet, Refusal, Transport, checksum,
    packets::Parsed,
    transport::{self, Body},
    tunnel,
};

/// Which IP it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V4,
    V6,
}

/// The headers up to the transport header.
pub(super) struct Header<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) l4: L4Proto,
    pub(super) ttl: u8,
    pub(super) ip_len: u32,
    pub(super) fragment: Option<Fragment>,
    /// It is a fragment without a transport header.
    pub(super) headless: bool,
    /// What is behind the headers, without padding.
    pub(super) payload: Layer<'a>,
}

/// The packet at the start of `layer`, in `envelope`.
#[inline]
pub(super) fn parse(
    version: Version,
    layer: Layer<'_>,
    envelope: Envelope,
    verify: bool,
) -> Result<Parsed<'_>, Refusal> {
    let header = headers(version, layer)?;
    let wrong = if verify {
        checksum::verify(layer, &header)?
    } else {
        None
    };
    let body = body(&header)?;
    let packet = packet(&header, &body, envelope);
    let fault = body.fault.or(wrong);
    let inside = if header.fragment.is_none() && fault.is_none() {
        tunnel::inside(&packet, header.payload)
    } else {
        None
    };
    Ok(Parsed {
        packet,
        fault,
        inside,
    })
}

/// What the headers say together.
#[inline]
fn packet(header: &Header<'_>, body: &Body<'_>, envelope: Envelope) -> Packet {
    Packet {
        src: header.src,
        dst: header.dst,
        l4: header.l4,
        ip_len: header.ip_len,
        ttl: header.ttl,
        transport: body.transport,
        truncated: !header.payload.is_whole(),
        envelope,
        fragment: header.fragment,
        quoted: body.error.and_then(quoted::parse),
    }
}

/// The headers up to the transport header.
#[inline]
fn headers(version: Version, layer: Layer<'_>) -> Result<Header<'_>, Refusal> {
    match version {
        Version::V4 => ipv4::parse(layer),
        Version::V6 => ipv6::parse(layer),
    }
}

/// Whether the packet at the start of `layer` has headers and a length that can be right.
pub(super) fn is_likely(version: Version, layer: Layer<'_>) -> bool {
    headers(version, layer).is_ok()
}

/// The transport header, where there is one.
#[inline]
fn body<'a>(header: &Header<'a>) -> Result<Body<'a>, Refusal> {
    let payload = header.payload;
    let headless = || {
        Body::new(Transport::Fragment {
            payload_len: payload.len(),
        })
    };
    if header.headless {
        return Ok(headless());
    }
    match transport::parse(header.l4, payload) {
        // The transport header goes on in the next fragment.
        Err(_) if header.fragment.is_some() && payload.is_whole() => Ok(headless()),
        Ok(body) if header.fragment.is_some() && body.fault.is_some() => Ok(headless()),
        body => body,
    }
}
