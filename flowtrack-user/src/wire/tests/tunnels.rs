//! Packets in packets: each kind of tunnel, what is remembered of it, and what is no tunnel.

pub(super) mod kinds;
mod nesting;
mod payload;

use flowtrack_common::{Envelope, Frame, LinkType, Tunnel, TunnelId, VlanStack};

use self::kinds::cases;
use super::frames::{UDP, frame, ipv4, ipv6, udp};
use crate::wire::{Packet, Refusal, packets, parse};

/// The packets of an IP packet.
fn all(bytes: &[u8]) -> Vec<Result<Packet, Refusal>> {
    packets(&raw(bytes)).collect()
}

fn raw(bytes: &[u8]) -> Frame<'_> {
    Frame {
        link: LinkType::RAW,
        ..frame(bytes)
    }
}

/// The packet as it would be without what is around it.
fn bare(packet: Packet) -> Packet {
    Packet {
        envelope: Envelope::default(),
        ..packet
    }
}

fn v4() -> Vec<u8> {
    ipv4(UDP, &udp(7, 8, &[1, 2, 3]))
}

fn v6() -> Vec<u8> {
    ipv6(UDP, &udp(9, 10, &[4; 5]))
}

#[test]
fn what_a_tunnel_carries_is_a_packet_as_it_would_be_alone() {
    for case in cases() {
        let found = all(&case.outer);
        assert_eq!(found.len(), 2, "{}: {found:?}", case.name);
        let inner = found[1].unwrap();
        assert_eq!(Ok(bare(inner)), parse(&raw(&case.inner)), "{}", case.name);
    }
}

#[test]
fn where_tunnels_are_not_looked_into_there_is_one_packet_that_carries_nothing() {
    for case in cases() {
        let frame = raw(&case.outer);
        let found: Vec<_> = packets(&frame).with_tunnels(false).collect();
        let whole = all(&case.outer)[0].unwrap();
        assert!(whole.envelope.carries, "{}", case.name);
        assert_eq!(found, [Ok(bare(whole))], "{}", case.name);
    }
}

#[test]
fn a_packet_in_a_tunnel_knows_the_tunnel() {
    for case in cases() {
        let found = all(&case.outer);
        let (outer, inner) = (found[0].unwrap(), found[1].unwrap());
        let tunnel = Tunnel {
            id: TunnelId {
                kind: case.kind,
                id: case.id,
            },
            src: outer.src,
            dst: outer.dst,
        };
        let expected = Envelope {
            vlans: VlanStack::default(),
            tunnel: Some(tunnel),
            depth: 1,
            carries: false,
        };
        assert_eq!(inner.envelope, expected, "{}", case.name);
        let carries = Envelope {
            carries: true,
            ..Envelope::default()
        };
        assert_eq!(outer.envelope, carries, "{}", case.name);
    }
}

#[test]
fn a_tunnel_that_was_cut_is_a_packet_like_any_other() {
    for case in cases() {
        let whole = parse(&raw(&case.outer)).unwrap();
        let outer_headers = case.outer.len() - case.inner.len();
        for len in 0..outer_headers + 20 {
            let found: Vec<_> = packets(&Frame {
                bytes: &case.outer[..len],
                ..raw(&case.outer)
            })
            .collect();
            // Whatever is missing, the outer packet is whole or refused.
            if let Ok(outer) = found[0] {
                let expected = Packet {
                    envelope: Envelope::default(),
                    truncated: true,
                    ..whole
                };
                assert_eq!(outer, expected, "{} {len}", case.name);
            }
            assert!(
                !found.get(1).is_some_and(Result::is_ok),
                "{} {len}",
                case.name
            );
        }
    }
}
