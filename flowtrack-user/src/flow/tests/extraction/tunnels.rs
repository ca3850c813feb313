//! Packets in tunnels: which of them count, and the account of the frames.

use flowtrack_common::{FlowExtractor, L4Proto, TunnelId, TunnelKind};

use super::{flows, observe, packets, refused, v4};
use crate::{
    flow::{ExtractorConfig, FiveTupleExtractor, MAX_OBSERVATIONS, Tunnels},
    wire::{
        Refusal,
        tests::frames::{GRE, ICMP, IPV4, TCP, UDP, ethernet, frame, ipv4, tcp, udp},
    },
};

const IP_IN_IP: u8 = 4;
const OUTER_GRE: (L4Proto, u16, u16) = (L4Proto::Other(GRE), 0, 0);
const VXLAN: (L4Proto, u16, u16) = (L4Proto::Udp, 9, 4789);
const INNER: (L4Proto, u16, u16) = (L4Proto::Tcp, 5, 6);

fn config(tunnels: Tunnels) -> ExtractorConfig {
    ExtractorConfig {
        tunnels,
        ..ExtractorConfig::default()
    }
}

fn inner() -> Vec<u8> {
    ipv4(TCP, &tcp(5, 6, 2, &[]))
}

/// A VXLAN datagram with the network `vni` and an Ethernet frame.
fn vxlan(vni: u8, payload: &[u8]) -> Vec<u8> {
    udp(9, 4789, &[&[8, 0, 0, 0, 0, 0, vni, 0], payload].concat())
}

fn gre(payload: &[u8]) -> Vec<u8> {
    [&[0, 0, 8, 0], payload].concat()
}

/// A GRE packet in which is a VXLAN datagram in which is a TCP segment.
fn nested() -> Vec<u8> {
    let vxlan = vxlan(7, &ethernet(&[IPV4], &inner()));
    v4(GRE, &gre(&ipv4(UDP, &vxlan)))
}

#[test]
fn each_choice_counts_other_packets() {
    for (tunnels, expected) in [
        (Tunnels::All, vec![OUTER_GRE, VXLAN, INNER]),
        (Tunnels::Zeek, vec![VXLAN, INNER]),
        (Tunnels::Inner, vec![INNER]),
        (Tunnels::Outer, vec![OUTER_GRE]),
    ] {
        let ([found], counts) = observe(config(tunnels), [&nested()]);
        assert_eq!(flows(&found), expected, "{tunnels:?}");
        assert_eq!(counts.accepted, 1);
        assert_eq!(counts.tunnelled, expected.len() as u64 - 1);
        assert_eq!((counts.refused.total(), counts.refused_inside), (0, 0));
    }
}

#[test]
fn an_extractor_gives_the_outermost_packet_that_counts() {
    for (tunnels, expected) in [
        (Tunnels::All, GRE),
        (Tunnels::Zeek, UDP),
        (Tunnels::Inner, TCP),
        (Tunnels::Outer, GRE),
    ] {
        let mut extractor = FiveTupleExtractor::new(config(tunnels));
        let packet = extractor.extract(&frame(&nested())).unwrap();
        assert_eq!(packet.key.l4.number(), expected, "{tunnels:?}");
    }
}

#[test]
fn a_packet_knows_what_is_around_it_and_whether_something_is_in_it() {
    let ([found], _) = observe(config(Tunnels::All), [&nested()]);
    let [gre, vxlan, inner] = packets(&found)[..] else {
        panic!("three packets");
    };
    assert_eq!(gre.envelope.tunnel, None);
    let id = |kind, id| TunnelId { kind, id };
    let around = |tunnel: Option<flowtrack_common::Tunnel>| tunnel.map(|tunnel| tunnel.id);
    assert_eq!(around(vxlan.envelope.tunnel), Some(id(TunnelKind::Gre, 0)));
    assert_eq!(
        around(inner.envelope.tunnel),
        Some(id(TunnelKind::Vxlan, 7))
    );
    let depths = [gre, vxlan, inner].map(|packet| packet.envelope.depth);
    assert_eq!(depths, [0, 1, 2]);
    let carries = [gre, vxlan, inner].map(|packet| packet.envelope.carries);
    assert_eq!(carries, [true, true, false]);
    let ([found], _) = observe(config(Tunnels::Outer), [&nested()]);
    assert!(!packets(&found)[0].envelope.carries, "nothing in it counts");
}

#[test]
fn the_deepest_frame_gives_as_many_observations_as_there_is_room_for() {
    let quoted = ipv4(UDP, &udp(5, 6, &[]));
    let error = ipv4(ICMP, &[&[3, 3, 0, 0, 0, 0, 0, 0], &quoted[..]].concat());
    let deep = |tunnels| (0..tunnels).fold(error.clone(), |inner, _| ipv4(IP_IN_IP, &inner));
    for tunnels in 0..12 {
        let bytes = ethernet(&[IPV4], &deep(tunnels));
        let ([found], _) = observe(config(Tunnels::All), [&bytes]);
        assert!(found.len() <= MAX_OBSERVATIONS, "{tunnels}");
        assert_eq!(found.len() == MAX_OBSERVATIONS, tunnels == 8, "{tunnels}");
    }
}

#[test]
fn all_packets_of_a_frame_have_its_length_on_the_wire() {
    let bytes = nested();
    let ([found], _) = observe(config(Tunnels::All), [&bytes]);
    for packet in packets(&found) {
        assert_eq!(packet.wire_len as usize, bytes.len());
    }
}

#[test]
fn what_is_refused_in_a_tunnel_leaves_the_outer_packet() {
    let bytes = v4(IP_IN_IP, &[0x45; 10]);
    for tunnels in [Tunnels::All, Tunnels::Inner] {
        let ([found], counts) = observe(config(tunnels), [&bytes]);
        assert_eq!(flows(&found), [(L4Proto::Other(IP_IN_IP), 0, 0)]);
        assert!(!packets(&found)[0].envelope.carries);
        assert_eq!((counts.accepted, counts.refused_inside), (1, 1));
        assert_eq!(counts.refused.total(), 0);
    }
    let ([found], counts) = observe(config(Tunnels::Outer), [&bytes]);
    assert_eq!(flows(&found).len(), 1);
    assert_eq!(counts.refused_inside, 0, "nobody has looked");
}

#[test]
fn in_zeeks_way_a_tunnel_without_content_counts_nowhere() {
    for (bytes, refusal) in [
        (v4(IP_IN_IP, &[0x45; 10]), Refusal::IpTruncated),
        (v4(GRE, &[0, 0, 0x12, 0x34, 1, 2, 3, 4]), Refusal::NotIp),
        // There is no GRE of version 7: it is not known where to look.
        (v4(GRE, &[0, 7, 8, 0, 1, 2, 3, 4]), Refusal::TunnelContent),
    ] {
        let (_, counts) = observe(config(Tunnels::Zeek), [&bytes]);
        assert_eq!(refused(&counts, refusal), 1, "{refusal:?}");
        assert_eq!(counts.accepted, 0);
    }
    let datagram = v4(UDP, &vxlan(7, &[0; 4]));
    let ([found], counts) = observe(config(Tunnels::Zeek), [&datagram]);
    assert_eq!(flows(&found), [VXLAN], "a datagram is one all the same");
    assert_eq!((counts.accepted, counts.refused_inside), (1, 1));
}

#[test]
fn a_frame_is_accepted_or_refused_once() {
    let frames: [&[u8]; 4] = [
        &nested(),
        &v4(IP_IN_IP, &[0x45; 10]),
        &v4(UDP, &udp(1, 2, &[])),
        &ethernet(&[0x0806], &[0; 28]),
    ];
    for tunnels in [Tunnels::All, Tunnels::Zeek, Tunnels::Inner, Tunnels::Outer] {
        let (found, counts) = observe(config(tunnels), frames);
        assert_eq!(counts.accepted + counts.refused.total(), 4);
        let taken: usize = found.iter().map(|found| packets(found).len()).sum();
        assert_eq!(taken as u64, counts.accepted + counts.tunnelled);
    }
}
