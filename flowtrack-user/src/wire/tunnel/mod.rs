//! Tunnels: packets in packets.
//!
//! A tunnel is one by the protocol number of its outer packet or by a UDP port, and by a header that
//! is sound. What has no such header is payload like any other: nothing is in it.

mod ayiya;
mod geneve;
mod gre;
mod gtpu;
mod teredo;
mod vxlan;

use flowtrack_common::{L4Proto, Tunnel, TunnelId, TunnelKind};

use super::{
    Layer, Packet, Ports, Transport,
    link::{Protocol, ethertype},
    packets::Inside,
    transport::udp,
};

/// Tunnels in tunnels that are looked into.
pub(super) const MAX_DEPTH: u8 = 8;

/// Protocol numbers of tunnels (IANA).
const IPV4: u8 = 4;
const IPV6: u8 = 41;
const GRE: u8 = 47;

/// UDP ports of tunnels (IANA), from the smallest to the largest.
const GTPU: u16 = 2152;
const TEREDO: u16 = 3544;
const VXLAN: u16 = 4789;
const AYIYA: u16 = 5072;
const GENEVE: u16 = 6081;

/// What a tunnel header says.
struct Payload<'a> {
    kind: TunnelKind,
    /// Identifier of the tunnel, or 0.
    id: u32,
    /// What follows the header.
    protocol: Protocol,
    layer: Layer<'a>,
}

/// What is behind a tunnel header, if that is sound.
type Parser = fn(Layer<'_>) -> Option<Payload<'_>>;

/// Whether packets of this protocol are nothing but the outside of a tunnel.
pub fn is_tunnel(l4: L4Proto) -> bool {
    matches!(l4, L4Proto::Other(IPV4 | IPV6 | GRE))
}

/// Where the packet is that `packet` carries in `payload`, if it is the outside of a tunnel.
#[inline]
pub(super) fn inside<'a>(packet: &Packet, payload: Layer<'a>) -> Option<Inside<'a>> {
    let tunnelled = match (packet.l4, packet.transport) {
        (L4Proto::Udp, Transport::Datagram { ports, payload_len }) => {
            in_udp(ports, payload_len, payload)
        }
        (L4Proto::Other(number), _) => in_ip(number, payload),
        _ => None,
    }?;
    (packet.envelope.depth < MAX_DEPTH).then_some(Inside {
        protocol: tunnelled.protocol,
        layer: tunnelled.layer,
        tunnel: Some(Tunnel {
            id: TunnelId {
                kind: tunnelled.kind,
                id: tunnelled.id,
            },
            src: packet.src,
            dst: packet.dst,
        }),
        depth: packet.envelope.depth + 1,
    })
}

/// Tunnels with a protocol number.
fn in_ip(number: u8, layer: Layer<'_>) -> Option<Payload<'_>> {
    let ip_in_ip = |ethertype| {
        Some(Payload {
            kind: TunnelKind::IpInIp,
            id: 0,
            protocol: Protocol::EtherType(ethertype),
            layer,
        })
    };
    match number {
        IPV4 => ip_in_ip(ethertype::IPV4),
        IPV6 => ip_in_ip(ethertype::IPV6),
        GRE => gre::parse(layer),
        _ => None,
    }
}

/// Tunnels with a UDP port.
fn in_udp(ports: Ports, payload_len: u32, layer: Layer<'_>) -> Option<Payload<'_>> {
    let parse = udp_parser(ports)?;
    let payload = layer.after(udp::HEADER_LEN)?;
    parse(payload.limited(payload_len as usize))
}

/// Whether UDP datagrams with these ports are the outside of a tunnel, if the header is sound.
#[expect(clippy::inline_always, reason = "see `straight`")]
#[inline(always)]
pub(super) fn has_udp_port(ports: Ports) -> bool {
    // Most have no port that is near one of a tunnel.
    let is_near = |port| (GTPU..=GENEVE).contains(&port);
    (is_near(ports.src) || is_near(ports.dst)) && udp_parser(ports).is_some()
}

/// Where an answer comes from the port that the question went to, either end tells; elsewhere only
/// the destination, since the source port is any.
#[inline(never)]
fn udp_parser(ports: Ports) -> Option<Parser> {
    Some(match ports {
        Ports { dst: VXLAN, .. } => vxlan::parse,
        Ports { dst: GENEVE, .. } => geneve::parse,
        Ports { dst: GTPU, .. } | Ports { src: GTPU, .. } => gtpu::parse,
        Ports { dst: TEREDO, .. } | Ports { src: TEREDO, .. } => teredo::parse,
        Ports { dst: AYIYA, .. } | Ports { src: AYIYA, .. } => ayiya::parse,
        _ => return None,
    })
}
