//! From frames to five-tuples.

mod account;
mod fragments;
mod icmp;
mod keys;
mod straight;
mod tunnels;

use flowtrack_common::{Extracted, FlowExtractor, Frame, L4Proto, Orientation, VlanStack};

use crate::{
    flow::{ExtractorConfig, FiveTuple, FiveTupleExtractor, Intake, IntakeCounts, Observation},
    wire::{
        self, Refusal,
        tests::frames::{
            GRE, ICMP, ICMPV6, IPV4, IPV6, SCTP, TCP, UDP, VLAN, ethernet, frame, icmp, ipv4, ipv6,
            sctp, tcp, udp,
        },
    },
};

/// All that is found in frames which come one after the other.
fn observe<const N: usize>(
    config: ExtractorConfig,
    frames: [&[u8]; N],
) -> ([Vec<Observation<FiveTuple>>; N], IntakeCounts) {
    let mut intake = Intake::new(config);
    let found = frames.map(|bytes| {
        let mut found = Vec::new();
        intake.frame(&frame(bytes), |observation| found.push(observation));
        found
    });
    (found, *intake.counts())
}

/// The packets among what was found.
fn packets(found: &[Observation<FiveTuple>]) -> Vec<Extracted<FiveTuple>> {
    let packet = |observation: &Observation<FiveTuple>| match observation {
        Observation::Packet(meta) => Some(meta.packet),
        _ => None,
    };
    found.iter().filter_map(packet).collect()
}

/// Protocol and ports of the packets among what was found.
fn flows(found: &[Observation<FiveTuple>]) -> Vec<(L4Proto, u16, u16)> {
    let flow = |packet: &Extracted<FiveTuple>| {
        let FiveTuple {
            l4,
            src_port,
            dst_port,
            ..
        } = packet.key;
        (l4, src_port, dst_port)
    };
    packets(found).iter().map(flow).collect()
}

/// How often something was refused.
fn refused(counts: &IntakeCounts, refusal: Refusal) -> u64 {
    counts
        .refused
        .iter()
        .find_map(|(reason, packets)| (reason == refusal).then_some(packets))
        .unwrap()
}

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
    let (there, back) = (udp(9, 4, &[]), udp(4, 9, &[]));
    let frames = |header: fn(&[u8]) -> Vec<u8>| [&there, &back].map(|payload| header(payload));
    // Where the addresses begin, and how long they are.
    for (frames, at, len) in [
        (frames(|payload| v4(UDP, payload)), 26, 4),
        (frames(|payload| v6(UDP, payload)), 22, 16),
        // Those with two tags are not plain.
        (
            frames(|payload| ethernet(&[VLAN, VLAN, IPV4], &ipv4(UDP, payload))),
            34,
            4,
        ),
        (
            frames(|payload| ethernet(&[VLAN, VLAN, IPV6], &ipv6(UDP, payload))),
            30,
            16,
        ),
    ] {
        let [there, back] = frames.map(|mut bytes| {
            bytes.copy_within(at..at + len, at + len);
            extract(&bytes)
        });
        assert_eq!(there.key.src, there.key.dst);
        assert_eq!(there.key, back.key);
        assert_eq!(back.orientation, Orientation::Forward);
        assert_eq!(there.orientation, Orientation::Reverse);
    }
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

#[test]
fn the_profiles_make_flows_of_the_same_frames_each_in_its_way() {
    let frames: [&[u8]; 7] = [
        &v4(ICMP, &icmp(8, 5, &[])),
        &v4(ICMP, &icmp(8, 6, &[])),
        &v4(ICMP, &icmp(13, 6, &[])),
        &v4(SCTP, &sctp(4, 9, &[])),
        &fragments::part(UDP, 0, fragments::MORE, &udp(5, 6, &[0; 16])[..16]),
        &fragments::part(UDP, 16, 0, &[0; 8]),
        &v4(
            GRE,
            &[&[0, 0, 8, 0], &*ipv4(TCP, &tcp(9, 4, 2, &[]))].concat(),
        ),
    ];
    let (icmp, gre) = (L4Proto::Icmp, L4Proto::Other(GRE));
    let (there, tcp) = ((L4Proto::Udp, 5, 6), (L4Proto::Tcp, 9, 4));
    for (config, expected) in [
        (
            ExtractorConfig::zeek(),
            [
                vec![(icmp, 8, 0)],
                vec![(icmp, 8, 0)],
                vec![(icmp, 13, 14)],
                vec![(L4Proto::Sctp, 0, 0)],
                vec![],
                vec![there],
                vec![tcp],
            ],
        ),
        (
            ExtractorConfig::netflow(),
            [
                vec![(icmp, 0, 0)],
                vec![(icmp, 0, 0)],
                vec![(icmp, 0, 0)],
                vec![(L4Proto::Sctp, 4, 9)],
                vec![there],
                vec![(L4Proto::Udp, 0, 0)],
                vec![tcp],
            ],
        ),
        (
            ExtractorConfig::default(),
            [
                vec![(icmp, 8, 0)],
                vec![(icmp, 8, 0)],
                vec![(icmp, 13, 14)],
                vec![(L4Proto::Sctp, 4, 9)],
                vec![there],
                vec![there],
                vec![(gre, 0, 0), tcp],
            ],
        ),
    ] {
        let (found, _) = observe(config, frames);
        assert_eq!(found.map(|found| flows(&found)), expected, "{config:?}");
    }
    let ids = |config| {
        let (found, _) = observe(config, frames);
        [0, 1].map(|at: usize| packets(&found[at])[0].key.icmp_id)
    };
    assert_eq!(
        ids(ExtractorConfig::zeek()),
        [0, 0],
        "whatever the identifier"
    );
    assert_eq!(ids(ExtractorConfig::default()), [5, 6]);
}

#[test]
fn a_plain_frame_has_its_vlan_in_its_envelope() {
    let packet = ipv4(UDP, &udp(1, 2, b""));
    let (tagged, plain) = (ethernet(&[VLAN, IPV4], &packet), ethernet(&[IPV4], &packet));
    let (found, _) = observe(ExtractorConfig::default(), [&tagged, &plain]);
    let vlans = found.map(|found| packets(&found)[0].envelope.vlans);
    assert_eq!(
        vlans[0],
        wire::parse(&frame(&tagged)).unwrap().envelope.vlans
    );
    assert_eq!(vlans.map(VlanStack::is_empty), [false, true]);
}
