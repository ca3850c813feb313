//! A sound tunnel of each kind.

use flowtrack_common::TunnelKind;

use super::{
    super::{
        frames::{GRE, IPV4, IPV6, UDP, ethernet, ipv4, ipv6, udp},
        wrapped::{
            ETHERNET, IP_IN_IP, IPV6_IN_IP, ayiya, erspan_2, erspan_3, geneve, gre, gre_with, gtpu,
            gtpu_with, pptp, teredo, vxlan, wlan,
        },
    },
    v4, v6,
};

/// Outer packet, the packet that is in it, and the tunnel.
pub(in super::super) struct Case {
    pub(in super::super) name: &'static str,
    pub(in super::super) outer: Vec<u8>,
    pub(in super::super) inner: Vec<u8>,
    pub(in super::super) kind: TunnelKind,
    pub(in super::super) id: u32,
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
    use TunnelKind::Gre;
    let in_gre = |payload: Vec<u8>| ipv4(GRE, &payload);
    let framed = ethernet(&[IPV4], &v4());
    let labelled = [&[0, 0x10, 1, 64][..], &v4()].concat();
    vec![
        case("IPv4 in GRE", Gre, 0, in_gre(gre(IPV4, &v4())), v4()),
        case("IPv6 in GRE", Gre, 0, in_gre(gre(IPV6, &v6())), v6()),
        case("GRE in IPv6", Gre, 0, ipv6(GRE, &gre(IPV4, &v4())), v4()),
        case("frame in GRE", Gre, 0, in_gre(gre(ETHERNET, &framed)), v4()),
        case(
            "PPP in GRE",
            Gre,
            0,
            in_gre(gre(0x880b, &[&[0, 0x21][..], &v4()].concat())),
            v4(),
        ),
        case("MPLS in GRE", Gre, 0, in_gre(gre(0x8847, &labelled)), v4()),
        case(
            "flags without a meaning",
            Gre,
            0,
            in_gre(gre_with(0x03f8, &[], IPV4, &v4())),
            v4(),
        ),
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
    ]
}

fn mirrored() -> Vec<Case> {
    use TunnelKind::Erspan;
    let in_gre = |payload: Vec<u8>| ipv4(GRE, &payload);
    let framed = ethernet(&[IPV4], &v4());
    let of_kind = |kind: u8, payload: &[u8]| {
        let mut mirrored = erspan_3(17, false, payload);
        // Behind the eight bytes of GRE.
        mirrored[8 + 10] = kind << 2;
        in_gre(mirrored)
    };
    vec![
        case("ERSPAN III with IPv4", Erspan, 17, of_kind(2, &v4()), v4()),
        case("ERSPAN III with IPv6", Erspan, 17, of_kind(2, &v6()), v6()),
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

fn overlays() -> Vec<Case> {
    use TunnelKind::{Geneve, Vxlan};
    let framed = ethernet(&[IPV4], &v4());
    let to = |port: u16, payload: &[u8]| ipv4(UDP, &udp(50_000, port, payload));
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
    ]
}

fn access() -> Vec<Case> {
    use TunnelKind::{Ayiya, Gtpu, Teredo};
    let to = |port: u16, payload: &[u8]| ipv4(UDP, &udp(50_000, port, payload));
    let from = |port: u16, payload: &[u8]| ipv4(UDP, &udp(port, 50_000, payload));
    // Extension headers of four and eight bytes.
    let extensions = [0, 0, 0, 0x85, 1, 0, 0, 0x40, 2, 0, 0, 0, 0, 0, 0, 0];
    vec![
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
            "GTP-U with room for extensions and none",
            Gtpu,
            6,
            to(2152, &gtpu_with(0x34, 6, &[0, 0, 0, 0], &v4())),
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

/// All kinds.
pub(in super::super) fn cases() -> impl Iterator<Item = Case> {
    [in_ip(), in_gre(), mirrored(), overlays(), access()]
        .into_iter()
        .flatten()
}
