//! Packets in packets: each kind of tunnel, what is remembered of it, and what is no tunnel.

use std::net::{IpAddr, Ipv4Addr};

use flowtrack_common::{Envelope, Frame, LinkType, Tunnel, TunnelId, TunnelKind, VlanStack};

use super::{
    frames::{GRE, IPV4, IPV6, UDP, VLAN, ethernet, frame, ipv4, ipv4_with, ipv6, udp},
    wrapped::{
        ETHERNET, IP_IN_IP, IPV6_IN_IP, ayiya, erspan_2, erspan_3, geneve, gre, gre_with, gtpu,
        gtpu_with, pptp, teredo, vxlan, wlan,
    },
};
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

/// Outer packet, the packet that is in it, and the tunnel.
struct Case {
    name: &'static str,
    outer: Vec<u8>,
    inner: Vec<u8>,
    kind: TunnelKind,
    id: u32,
}

fn case(name: &'static str, kind: TunnelKind, id: u32, outer: Vec<u8>, inner: Vec<u8>) -> Case {
    Case {
        name,
        outer,
        inner,
        kind,
        id,
    }
}

fn in_ip() -> Vec<Case> {
    use TunnelKind::IpInIp;
    vec![
        case("4in4", IpInIp, 0, ipv4(IP_IN_IP, &v4()), v4()),
        case("6in4", IpInIp, 0, ipv4(IPV6_IN_IP, &v6()), v6()),
        case("4in6", IpInIp, 0, ipv6(IP_IN_IP, &v4()), v4()),
        case("6in6", IpInIp, 0, ipv6(IPV6_IN_IP, &v6()), v6()),
    ]
}

fn in_gre() -> Vec<Case> {
    use TunnelKind::{Erspan, Gre};
    let in_gre = |payload: Vec<u8>| ipv4(GRE, &payload);
    let framed = ethernet(&[IPV4], &v4());
    let labelled = [&[0, 0x10, 1, 64][..], &v4()].concat();
    vec![
        case("IPv4 in GRE", Gre, 0, in_gre(gre(IPV4, &v4())), v4()),
        case("IPv6 in GRE", Gre, 0, in_gre(gre(IPV6, &v6())), v6()),
        case("GRE in IPv6", Gre, 0, ipv6(GRE, &gre(IPV4, &v4())), v4()),
        case("frame in GRE", Gre, 0, in_gre(gre(ETHERNET, &framed)), v4()),
        case("MPLS in GRE", Gre, 0, in_gre(gre(0x8847, &labelled)), v4()),
        case(
            "checksum",
            Gre,
            0,
            in_gre(gre_with(0x8000, &[0; 4], IPV4, &v4())),
            v4(),
        ),
        case(
            "key",
            Gre,
            0x0102_0304,
            in_gre(gre_with(0x2000, &[1, 2, 3, 4], IPV4, &v4())),
            v4(),
        ),
        case(
            "sequence",
            Gre,
            0,
            in_gre(gre_with(0x1000, &[9; 4], IPV4, &v4())),
            v4(),
        ),
        case(
            "checksum, key and sequence",
            Gre,
            5,
            in_gre(gre_with(
                0xb000,
                &[1, 1, 0, 0, 0, 0, 0, 5, 9, 9, 9, 9],
                IPV4,
                &v4(),
            )),
            v4(),
        ),
        case(
            "PPTP",
            Gre,
            77,
            in_gre(pptp(77, false, &[&[0xff, 3, 0, 0x21][..], &v4()].concat())),
            v4(),
        ),
        case(
            "PPTP with acknowledgment",
            Gre,
            77,
            in_gre(pptp(77, true, &[&[0, 0x57][..], &v6()].concat())),
            v6(),
        ),
        case(
            "WLAN",
            Gre,
            0,
            in_gre(gre(0x8200, &wlan(0x08, 0x01, &[], IPV4, &v4()))),
            v4(),
        ),
        case(
            "WLAN 0x9000",
            Gre,
            0,
            in_gre(gre(0x9000, &wlan(0x08, 0x01, &[], IPV6, &v6()))),
            v6(),
        ),
        case("ERSPAN I", Erspan, 0, in_gre(gre(0x88be, &framed)), v4()),
        case(
            "ERSPAN II",
            Erspan,
            0x3ff,
            in_gre(erspan_2(0x3ff, &framed)),
            v4(),
        ),
        case(
            "ERSPAN III",
            Erspan,
            17,
            in_gre(erspan_3(17, false, &framed)),
            v4(),
        ),
        case(
            "ERSPAN III with more",
            Erspan,
            17,
            in_gre(erspan_3(17, true, &framed)),
            v4(),
        ),
    ]
}

fn in_udp() -> Vec<Case> {
    use TunnelKind::{Ayiya, Geneve, Gtpu, Teredo, Vxlan};
    let framed = ethernet(&[IPV4], &v4());
    let to = |port: u16, payload: &[u8]| ipv4(UDP, &udp(50_000, port, payload));
    let from = |port: u16, payload: &[u8]| ipv4(UDP, &udp(port, 50_000, payload));
    // Extension headers of four and eight bytes.
    let extensions = [0, 0, 0, 0x85, 1, 0, 0, 0x40, 2, 0, 0, 0, 0, 0, 0, 0];
    vec![
        case(
            "VXLAN",
            Vxlan,
            0x00ab_cdef,
            to(4789, &vxlan(0x08, 0x00ab_cdef, &framed)),
            v4(),
        ),
        case(
            "VXLAN with other flags",
            Vxlan,
            1,
            to(4789, &vxlan(0x88, 1, &framed)),
            v4(),
        ),
        case(
            "VXLAN in IPv6",
            Vxlan,
            2,
            ipv6(UDP, &udp(1, 4789, &vxlan(8, 2, &framed))),
            v4(),
        ),
        case(
            "frame in Geneve",
            Geneve,
            3,
            to(6081, &geneve(3, 0, ETHERNET, &framed)),
            v4(),
        ),
        case(
            "IPv4 in Geneve",
            Geneve,
            3,
            to(6081, &geneve(3, 0, IPV4, &v4())),
            v4(),
        ),
        case(
            "IPv6 in Geneve",
            Geneve,
            3,
            to(6081, &geneve(3, 0, IPV6, &v6())),
            v6(),
        ),
        case(
            "Geneve with options",
            Geneve,
            4,
            to(6081, &geneve(4, 63, IPV6, &v6())),
            v6(),
        ),
        case(
            "GTP-U",
            Gtpu,
            0xfeed_beef,
            to(2152, &gtpu(0xfeed_beef, &v4())),
            v4(),
        ),
        case(
            "GTP-U from its port",
            Gtpu,
            6,
            from(2152, &gtpu(6, &v6())),
            v6(),
        ),
        case(
            "GTP-U with sequence number",
            Gtpu,
            6,
            to(2152, &gtpu_with(0x32, 6, &[0, 1, 0, 0], &v4())),
            v4(),
        ),
        case(
            "GTP-U with N-PDU number",
            Gtpu,
            6,
            to(2152, &gtpu_with(0x31, 6, &[0, 0, 1, 0x85], &v4())),
            v4(),
        ),
        case(
            "GTP-U with extensions",
            Gtpu,
            6,
            to(2152, &gtpu_with(0x34, 6, &extensions, &v4())),
            v4(),
        ),
        case("Teredo", Teredo, 0, to(3544, &teredo(&[], &v6())), v6()),
        case(
            "Teredo from its port",
            Teredo,
            0,
            from(3544, &teredo(&[], &v6())),
            v6(),
        ),
        case(
            "Teredo with origin",
            Teredo,
            0,
            to(3544, &teredo(&[0, 0, 1, 2, 3, 4, 5, 6], &v6())),
            v6(),
        ),
        case(
            "Teredo with authentication and origin",
            Teredo,
            0,
            to(
                3544,
                &teredo(&[&[0, 1, 2, 3][..], &[9; 9 + 5], &[0; 8]].concat(), &v6()),
            ),
            v6(),
        ),
        case("AYIYA", Ayiya, 0, to(5072, &ayiya(1, 41, &v6())), v6()),
        case(
            "AYIYA from its port",
            Ayiya,
            0,
            from(5072, &ayiya(1, 4, &v4())),
            v4(),
        ),
    ]
}

fn cases() -> impl Iterator<Item = Case> {
    [in_ip(), in_gre(), in_udp()].into_iter().flatten()
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

#[test]
fn what_has_no_sound_tunnel_header_is_payload() {
    let framed = ethernet(&[IPV4], &v4());
    let to = |port: u16, payload: &[u8]| ipv4(UDP, &udp(50_000, port, payload));
    let in_gre = |payload: Vec<u8>| ipv4(GRE, &payload);
    for (name, outer) in [
        ("VXLAN without flag I", to(4789, &vxlan(0, 1, &framed))),
        (
            "VXLAN from its port",
            ipv4(UDP, &udp(4789, 50_000, &vxlan(8, 1, &framed))),
        ),
        ("VXLAN on another port", to(4790, &vxlan(8, 1, &framed))),
        (
            "Geneve version 1",
            to(6081, &[&[0x40], &geneve(1, 0, IPV4, &v4())[1..]].concat()),
        ),
        (
            "Geneve options too long",
            to(6081, &[&[0x3f], &geneve(1, 0, IPV4, &v4())[1..]].concat()),
        ),
        (
            "GTP version 2",
            to(2152, &[&[0x50], &gtpu(1, &v4())[1..]].concat()),
        ),
        ("GTP'", to(2152, &[&[0x20], &gtpu(1, &v4())[1..]].concat())),
        (
            "GTP echo",
            to(2152, &[&[0x30, 1], &gtpu(1, &v4())[2..]].concat()),
        ),
        (
            "GTP extension of length 0",
            to(
                2152,
                &gtpu_with(0x34, 1, &[0, 0, 0, 0x85, 0, 0, 0, 0], &v4()),
            ),
        ),
        (
            "GTP extensions without end",
            to(2152, &gtpu_with(0x34, 1, &[1; 400], &v4())),
        ),
        ("Teredo without IPv6", to(3544, &teredo(&[], &v4()))),
        ("AYIYA heartbeat", to(5072, &ayiya(0, 59, &[]))),
        ("AYIYA with nothing", to(5072, &ayiya(1, 59, &[]))),
        (
            "GRE routing",
            in_gre(gre_with(0x4000, &[0; 4], IPV4, &v4())),
        ),
        ("GRE version 2", in_gre(gre_with(2, &[], IPV4, &v4()))),
        (
            "GRE version 1 without PPP",
            in_gre(gre_with(0x2001, &[0; 4], IPV4, &v4())),
        ),
        (
            "GRE without its key",
            in_gre(gre_with(0x2000, &[], IPV4, &[])),
        ),
        ("GRE of three bytes", in_gre(vec![0, 0, 8])),
    ] {
        let found = all(&outer);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(!found[0].unwrap().envelope.carries, "{name}");
    }
}

#[test]
fn a_tunnel_with_something_else_in_it_carries_no_packet() {
    let arp = ethernet(&[0x0806], &[0; 28]);
    let to = |port: u16, payload: &[u8]| ipv4(UDP, &udp(50_000, port, payload));
    let mut too_long = v4();
    too_long[3] += 1;
    for (name, outer, refusal) in [
        ("ARP in VXLAN", to(4789, &vxlan(8, 1, &arp)), Refusal::NotIp),
        ("ARP in GRE", ipv4(GRE, &gre(0x0806, &arp)), Refusal::NotIp),
        (
            "unknown in GRE",
            ipv4(GRE, &gre(0x6400, &[0; 9])),
            Refusal::NotIp,
        ),
        (
            "noise in GTP-U",
            to(2152, &gtpu(1, &[0; 30])),
            Refusal::IpVersion,
        ),
        ("nothing in 4in4", ipv4(IP_IN_IP, &[]), Refusal::IpTruncated),
        (
            "inner longer than outer",
            ipv4(IP_IN_IP, &too_long),
            Refusal::IpLength,
        ),
        (
            "LCP in PPTP",
            ipv4(GRE, &pptp(1, false, &[0xc0, 0x21, 1])),
            Refusal::NotIp,
        ),
    ] {
        let found = all(&outer);
        assert_eq!(found.len(), 2, "{name}: {found:?}");
        assert!(!found[0].unwrap().envelope.carries, "{name}");
        assert_eq!(found[1], Err(refusal), "{name}");
    }
}

#[test]
fn tunnels_in_tunnels_are_followed_to_a_bound() {
    let nested = |tunnels: usize| (0..tunnels).fold(v4(), |inner, _| ipv4(IP_IN_IP, &inner));
    for tunnels in 0..12 {
        let found = all(&nested(tunnels));
        assert_eq!(found.len(), tunnels.min(8) + 1);
        for (depth, packet) in (0..).zip(&found) {
            let envelope = packet.unwrap().envelope;
            assert_eq!(envelope.depth, depth);
            assert_eq!(envelope.carries, usize::from(depth) < tunnels.min(8));
        }
    }
}

#[test]
fn each_packet_knows_the_vlans_and_the_tunnel_right_around_it() {
    let vxlan_inner = ethernet(&[VLAN, VLAN, IPV4], &v4());
    let gtp = ipv4(UDP, &udp(1, 4789, &vxlan(8, 3, &vxlan_inner)));
    let outer = ipv6(UDP, &udp(2152, 2152, &gtpu(4, &gtp)));
    let bytes = ethernet(&[VLAN, IPV6], &outer);
    let found: Vec<_> = packets(&frame(&bytes)).map(Result::unwrap).collect();
    let [first, second, third] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(first.envelope.vlans, VlanStack([100, 0]));
    assert_eq!(first.envelope.tunnel, None);
    assert_eq!(second.envelope.vlans, VlanStack::default());
    let tunnel = |packet: &Packet| packet.envelope.tunnel.unwrap();
    assert_eq!(tunnel(second).id.kind, TunnelKind::Gtpu);
    assert_eq!(
        (tunnel(second).src, tunnel(second).dst),
        (first.src, first.dst)
    );
    assert_eq!(third.envelope.vlans, VlanStack([100, 100]));
    assert_eq!(
        tunnel(third).id,
        TunnelId {
            kind: TunnelKind::Vxlan,
            id: 3
        }
    );
    assert_eq!(tunnel(third).src, IpAddr::from(Ipv4Addr::new(10, 0, 0, 1)));
    assert_eq!(
        found
            .iter()
            .map(|packet| packet.envelope.depth)
            .collect::<Vec<_>>(),
        [0, 1, 2]
    );
}

#[test]
fn a_fragment_is_not_looked_into() {
    let tunnelled = udp(1, 4789, &vxlan(8, 3, &ethernet(&[IPV4], &v4())));
    let packet = ipv4_with(&[], 0x2000, UDP, &tunnelled);
    assert_eq!(all(&packet).len(), 1);
    let packet = ipv4_with(&[], 0x2000, IP_IN_IP, &v4());
    assert_eq!(all(&packet).len(), 1);
}

#[test]
fn padding_behind_a_udp_datagram_is_not_in_its_tunnel() {
    let inner = v4();
    let mut datagram = udp(1, 2152, &gtpu(1, &inner));
    // One byte less than the inner packet needs.
    datagram[5] -= 1;
    assert_eq!(all(&ipv4(UDP, &datagram))[1], Err(Refusal::IpLength));
}

#[test]
fn frames_of_a_wireless_network_are_looked_into_where_that_is_possible() {
    let inner = |kind, flags, fields: &[u8]| {
        let found = all(&ipv4(
            GRE,
            &gre(0x8200, &wlan(kind, flags, fields, IPV4, &v4())),
        ));
        found[1].map(bare)
    };
    let sound = parse(&raw(&v4()));
    for (name, kind, flags, fields, expected) in [
        ("data", 0x08, 0x01, &[][..], sound),
        ("data with quality of service", 0x88, 0x02, &[0, 0], sound),
        ("with high throughput control", 0x88, 0x81, &[0; 6], sound),
        ("four addresses", 0x08, 0x03, &[0; 6], sound),
        ("no data", 0x48, 0x01, &[], Err(Refusal::NotIp)),
        ("beacon", 0x80, 0x00, &[], Err(Refusal::NotIp)),
        ("encrypted", 0x08, 0x41, &[], Err(Refusal::NotIp)),
        ("aggregated", 0x88, 0x01, &[0x80, 0], Err(Refusal::NotIp)),
    ] {
        assert_eq!(inner(kind, flags, fields), expected, "{name}");
    }
}

#[test]
fn ethernet_is_found_in_a_pseudowire_with_and_without_control_word() {
    let inner = ethernet(&[VLAN, IPV4], &v4());
    // Addresses as they are most often, and with a first half byte that is not 0.
    for first in [0x00, 0x02, 0x98, 0xa4, 0xf0] {
        let mut inner = inner.clone();
        inner[0] = first;
        for control_word in [&[][..], &[0, 0, 0, 0], &[0, 0, 0x12, 0x34]] {
            let labels = [0, 0x10, 0, 64, 0, 0x20, 1, 64];
            let bytes = ethernet(&[0x8847], &[&labels[..], control_word, &inner].concat());
            let found = parse(&frame(&bytes)).map(bare);
            assert_eq!(found, parse(&raw(&v4())), "{first:#x} {control_word:?}");
        }
    }
    let noise = ethernet(&[0x8847], &[&[0, 0x10, 1, 64][..], &[0x10; 60]].concat());
    assert_eq!(parse(&frame(&noise)), Err(Refusal::NotIp));
}
