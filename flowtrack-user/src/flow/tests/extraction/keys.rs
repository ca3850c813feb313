//! What can be part of a key, and keys other than the five-tuple.

use flowtrack_common::{
    EndReason, FlowEvent, FlowExtractor, FlowKey, FlowSide, Frame, Orientation, TunnelId,
    TunnelKind, VlanStack,
};

use super::{answered, observe, packets, v4};
use crate::{
    flow::{
        Directional, ExtractorConfig, FiveTuple, FiveTupleExtractor, FlowDriver, IpPairExtractor,
        MacPairExtractor, SctpFlows,
    },
    wire::tests::frames::{
        ARP, GRE, IPV4, SCTP, TCP, UDP, VLAN, ethernet, frame, icmp, ipv4, sctp, tcp, udp,
    },
};

fn key(config: ExtractorConfig, bytes: &[u8]) -> FiveTuple {
    let ([found], _) = observe(config, [bytes]);
    packets(&found).last().unwrap().key
}

#[test]
fn vlans_and_tunnels_are_part_of_a_key_only_if_they_are_to_be() {
    let datagram = ipv4(UDP, &udp(5, 6, &[]));
    let tagged = ethernet(&[VLAN, VLAN, IPV4], &datagram);
    let gre = [&[0x20, 0, 8, 0, 0, 0, 0, 9], &*datagram].concat();
    let tunnelled = v4(GRE, &gre);
    let plain = ExtractorConfig::default();
    for bytes in [&tagged, &tunnelled] {
        let key = key(plain, bytes);
        assert_eq!((key.vlans, key.tunnel), (VlanStack::default(), None));
    }
    let with = ExtractorConfig {
        key_vlan: true,
        key_tunnel: true,
        ..plain
    };
    assert_eq!(key(with, &tagged).vlans, VlanStack([100, 100]));
    let tunnel = TunnelId {
        kind: TunnelKind::Gre,
        id: 9,
    };
    assert_eq!(key(with, &tunnelled).tunnel, Some(tunnel));
}

#[test]
fn sctp_can_be_a_protocol_without_ports() {
    let bytes = v4(SCTP, &sctp(9, 4, &[]));
    for (sctp, ports) in [(SctpFlows::Ports, (9, 4)), (SctpFlows::Hosts, (0, 0))] {
        let config = ExtractorConfig {
            sctp,
            ..ExtractorConfig::default()
        };
        let key = key(config, &bytes);
        assert_eq!((key.src_port, key.dst_port), ports);
    }
}

#[test]
fn an_ip_pair_is_one_flow_whatever_the_protocol() {
    let mut extractor = IpPairExtractor::default();
    let there = extractor
        .extract(&frame(&v4(TCP, &tcp(9, 4, 2, &[0; 6]))))
        .unwrap();
    let back = extractor
        .extract(&frame(&answered(v4(1, &icmp(8, 1, &[])))))
        .unwrap();
    assert_eq!(there.key, back.key);
    assert_eq!(there.orientation, Orientation::Forward);
    assert_eq!(back.orientation, Orientation::Reverse);
    assert_eq!((there.l4, there.tcp), (None, None));
    assert_eq!((there.ip_len, there.payload_len), (46, 6));
    assert_eq!(there.key.destination(), Some([10, 0, 0, 2].into()));
}

#[test]
fn a_mac_pair_is_one_flow_of_ip_and_other_frames() {
    let mut datagram = v4(UDP, &udp(5, 6, &[0; 4]));
    let mut arp = ethernet(&[ARP], &[0; 28]);
    datagram[..12].copy_from_slice(&[9, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 2]);
    arp[..12].copy_from_slice(&[3, 0, 0, 0, 0, 2, 9, 0, 0, 0, 0, 1]);
    let mut extractor = MacPairExtractor::default();
    let there = extractor.extract(&frame(&datagram)).unwrap();
    let back = extractor.extract(&frame(&arp)).unwrap();
    assert_eq!(there.key, back.key);
    assert_eq!(there.key.src, [3, 0, 0, 0, 0, 2]);
    assert_eq!(there.orientation, Orientation::Forward);
    assert_eq!(back.orientation, Orientation::Reverse);
    assert_eq!((there.ip_len, there.payload_len), (32, 4));
    assert_eq!((back.ip_len, back.payload_len), (0, 0));
}

#[test]
fn a_frame_of_a_mac_pair_is_cut_if_some_of_it_was_not_captured() {
    let datagram = v4(UDP, &udp(5, 6, &[0; 4]));
    let mut extractor = MacPairExtractor::default();
    for (captured, truncated) in [(datagram.len(), false), (datagram.len() - 1, true)] {
        let cut = Frame {
            bytes: &datagram[..captured],
            ..frame(&datagram)
        };
        assert_eq!(extractor.extract(&cut).unwrap().truncated, truncated);
    }
}

#[test]
fn macs_in_different_vlans_are_different_flows_if_they_are_to_be() {
    let datagram = ipv4(UDP, &udp(5, 6, &[]));
    let (plain, tagged) = (
        ethernet(&[IPV4], &datagram),
        ethernet(&[VLAN, IPV4], &datagram),
    );
    for key_vlan in [false, true] {
        let mut extractor = MacPairExtractor::new(key_vlan);
        let keys = [&plain, &tagged].map(|bytes| extractor.extract(&frame(bytes)).unwrap().key);
        assert_eq!(keys[0] != keys[1], key_vlan);
    }
}

#[test]
fn each_direction_can_be_a_flow_of_its_own() {
    let mut driver = FlowDriver::new(Directional(FiveTupleExtractor::default()));
    let mut events: Vec<FlowEvent<FiveTuple>> = Vec::new();
    let there = v4(TCP, &tcp(9, 4, 2, &[]));
    let back = answered(v4(TCP, &tcp(4, 9, 18, &[])));
    for bytes in [&there, &back, &there] {
        driver.frame(&frame(bytes), &mut events);
    }
    driver.finish(&mut events);
    let mut flows = Vec::new();
    for event in events {
        match event {
            FlowEvent::Packet { side, .. } => assert_eq!(side, FlowSide::Initiator),
            FlowEvent::Ended {
                key, stats, reason, ..
            } => {
                assert_eq!(reason, EndReason::Shutdown, "no SYN+ACK and no close");
                flows.push((key.src_port, key.dst_port, stats.packets()));
            }
            _ => {}
        }
    }
    flows.sort_unstable();
    assert_eq!(flows, [(4, 9, 1), (9, 4, 2)]);
}
