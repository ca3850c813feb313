//! Whatever the bytes are, the account of the frames closes.

use flowtrack_common::{Defects, FlowExtractor, Frame};
use proptest::{collection::vec, prelude::*, sample::select};

use super::{packets, v4, v6};
use crate::{
    flow::{
        ExtractorConfig, FiveTupleExtractor, Fragments, IcmpFlows, Intake, IntakeCounts,
        Observation, SctpFlows, Tunnels,
    },
    wire::tests::frames::{
        FRAGMENT, GRE, ICMP, IPV4, TCP, UDP, VLAN, ethernet, fragment, frame, icmp, ipv4,
        ipv4_with, tcp, udp,
    },
};

/// Frames with tunnels, fragments and quotations.
fn seeds() -> Vec<Vec<u8>> {
    let inner = ipv4(TCP, &tcp(5, 6, 2, &[1; 9]));
    let gre = |payload: &[u8]| [&[0, 0, 8, 0], payload].concat();
    let vxlan = [&[8, 0, 0, 0, 0, 0, 7, 0], &*ethernet(&[IPV4], &inner)].concat();
    vec![
        v4(GRE, &gre(&ipv4(UDP, &udp(9, 4789, &vxlan)))),
        v4(4, &ipv4_with(&[], 0x2000, UDP, &udp(5, 6, &[0; 16]))),
        v4(4, &ipv4_with(&[], 3, UDP, &[0; 11])),
        ethernet(
            &[VLAN, IPV4],
            &ipv4_with(&[], 0x2000, GRE, &gre(&inner)[..24]),
        ),
        ethernet(&[VLAN, IPV4], &ipv4_with(&[], 3, GRE, &gre(&inner)[24..])),
        v6(FRAGMENT, &fragment(UDP, 0, true, &udp(5, 6, &[0; 8]))),
        v6(FRAGMENT, &fragment(UDP, 2, false, &[0; 8])),
        v4(ICMP, &icmp(3, 0, &ipv4(UDP, &udp(5, 6, &[0; 4])))),
        v4(TCP, &tcp(5, 6, 2, &[])),
    ]
}

fn config() -> impl Strategy<Value = ExtractorConfig> {
    (
        select(vec![
            Tunnels::All,
            Tunnels::Zeek,
            Tunnels::Inner,
            Tunnels::Outer,
        ]),
        select(vec![
            Fragments::Follow,
            Fragments::Apart,
            Fragments::Reassemble,
        ]),
        select(vec![IcmpFlows::Queries, IcmpFlows::Types, IcmpFlows::Hosts]),
        any::<[bool; 3]>(),
    )
        .prop_map(
            |(tunnels, fragments, icmp, [key_vlan, key_tunnel, verify_checksums])| {
                ExtractorConfig {
                    tunnels,
                    fragments,
                    icmp,
                    sctp: SctpFlows::Ports,
                    key_vlan,
                    key_tunnel,
                    verify_checksums,
                    hash_key: None,
                }
            },
        )
}

/// Seeds with a byte changed, and cut.
fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let frame = (
        select(seeds()),
        any::<(prop::sample::Index, u8)>(),
        0_usize..20,
    )
        .prop_map(|(mut bytes, (at, value), cut)| {
            if value > 100 {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(bytes.len() - cut.saturating_sub(10));
            bytes
        });
    vec(frame, 1..40)
}

#[test]
fn a_frame_that_the_filter_does_not_want_is_counted_as_such_alone() {
    let config = ExtractorConfig::default();
    let mut intake = Intake::filtered(config, Some("len < 20".parse().unwrap()));
    assert!(intake.wants(&frame(&[0; 19])));
    assert!(!intake.wants(&frame(&[0; 20])));
    assert!(!intake.wants(&frame(&[0; 21])));
    let expected = IntakeCounts {
        filtered: 2,
        ..IntakeCounts::default()
    };
    assert_eq!(*intake.counts(), expected);
    assert!(Intake::new(config).wants(&frame(&[])));
}

proptest! {
    #[test]
    fn each_frame_is_accepted_or_refused_and_each_packet_is_counted(
        frames in frames(),
        config in config(),
    ) {
        let mut intake = Intake::new(config);
        let mut extractor = FiveTupleExtractor::new(config);
        let mut taken = 0;
        for bytes in &frames {
            let mut found = Vec::new();
            intake.frame(&frame(bytes), |observation| found.push(observation));
            let packets = packets(&found);
            taken += packets.len() as u64;
            prop_assert_eq!(extractor.extract(&frame(bytes)), packets.first().copied());
        }
        let counts = intake.counts();
        prop_assert_eq!(counts.accepted + counts.refused.total(), frames.len() as u64);
        prop_assert_eq!(counts.accepted + counts.tunnelled, taken);
        prop_assert!(counts.refused_inside <= counts.accepted);
    }

    #[test]
    fn what_is_counted_of_a_packet_is_possible(frames in frames(), config in config()) {
        let mut intake = Intake::new(config);
        for bytes in &frames {
            let cut = Frame {
                wire_len: u32::try_from(bytes.len()).unwrap() + 4,
                ..frame(bytes)
            };
            intake.frame(&cut, |observation| {
                let Observation::Packet(meta) = observation else {
                    return;
                };
                let packet = meta.packet;
                assert!(packet.payload_len <= packet.ip_len);
                assert!(packet.wire_len >= cut.wire_len);
                assert_eq!(packet.l4, Some(packet.key.l4));
                assert_eq!(packet.envelope.depth > 0, packet.envelope.tunnel.is_some());
                if config.tunnels == Tunnels::Outer {
                    assert_eq!(packet.envelope.depth, 0);
                }
                if config.fragments == Fragments::Reassemble {
                    assert_eq!(packet.defects, Defects::NONE);
                }
            });
        }
    }
}
