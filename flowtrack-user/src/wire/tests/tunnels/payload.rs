//! What looks like a tunnel and is none, and what tunnels carry besides IP.

use super::{
    super::{
        frames::{GRE, IPV4, UDP, ethernet, ipv4, ipv4_with, udp},
        wrapped::{
            IP_IN_IP, ayiya, geneve, gre, gre_with, gtpu, gtpu_with, pptp, teredo, vxlan, wlan,
        },
    },
    all, bare, raw, v4,
};
use crate::wire::{Refusal, parse};

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
            "GRE with bits of RFC 1701",
            in_gre(gre_with(0x0800, &[], IPV4, &v4())),
        ),
        (
            "PPTP with unknown flags",
            in_gre(gre_with(
                0x2009,
                &[0; 4],
                0x880b,
                &[&[0, 0x21][..], &v4()].concat(),
            )),
        ),
        (
            "ERSPAN III with an unknown kind of frame",
            in_gre(gre_with(
                0x1000,
                &[0; 4],
                0x22eb,
                &[&[0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x04, 0], &framed[..]].concat(),
            )),
        ),
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
