//! IPv4 and IPv6: lengths, options, fragments, extension headers.

use std::net::{Ipv4Addr, Ipv6Addr};

use flowtrack_common::{Envelope, Frame, L4Proto, LinkType};

use super::frames::{
    AUTHENTICATION, DESTINATION, FRAGMENT, GRE, HIP, HOP_BY_HOP, ICMPV6, MOBILITY, NO_NEXT_HEADER,
    ROUTING, SHIM6, TCP, UDP, authentication, extension, fragment, frame, icmp, ipv4, ipv4_with,
    ipv6, tcp, udp,
};
use crate::wire::{Packet, Ports, Refusal, Transport, parse};

/// An IP packet without a link layer.
fn ip(bytes: &[u8]) -> Result<Packet, Refusal> {
    parse(&raw(bytes))
}

fn raw(bytes: &[u8]) -> Frame<'_> {
    Frame {
        link: LinkType::RAW,
        ..frame(bytes)
    }
}

const PORTS: Ports = Ports { src: 1, dst: 2 };

#[test]
fn addresses_time_to_live_and_length_are_those_of_the_header() {
    let datagram = udp(1, 2, &[0; 4]);
    let transport = Transport::Datagram {
        ports: PORTS,
        payload_len: 4,
    };
    assert_eq!(
        ip(&ipv4(UDP, &datagram)),
        Ok(Packet {
            src: Ipv4Addr::new(10, 0, 0, 1).into(),
            dst: Ipv4Addr::new(10, 0, 0, 2).into(),
            l4: L4Proto::Udp,
            ip_len: 32,
            ttl: 64,
            transport,
            truncated: false,
            envelope: Envelope::default(),
            fragment: None,
            quoted: None,
        })
    );
    assert_eq!(
        ip(&ipv6(UDP, &datagram)),
        Ok(Packet {
            src: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
            dst: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2).into(),
            l4: L4Proto::Udp,
            ip_len: 52,
            ttl: 63,
            transport,
            truncated: false,
            envelope: Envelope::default(),
            fragment: None,
            quoted: None,
        })
    );
}

/// A packet whose length is in a hop-by-hop option, behind padding of one and of more bytes.
fn jumbogram(payload: u32, real: usize) -> Vec<u8> {
    let mut options = extension(UDP, 16, &vec![0; real - 16]);
    options[2..8].copy_from_slice(&[0, 1, 3, 9, 9, 9]);
    options[8..16].copy_from_slice(&[0xc2, 4, 0, 0, 0, 0, 1, 0]);
    options[10..14].copy_from_slice(&payload.to_be_bytes());
    let mut packet = ipv6(HOP_BY_HOP, &[]);
    packet.extend(options);
    packet
}

#[test]
fn a_jumbogram_has_its_length_in_an_option() {
    let len = |payload: u32, real: usize| ip(&jumbogram(payload, real)).map(|packet| packet.ip_len);
    assert_eq!(len(65_536, 65_536), Ok(65_576));
    // What is behind it is padding.
    assert_eq!(len(65_536, 70_000), Ok(65_576));
    assert_eq!(len(70_001, 70_000), Err(Refusal::IpLength));
    // The length field could have said it.
    assert_eq!(len(65_535, 70_000), Err(Refusal::IpLength));
    assert_eq!(len(u32::MAX, 70_000), Err(Refusal::IpLength));
}

#[test]
fn a_length_of_zero_before_hop_by_hop_options_without_a_length_is_refused() {
    let mut bytes = jumbogram(65_536, 65_536);
    bytes[40 + 8] = 0x1e;
    assert_eq!(ip(&bytes), Err(Refusal::IpLength));
    // The option goes on behind the header.
    let mut bytes = jumbogram(65_536, 65_536);
    bytes[41] = 0;
    assert_eq!(ip(&bytes), Err(Refusal::IpLength));
    let cut = Frame {
        bytes: &bytes[..47],
        ..raw(&bytes)
    };
    assert_eq!(parse(&cut), Err(Refusal::IpLength));
}

#[test]
fn a_length_of_zero_is_none_where_the_length_field_could_have_said_it() {
    let zero = |payload: usize| {
        let mut bytes = ipv6(NO_NEXT_HEADER, &[]);
        bytes.resize(40 + payload, 0);
        ip(&bytes).map(|packet| packet.ip_len)
    };
    // A packet without payload, and padding.
    assert_eq!(zero(0), Ok(40));
    assert_eq!(zero(65_535), Ok(40));
    assert_eq!(zero(65_536), Ok(65_576));
}

#[test]
fn ipv4_options_are_skipped() {
    for options in [4, 40] {
        let packet = ip(&ipv4_with(&vec![1; options], 0, UDP, &udp(1, 2, &[0; 9]))).unwrap();
        assert_eq!(packet.ip_len, 20 + u32::try_from(options).unwrap() + 17);
        assert_eq!(
            packet.transport,
            Transport::Datagram {
                ports: PORTS,
                payload_len: 9
            }
        );
    }
}

#[test]
fn ipv4_header_lengths_that_cannot_be_are_refused() {
    for (first, refusal) in [
        (0x40, Refusal::IpHeaderLength),
        (0x44, Refusal::IpHeaderLength),
        (0x4f, Refusal::IpLength),
        (0x55, Refusal::IpVersion),
        (0x65, Refusal::IpTruncated),
    ] {
        let mut bytes = ipv4(UDP, &udp(1, 2, &[]));
        bytes[0] = first;
        assert_eq!(ip(&bytes), Err(refusal), "{first:#x}");
    }
}

#[test]
fn lengths_that_contradict_the_frame_are_refused() {
    let datagram = udp(1, 2, &[]);
    for len in [1_u16, 19, 29, u16::MAX] {
        let mut bytes = ipv4(UDP, &datagram);
        bytes[2..4].copy_from_slice(&len.to_be_bytes());
        assert_eq!(ip(&bytes), Err(Refusal::IpLength), "{len}");
    }
    for len in [9_u16, u16::MAX] {
        let mut bytes = ipv6(UDP, &datagram);
        bytes[4..6].copy_from_slice(&len.to_be_bytes());
        assert_eq!(ip(&bytes), Err(Refusal::IpLength), "{len}");
    }
}

#[test]
fn a_length_of_zero_is_that_of_the_frame_where_segmentation_is_offloaded() {
    let segment = tcp(1, 2, 0x10, &vec![0; 65_000]);
    let mut v4 = ipv4(TCP, &segment);
    v4[2..4].fill(0);
    let mut v6 = ipv6(TCP, &segment);
    v6[4..6].fill(0);
    // The payload may be longer than any length field can say.
    for (mut bytes, header) in [(v4, 20), (v6, 40)] {
        bytes.resize(bytes.len() + 100_000, 0);
        let packet = ip(&bytes).unwrap();
        assert_eq!(packet.ip_len, header + 20 + 165_000);
        let Transport::Tcp { info, .. } = packet.transport else {
            panic!("{packet:?}");
        };
        assert_eq!(info.payload_len, 165_000);
    }
}

#[test]
fn the_first_ipv4_fragment_has_ports_and_later_ones_have_none() {
    const MORE: u16 = 0x2000;
    const DONT: u16 = 0x4000;
    let datagram = udp(1, 2, &[0; 24]);
    for flags in [0, MORE, DONT] {
        let packet = ip(&ipv4_with(&[], flags, UDP, &datagram)).unwrap();
        assert!(matches!(
            packet.transport,
            Transport::Datagram { ports: PORTS, .. }
        ));
    }
    for flags in [1, MORE | 1, 0x1fff] {
        let packet = ip(&ipv4_with(&[], flags, UDP, &datagram)).unwrap();
        assert_eq!(packet.l4, L4Proto::Udp, "the protocol is the real one");
        assert_eq!(packet.transport, Transport::Fragment { payload_len: 32 });
    }
    // A later fragment may be too short for any header.
    let packet = ip(&ipv4_with(&[], 1, TCP, &[0])).unwrap();
    assert_eq!(packet.transport, Transport::Fragment { payload_len: 1 });
}

#[test]
fn each_ipv6_extension_header_is_walked() {
    let datagram = udp(1, 2, &[0; 5]);
    let expected = Transport::Datagram {
        ports: PORTS,
        payload_len: 5,
    };
    for kind in [HOP_BY_HOP, ROUTING, DESTINATION, MOBILITY, HIP, SHIM6] {
        for len in [8, 16, 2048] {
            let packet = ip(&ipv6(kind, &extension(UDP, len, &datagram))).unwrap();
            assert_eq!(
                (packet.l4, packet.transport),
                (L4Proto::Udp, expected),
                "{kind}"
            );
            assert_eq!(packet.ip_len as usize, 40 + len + 13);
        }
    }
    for len in [12, 24] {
        let bytes = ipv6(AUTHENTICATION, &authentication(UDP, len, &datagram));
        assert_eq!(ip(&bytes).unwrap().transport, expected);
    }
    let chain = extension(
        ROUTING,
        8,
        &extension(
            FRAGMENT,
            8,
            &fragment(DESTINATION, 0, true, &extension(UDP, 16, &datagram)),
        ),
    );
    assert_eq!(ip(&ipv6(HOP_BY_HOP, &chain)).unwrap().transport, expected);
}

#[test]
fn the_first_ipv6_fragment_has_ports_and_later_ones_have_none() {
    let datagram = udp(1, 2, &[0; 24]);
    // The last one is atomic (RFC 6946): a fragment that is the whole packet.
    for more in [true, false] {
        let packet = ip(&ipv6(FRAGMENT, &fragment(UDP, 0, more, &datagram))).unwrap();
        assert!(matches!(
            packet.transport,
            Transport::Datagram { ports: PORTS, .. }
        ));
    }
    // Reserved bits are no offset.
    let mut bytes = ipv6(FRAGMENT, &fragment(UDP, 0, true, &datagram));
    bytes[40 + 3] |= 0b110;
    assert!(matches!(
        ip(&bytes).unwrap().transport,
        Transport::Datagram { .. }
    ));
    for (offset, more) in [(1, true), (1, false), (0x1fff, false)] {
        let packet = ip(&ipv6(FRAGMENT, &fragment(UDP, offset, more, &datagram))).unwrap();
        assert_eq!(packet.l4, L4Proto::Udp, "the protocol is the real one");
        assert_eq!(packet.transport, Transport::Fragment { payload_len: 32 });
        assert_eq!(packet.ip_len, 40 + 8 + 32);
    }
}

#[test]
fn as_many_extension_headers_are_walked_as_nobody_uses() {
    let chain = |count: usize| {
        let inner = icmp(128, 1, &[]);
        let chain = (1..count).fold(extension(ICMPV6, 8, &inner), |inner, _| {
            extension(DESTINATION, 8, &inner)
        });
        ip(&ipv6(DESTINATION, &chain))
    };
    assert_eq!(chain(64).map(|packet| packet.l4), Ok(L4Proto::IcmpV6));
    assert_eq!(chain(65), Err(Refusal::Ipv6ExtensionDepth));
}

#[test]
fn an_extension_header_longer_than_the_packet_is_refused() {
    let mut bytes = ipv6(ROUTING, &extension(UDP, 8, &udp(1, 2, &[])));
    bytes[41] = 255;
    assert_eq!(ip(&bytes), Err(Refusal::Ipv6ExtensionTruncated));
    let bytes = ipv6(FRAGMENT, &[UDP, 0, 0]);
    assert_eq!(ip(&bytes), Err(Refusal::Ipv6ExtensionTruncated));
}

#[test]
fn a_protocol_without_ports_has_its_number_and_its_payload() {
    let packet = ip(&ipv4(GRE, &[0; 11])).unwrap();
    assert_eq!(packet.l4, L4Proto::Other(GRE));
    assert_eq!(packet.transport, Transport::Other { payload_len: 11 });
    let packet = ip(&ipv6(NO_NEXT_HEADER, &[])).unwrap();
    assert_eq!(packet.l4, L4Proto::Other(NO_NEXT_HEADER));
    assert_eq!(packet.transport, Transport::Other { payload_len: 0 });
}
