//! IP fragments: where they belong, and which of them have a transport header.

use flowtrack_common::{Frame, L4Proto, LinkType};

use super::frames::{
    DESTINATION, FRAGMENT, HOP_BY_HOP, ICMP, ROUTING, SCTP, TCP, UDP, extension, fragment, frame,
    icmp, ipv4, ipv4_with, ipv6, sctp, tcp, udp,
};
use crate::wire::{Fragment, Packet, Ports, Refusal, Transport, parse};

const MORE: u16 = 0x2000;
const DONT: u16 = 0x4000;
/// Identifications of the fragments that the frames of tests are.
const ID_V4: u32 = 0x1234;
const ID_V6: u32 = 7;

fn raw(bytes: &[u8]) -> Frame<'_> {
    Frame {
        link: LinkType::RAW,
        ..frame(bytes)
    }
}

fn ip(bytes: &[u8]) -> Result<Packet, Refusal> {
    parse(&raw(bytes))
}

#[test]
fn every_ipv4_fragment_says_where_it_belongs() {
    let datagram = udp(1, 2, &[0; 24]);
    for (options, field, offset, more) in [
        (0, MORE, 0, true),
        (0, MORE | DONT, 0, true),
        (40, MORE | 1, 8, true),
        (4, 1, 8, false),
        (0, 0x1fff, 65_528, false),
    ] {
        let packet = ip(&ipv4_with(&vec![0; options], field, UDP, &datagram)).unwrap();
        let expected = Fragment {
            id: ID_V4,
            offset,
            len: 32,
            more,
            header_at: 0,
            header_len: 20 + u32::try_from(options).unwrap(),
        };
        assert_eq!(packet.fragment, Some(expected), "{field:#x}");
    }
}

#[test]
fn every_ipv6_fragment_says_where_it_belongs() {
    let datagram = udp(1, 2, &[0; 24]);
    for (offset, more) in [(0, true), (1, true), (0x1fff, false)] {
        let part = fragment(UDP, offset, more, &datagram);
        let expected = Fragment {
            id: ID_V6,
            offset: u32::from(offset) * 8,
            len: 32,
            more,
            header_at: 0,
            header_len: 48,
        };
        let packet = ip(&ipv6(FRAGMENT, &part)).unwrap();
        assert_eq!(packet.fragment, Some(expected));
        let behind = extension(ROUTING, 16, &extension(FRAGMENT, 8, &part));
        let packet = ip(&ipv6(HOP_BY_HOP, &behind)).unwrap();
        let expected = Fragment {
            header_len: 48 + 24,
            ..expected
        };
        assert_eq!(packet.fragment, Some(expected));
    }
}

#[test]
fn a_whole_packet_is_no_fragment() {
    let datagram = udp(1, 2, &[0; 24]);
    // Reserved bits, and a fragment header without need (RFC 6946).
    for bytes in [
        ipv4(UDP, &datagram),
        ipv4_with(&[], DONT, UDP, &datagram),
        ipv4_with(&[], 0x8000, UDP, &datagram),
        ipv6(UDP, &datagram),
        ipv6(FRAGMENT, &fragment(UDP, 0, false, &datagram)),
    ] {
        let packet = ip(&bytes).unwrap();
        assert_eq!(packet.fragment, None);
        assert!(matches!(packet.transport, Transport::Datagram { .. }));
    }
}

#[test]
fn a_first_fragment_has_ports_and_a_later_one_has_none() {
    let datagram = udp(1, 2, &[0; 24]);
    let ports = Ports { src: 1, dst: 2 };
    for bytes in [
        ipv4_with(&[], MORE, UDP, &datagram),
        ipv6(FRAGMENT, &fragment(UDP, 0, true, &datagram)),
        ipv6(
            FRAGMENT,
            &fragment(DESTINATION, 0, true, &extension(UDP, 8, &datagram)),
        ),
    ] {
        let packet = ip(&bytes).unwrap();
        assert!(
            matches!(packet.transport, Transport::Datagram { ports: found, .. } if found == ports)
        );
        assert_eq!(packet.l4, L4Proto::Udp);
    }
    for (bytes, l4) in [
        (ipv4_with(&[], 1, UDP, &datagram), L4Proto::Udp),
        (
            ipv6(FRAGMENT, &fragment(UDP, 1, true, &datagram)),
            L4Proto::Udp,
        ),
        // The first fragment knows what follows the destination options.
        (
            ipv6(FRAGMENT, &fragment(DESTINATION, 1, true, &datagram)),
            L4Proto::Other(DESTINATION),
        ),
    ] {
        let packet = ip(&bytes).unwrap();
        assert_eq!(packet.transport, Transport::Fragment { payload_len: 32 });
        assert_eq!(packet.l4, l4);
    }
}

#[test]
fn a_first_fragment_too_small_for_its_transport_header_is_a_fragment_without() {
    let mut options = tcp(1, 2, 2, &[0; 20]);
    options[12] = 0xa0;
    for (l4, header, lens) in [
        (TCP, tcp(1, 2, 2, &[]), 0..20),
        // Up to the middle of its options.
        (TCP, options, 20..40),
        (UDP, udp(1, 2, &[]), 0..8),
        (ICMP, icmp(8, 1, &[]), 0..4),
        (SCTP, sctp(1, 2, &[]), 0..12),
    ] {
        for len in lens {
            let payload_len = u32::try_from(len).unwrap();
            let part = &header[..len];
            for bytes in [
                ipv4_with(&[], MORE, l4, part),
                ipv6(FRAGMENT, &fragment(l4, 0, true, part)),
            ] {
                let packet = ip(&bytes).unwrap();
                assert_eq!(packet.transport, Transport::Fragment { payload_len });
                assert_eq!(packet.fragment.unwrap().offset, 0);
                assert_eq!(packet.l4, L4Proto::from_number(l4));
            }
        }
    }
}

#[test]
fn a_first_fragment_that_ends_in_its_extension_headers_is_a_fragment_without_ports() {
    let chain = extension(UDP, 16, &[]);
    let part = fragment(DESTINATION, 0, true, &chain[..12]);
    let packet = ip(&ipv6(FRAGMENT, &part)).unwrap();
    assert_eq!(packet.transport, Transport::Fragment { payload_len: 12 });
    assert_eq!(packet.l4, L4Proto::Other(DESTINATION));
    // The same in a whole packet is an error.
    let whole = ip(&ipv6(DESTINATION, &chain[..12]));
    assert_eq!(whole, Err(Refusal::Ipv6ExtensionTruncated));
}

#[test]
fn a_first_fragment_that_the_capture_cut_is_refused_where_the_ports_are_missing() {
    let bytes = ipv4_with(&[], MORE, UDP, &udp(1, 2, &[0; 24]));
    for (captured, refusal) in [(28, None), (27, Some(Refusal::UdpTruncated))] {
        let cut = Frame {
            bytes: &bytes[..captured],
            ..raw(&bytes)
        };
        assert_eq!(parse(&cut).err(), refusal, "{captured}");
    }
    let part = fragment(DESTINATION, 0, true, &extension(UDP, 16, &[0; 8]));
    let bytes = ipv6(FRAGMENT, &part);
    for (captured, refusal) in [(72, None), (63, Some(Refusal::Ipv6ExtensionTruncated))] {
        let cut = Frame {
            bytes: &bytes[..captured],
            ..raw(&bytes)
        };
        assert_eq!(parse(&cut).err(), refusal, "{captured}");
    }
}

#[test]
fn of_fragments_of_fragments_the_outer_one_counts() {
    let inner = fragment(UDP, 2, false, &udp(1, 2, &[0; 8]));
    let packet = ip(&ipv6(FRAGMENT, &fragment(FRAGMENT, 0, true, &inner))).unwrap();
    let expected = Fragment {
        id: ID_V6,
        offset: 0,
        len: 24,
        more: true,
        header_at: 0,
        header_len: 48,
    };
    assert_eq!(packet.fragment, Some(expected));
    assert_eq!(packet.transport, Transport::Fragment { payload_len: 16 });
}
