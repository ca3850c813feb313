//! From frames to five-tuples.

use std::net::IpAddr;

use flowtrack_common::{Extracted, FlowExtractor, Frame, L4Proto, Orientation, VlanStack};

use crate::{
    flow::{FiveTuple, FiveTupleExtractor},
    wire::tests::frames::{
        FRAGMENT, ICMP, ICMPV6, IPV4, IPV6, SCTP, TCP, UDP, ethernet, fragment, frame, icmp, ipv4,
        ipv4_with, ipv6, sctp, tcp, udp,
    },
};

fn extract(bytes: &[u8]) -> Extracted<FiveTuple> {
    FiveTupleExtractor::default()
        .extract(&frame(bytes))
        .unwrap()
}

fn v4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(&[IPV4], &ipv4(protocol, payload))
}

fn v6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(&[IPV6], &ipv6(next_header, payload))
}

/// The same frame with its addresses exchanged.
fn answered(mut bytes: Vec<u8>) -> Vec<u8> {
    let (at, len) = if bytes[14] >> 4 == 4 {
        (26, 4)
    } else {
        (22, 16)
    };
    let (src, dst) = bytes[at..at + 2 * len].split_at_mut(len);
    src.swap_with_slice(dst);
    bytes
}

#[test]
fn both_directions_have_one_key() {
    for (there, back) in [
        (v4(TCP, &tcp(9, 4, 2, &[])), v4(TCP, &tcp(4, 9, 18, &[]))),
        (v6(TCP, &tcp(9, 4, 2, &[])), v6(TCP, &tcp(4, 9, 18, &[]))),
        (v4(UDP, &udp(4, 9, &[])), v4(UDP, &udp(9, 4, &[]))),
        (v4(SCTP, &sctp(4, 9, &[])), v4(SCTP, &sctp(9, 4, &[]))),
        (v4(ICMP, &icmp(8, 3, &[])), v4(ICMP, &icmp(0, 3, &[]))),
        (v4(ICMP, &icmp(0, 3, &[])), v4(ICMP, &icmp(8, 3, &[]))),
        (
            v6(ICMPV6, &icmp(128, 3, &[])),
            v6(ICMPV6, &icmp(129, 3, &[])),
        ),
        (
            v6(ICMPV6, &icmp(135, 0, &[])),
            v6(ICMPV6, &icmp(136, 0, &[])),
        ),
        (v4(47, &[0; 4]), v4(47, &[0; 8])),
    ] {
        let (there, back) = (extract(&there), extract(&answered(back)));
        assert_eq!(there.key, back.key);
        assert_ne!(there.orientation, back.orientation);
        assert_eq!(
            there.orientation,
            Orientation::Forward,
            "10.0.0.1 is smaller"
        );
    }
}

#[test]
fn the_port_decides_between_equal_addresses() {
    let mut there = v4(UDP, &udp(9, 4, &[]));
    let mut back = v4(UDP, &udp(4, 9, &[]));
    for bytes in [&mut there, &mut back] {
        bytes[33] = 1;
    }
    let (there, back) = (extract(&there), extract(&back));
    assert_eq!(there.key, back.key);
    assert_ne!(there.orientation, back.orientation);
}

#[test]
fn icmp_queries_are_told_apart_by_their_identifier() {
    let key = |id| extract(&v4(ICMP, &icmp(8, id, &[]))).key;
    assert_eq!(key(5), key(5));
    assert_ne!(key(5), key(6));
    let FiveTuple {
        src_port,
        dst_port,
        icmp_id,
        ..
    } = key(5);
    assert_eq!((src_port, dst_port, icmp_id), (8, 0, 5));
}

#[test]
fn an_icmp_message_that_has_no_answer_has_one_direction() {
    let there = v4(ICMP, &icmp(3, 0, &[0; 28]));
    let back = answered(there.clone());
    let (there, back) = (extract(&there), extract(&back));
    assert_ne!(there.key, back.key, "two messages, two flows");
    for extracted in [there, back] {
        assert_eq!(extracted.orientation, Orientation::Forward);
        assert_eq!((extracted.key.src_port, extracted.key.dst_port), (3, 0));
    }
}

#[test]
fn later_fragments_have_the_real_protocol_and_no_ports() {
    let whole = FiveTuple {
        src: IpAddr::from([10, 0, 0, 1]),
        dst: IpAddr::from([10, 0, 0, 2]),
        src_port: 5,
        dst_port: 6,
        icmp_id: 0,
        l4: L4Proto::Udp,
        vlans: VlanStack::default(),
        tunnel: None,
    };
    let first = ethernet(&[IPV4], &ipv4_with(&[], 0x2000, UDP, &udp(5, 6, &[0; 8])));
    let later = ethernet(&[IPV4], &ipv4_with(&[], 2, UDP, &[0; 8]));
    assert_eq!(extract(&first).key, whole);
    assert_eq!(
        extract(&later).key,
        FiveTuple {
            src_port: 0,
            dst_port: 0,
            ..whole
        }
    );
    let later = v6(FRAGMENT, &fragment(TCP, 2, false, &[0; 8]));
    let extracted = extract(&later);
    assert_eq!(extracted.l4, Some(L4Proto::Tcp));
    assert_eq!((extracted.key.src_port, extracted.key.dst_port), (0, 0));
    assert_eq!(extracted.tcp, None, "nothing to follow a connection by");
}

#[test]
fn lengths_are_those_of_the_wire_of_ip_and_of_the_payload() {
    let mut bytes = v4(TCP, &tcp(1, 2, 0x10, &[0; 6]));
    bytes.resize(64, 0);
    let cut = Frame {
        bytes: &bytes[..54],
        ..frame(&bytes)
    };
    for extracted in [
        extract(&bytes),
        FiveTupleExtractor::default().extract(&cut).unwrap(),
    ] {
        assert_eq!(extracted.wire_len, 64);
        assert_eq!(extracted.ip_len, 46);
        assert_eq!(extracted.payload_len, 6);
        assert_eq!(extracted.ttl, 64);
        assert_eq!(extracted.tcp.map(|info| info.payload_len), Some(6));
    }
}
