//! Which frames are plain, and that those are no different for it.

use flowtrack_common::{Frame, LinkType};

use super::frames::{
    FRAGMENT, ICMP, ICMPV6, IPV4, IPV6, OLD_QINQ, SCTP, SERVICE_VLAN, TCP, UDP, VLAN, ethernet,
    fragment, frame, icmp, ipv4, ipv4_with, ipv6, sctp, tcp, udp,
};
use crate::wire::{packets, straight::packet as plain};

/// A segment, a datagram and an echo of both versions.
fn transports() -> [(u8, Vec<u8>); 4] {
    [
        (ICMP, icmp(8, 1, b"payload")),
        (ICMPV6, icmp(128, 1, b"payload")),
        (TCP, tcp(4711, 443, 0x18, b"payload")),
        (UDP, udp(4711, 443, b"payload")),
    ]
}

#[test]
fn tcp_udp_and_icmp_in_plain_headers_are_plain() {
    for (l4, transport) in transports() {
        for packet in [
            ethernet(&[IPV4], &ipv4(l4, &transport)),
            ethernet(&[IPV6], &ipv6(l4, &transport)),
            ethernet(&[VLAN, IPV4], &ipv4(l4, &transport)),
            ethernet(&[VLAN, IPV6], &ipv6(l4, &transport)),
            // With padding
            [ethernet(&[IPV4], &ipv4(l4, &transport)), vec![0; 9]].concat(),
        ] {
            let found: Vec<_> = packets(&frame(&packet)).collect();
            let plain = plain(&frame(&packet)).expect("it is plain");
            assert_eq!(found, [Ok(plain)]);
        }
    }
}

#[test]
fn a_plain_frame_may_be_cut_behind_its_headers() {
    let bytes = ethernet(&[IPV4], &ipv4(TCP, &tcp(4711, 443, 0x18, &[0; 100])));
    let cut = |len| Frame {
        bytes: &bytes[..len],
        ..frame(&bytes)
    };
    assert!(plain(&cut(54)).is_some_and(|packet| packet.truncated));
    assert_eq!(plain(&cut(53)), None);
}

#[test]
fn what_takes_a_closer_look_is_not_plain() {
    let tcp_packet = ipv4(TCP, &tcp(4711, 443, 0x18, b""));
    let mut short = tcp(4711, 443, 0x18, b"");
    short[12] = 0x40;
    let mut other_version = ipv6(UDP, &udp(1, 2, b""));
    other_version[0] = 0x50;
    for bytes in [
        ethernet(&[VLAN, VLAN, IPV4], &tcp_packet),
        ethernet(&[SERVICE_VLAN, VLAN, IPV4], &tcp_packet),
        ethernet(&[OLD_QINQ, IPV4], &tcp_packet),
        ethernet(&[IPV6], &tcp_packet),
        ethernet(&[IPV4], &ipv4(TCP, &short)),
        // A message that quotes a packet, and one without the whole header
        ethernet(&[IPV4], &ipv4(ICMP, &icmp(3, 1, b""))),
        ethernet(&[IPV6], &ipv6(ICMPV6, &icmp(1, 1, b""))),
        ethernet(&[IPV4], &ipv4(ICMP, &icmp(8, 1, b"")[..7])),
        ethernet(&[IPV4], &ipv4(SCTP, &sctp(1, 2, &[0; 16]))),
        ethernet(&[IPV4], &ipv4_with(&[], 0x2000, UDP, &udp(1, 2, b""))),
        ethernet(
            &[IPV6],
            &ipv6(FRAGMENT, &fragment(UDP, 0, true, &udp(1, 2, b""))),
        ),
        ethernet(&[IPV4], &ipv4_with(&[1; 8], 0, TCP, &tcp(1, 2, 0x18, b""))),
        ethernet(&[IPV6], &other_version),
        // Longer than the frame
        ethernet(&[IPV4], &ipv4(UDP, &udp(1, 2, b"abc"))[..28]),
        ethernet(&[IPV6], &ipv6(UDP, &udp(1, 2, b"abc"))[..48]),
        // The ports of tunnels, whatever is behind them: VXLAN, Geneve, GTP-U, Teredo, AYIYA
        ethernet(&[IPV4], &ipv4(UDP, &udp(1, 4789, b""))),
        ethernet(&[IPV4], &ipv4(UDP, &udp(1, 6081, b""))),
        ethernet(&[IPV6], &ipv6(UDP, &udp(2152, 1, b""))),
        ethernet(&[IPV4], &ipv4(UDP, &udp(3544, 1, b""))),
        ethernet(&[IPV4], &ipv4(UDP, &udp(1, 5072, b""))),
    ] {
        assert_eq!(plain(&frame(&bytes)), None, "{bytes:02x?}");
    }
    let raw = Frame {
        link: LinkType::RAW,
        ..frame(&tcp_packet)
    };
    assert_eq!(plain(&raw), None);
}
