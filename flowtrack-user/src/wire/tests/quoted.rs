//! What ICMP errors quote.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use flowtrack_common::{Frame, L4Proto, LinkType};

use super::frames::{
    DESTINATION, FRAGMENT, GRE, HOP_BY_HOP, ICMP, ICMPV6, SCTP, TCP, UDP, extension, fragment,
    frame, icmp, ipv4, ipv4_with, ipv6, sctp, tcp, udp,
};
use crate::wire::{IcmpMessage, Ports, Quoted, parse};

const PORTS: Ports = Ports {
    src: 4711,
    dst: 443,
};
const ERRORS_V4: [u8; 5] = [3, 4, 5, 11, 12];
const ERRORS_V6: [u8; 4] = [1, 2, 3, 4];

/// What an error of type `kind` quotes, that has `quotation` behind its header.
fn quoted_by(protocol: u8, kind: u8, quotation: &[u8]) -> Option<Quoted> {
    let message = icmp(kind, 0, quotation);
    let bytes = if protocol == ICMP {
        ipv4(ICMP, &message)
    } else {
        ipv6(ICMPV6, &message)
    };
    let raw = Frame {
        link: LinkType::RAW,
        ..frame(&bytes)
    };
    parse(&raw).unwrap().quoted
}

fn v4(l4: L4Proto, ports: Ports) -> Quoted {
    Quoted {
        src: Ipv4Addr::new(10, 0, 0, 1).into(),
        dst: Ipv4Addr::new(10, 0, 0, 2).into(),
        l4,
        ports,
        message: None,
    }
}

fn v6(l4: L4Proto, ports: Ports) -> Quoted {
    let end = |last| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last));
    Quoted {
        src: end(1),
        dst: end(2),
        ..v4(l4, ports)
    }
}

#[test]
fn errors_quote_a_packet_and_other_messages_do_not() {
    let quotation = ipv4(UDP, &udp(4711, 443, &[]));
    let expected = Some(v4(L4Proto::Udp, PORTS));
    for kind in 0..=u8::MAX {
        let is_error = ERRORS_V4.contains(&kind);
        let found = quoted_by(ICMP, kind, &quotation);
        assert_eq!(found, expected.filter(|_| is_error), "{kind}");
        let is_error = ERRORS_V6.contains(&kind);
        let found = quoted_by(ICMPV6, kind, &quotation);
        assert_eq!(found, expected.filter(|_| is_error), "ICMPv6 {kind}");
    }
}

#[test]
fn eight_bytes_of_the_quoted_payload_are_enough() {
    for (l4, payload) in [
        (TCP, tcp(4711, 443, 2, &[0; 9])),
        (UDP, udp(4711, 443, &[0; 99])),
        (SCTP, sctp(4711, 443, &[0; 9])),
    ] {
        let number = L4Proto::from_number(l4);
        let quotation = ipv4_with(&[0; 8], 0, l4, &payload);
        let found = quoted_by(ICMP, 3, &quotation[..28 + 8]);
        assert_eq!(found, Some(v4(number, PORTS)));
        assert_eq!(quoted_by(ICMP, 3, &quotation[..28 + 3]), None);
        let quotation = ipv6(l4, &payload);
        let found = quoted_by(ICMPV6, 1, &quotation[..40 + 8]);
        assert_eq!(found, Some(v6(number, PORTS)));
        assert_eq!(quoted_by(ICMPV6, 1, &quotation[..40 + 3]), None);
    }
}

#[test]
fn a_quoted_query_has_its_identifier() {
    for (protocol, l4, kind, answer) in [
        (ICMP, L4Proto::Icmp, 8, 0),
        (ICMPV6, L4Proto::IcmpV6, 128, 129),
    ] {
        let quotation = ipv4(protocol, &icmp(kind, 0x1122, &[0; 40]));
        let message = Some(IcmpMessage {
            kind,
            code: 0,
            counterpart: Some(answer),
            id: 0x1122,
        });
        let expected = Quoted {
            message,
            ..v4(l4, Ports::default())
        };
        assert_eq!(quoted_by(ICMP, 11, &quotation[..28]), Some(expected));
        assert_eq!(quoted_by(ICMP, 11, &quotation[..27]), None);
    }
}

#[test]
fn other_protocols_are_quoted_without_ports() {
    let found = quoted_by(ICMP, 3, &ipv4(GRE, &[0; 8]));
    assert_eq!(found, Some(v4(L4Proto::Other(GRE), Ports::default())));
}

#[test]
fn extension_headers_are_walked_in_a_quotation() {
    let inner = extension(UDP, 8, &udp(4711, 443, &[]));
    let quotation = ipv6(HOP_BY_HOP, &extension(DESTINATION, 16, &inner));
    let found = quoted_by(ICMPV6, 3, &quotation);
    assert_eq!(found, Some(v6(L4Proto::Udp, PORTS)));
}

#[test]
fn a_quoted_fragment_has_ports_if_it_is_the_first() {
    let datagram = udp(4711, 443, &[]);
    let first = ipv4_with(&[], 0x2000, UDP, &datagram);
    assert_eq!(quoted_by(ICMP, 11, &first), Some(v4(L4Proto::Udp, PORTS)));
    let later = ipv4_with(&[], 0x2001, UDP, &datagram);
    assert_eq!(quoted_by(ICMP, 11, &later), None);
    let first = ipv6(FRAGMENT, &fragment(UDP, 0, true, &datagram));
    assert_eq!(quoted_by(ICMPV6, 3, &first), Some(v6(L4Proto::Udp, PORTS)));
    let later = ipv6(FRAGMENT, &fragment(UDP, 1, true, &datagram));
    assert_eq!(quoted_by(ICMPV6, 3, &later), None);
}

#[test]
fn what_is_no_packet_is_not_quoted() {
    let mut header_too_short = ipv4(UDP, &udp(1, 2, &[]));
    header_too_short[0] = 0x44;
    for quotation in [&[][..], &[0x45], &[0x60; 30], &[0; 60], &header_too_short] {
        assert_eq!(quoted_by(ICMP, 3, quotation), None, "{quotation:02x?}");
    }
}
