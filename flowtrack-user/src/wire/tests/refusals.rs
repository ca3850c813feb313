//! Every reason for which a packet is refused, and its counter.

use std::collections::HashSet;

use flowtrack_common::{Frame, LinkType};

use super::frames::{
    ARP, DESTINATION, ICMP, ICMPV6, IPV4, IPV6, ROUTING, SCTP, TCP, UDP, VLAN, ethernet, extension,
    frame, icmp, ipv4, ipv6, sctp, tcp, udp,
};
use crate::{
    flow::{Intake, Observation},
    wire::{Refusal, RefusalCounts, parse},
};

const CHECKSUMS: [Refusal; 4] = [
    Refusal::IpChecksum,
    Refusal::TcpChecksum,
    Refusal::UdpChecksum,
    Refusal::IcmpChecksum,
];

/// Reasons that are not found in the bytes of one packet.
const EXTRACTION: [Refusal; 3] = [
    Refusal::FragmentHeld,
    Refusal::TunnelContent,
    Refusal::NoKey,
];

/// `bytes` with the byte at `at` set to `value`.
fn with(mut bytes: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
    bytes[at] = value;
    bytes
}

/// `bytes` without the last `count`.
fn without(mut bytes: Vec<u8>, count: usize) -> Vec<u8> {
    bytes.truncate(bytes.len() - count);
    bytes
}

/// An Ethernet frame with an IPv4 packet whose payload is cut short on its way.
fn short(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(&[IPV4], &ipv4(protocol, payload))
}

fn cases() -> Vec<(Refusal, Vec<u8>)> {
    let ip = || ethernet(&[IPV4], &ipv4(UDP, &udp(1, 2, &[])));
    let extensions = (0..64).fold(extension(UDP, 8, &[]), |inner, _| {
        extension(DESTINATION, 8, &inner)
    });
    vec![
        (Refusal::EthernetTruncated, vec![]),
        (Refusal::EthernetTruncated, vec![0; 13]),
        (Refusal::VlanTruncated, ethernet(&[VLAN], &[0, 100, 8])),
        (Refusal::VlanTruncated, ethernet(&[VLAN, VLAN], &[])),
        (Refusal::LinkDepth, ethernet(&[VLAN; 130], &[0; 60])),
        (
            Refusal::LinkTruncated,
            ethernet(&[0x8864], &[0x11, 0, 0, 1, 0]),
        ),
        (
            Refusal::MplsTruncated,
            ethernet(&[0x8847], &[0, 0x10, 0, 64, 0]),
        ),
        (Refusal::MplsDepth, ethernet(&[0x8847], &[0; 60])),
        (Refusal::NotIp, ethernet(&[ARP], &[0; 46])),
        (Refusal::IpTruncated, ethernet(&[IPV4], &[])),
        (Refusal::IpTruncated, ethernet(&[IPV4], &[0x45; 19])),
        (Refusal::IpTruncated, ethernet(&[IPV6], &[0x60; 39])),
        (Refusal::IpVersion, with(ip(), 14, 0x65)),
        (Refusal::IpHeaderLength, with(ip(), 14, 0x44)),
        (Refusal::IpLength, without(ip(), 1)),
        (
            Refusal::Ipv6ExtensionTruncated,
            ethernet(&[IPV6], &ipv6(ROUTING, &[UDP; 7])),
        ),
        (
            Refusal::Ipv6ExtensionDepth,
            ethernet(&[IPV6], &ipv6(DESTINATION, &extensions)),
        ),
        (
            Refusal::TcpTruncated,
            short(TCP, &without(tcp(1, 2, 2, &[]), 1)),
        ),
        (
            Refusal::TcpHeaderLength,
            short(TCP, &with(tcp(1, 2, 2, &[]), 12, 0x40)),
        ),
        (
            Refusal::UdpTruncated,
            short(UDP, &without(udp(1, 2, &[]), 1)),
        ),
        (Refusal::IcmpTruncated, short(ICMP, &[8, 0, 0])),
        (
            Refusal::IcmpTruncated,
            ethernet(&[IPV6], &ipv6(ICMPV6, &without(icmp(128, 1, &[]), 5))),
        ),
        (
            Refusal::SctpTruncated,
            short(SCTP, &without(sctp(1, 2, &[]), 1)),
        ),
    ]
}

#[test]
fn a_packet_is_refused_for_the_first_thing_that_stands_in_the_way() {
    for (refusal, bytes) in cases() {
        assert_eq!(parse(&frame(&bytes)), Err(refusal), "{bytes:02x?}");
    }
}

#[test]
fn every_reason_is_reached() {
    let mut reached: HashSet<_> = cases().into_iter().map(|(refusal, _)| refusal).collect();
    // The link type is not in the bytes, and checksums are only looked at on request: `checksums.rs` has
    // tests for them. The others are an extractor's.
    reached.insert(Refusal::LinkType);
    reached.extend(CHECKSUMS);
    reached.extend(EXTRACTION);
    let all: HashSet<_> = Refusal::ALL.iter().copied().collect();
    assert_eq!(reached, all);
}

#[test]
fn every_refused_packet_is_counted_once_under_its_reason() {
    let mut intake = Intake::default();
    let mut seen = 0;
    let mut count = |observation: Observation<_>| {
        seen += usize::from(matches!(observation, Observation::Packet(_)));
    };
    let mut expected = RefusalCounts::default();
    for (refusal, bytes) in cases() {
        intake.frame(&frame(&bytes), &mut count);
        expected.count(refusal);
    }
    let sound = ethernet(&[IPV4], &ipv4(UDP, &udp(1, 2, &[])));
    let unknown = Frame {
        link: LinkType(9999),
        ..frame(&sound)
    };
    intake.frame(&unknown, &mut count);
    expected.count(Refusal::LinkType);
    intake.frame(&frame(&sound), &mut count);
    assert_eq!(seen, 1);
    assert_eq!(intake.counts().accepted, 1);
    assert_eq!(intake.counts().refused, expected);
    assert_eq!(expected.total(), cases().len() as u64 + 1);
}

#[test]
fn each_reason_has_a_name_of_its_own() {
    let names: HashSet<_> = Refusal::ALL.iter().map(|refusal| refusal.name()).collect();
    assert_eq!(names.len(), Refusal::ALL.len());
    assert!(names.iter().all(|name| {
        name.bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    }));
}

#[test]
fn counts_add_up_reason_by_reason() {
    let mut sum = RefusalCounts::default();
    for (number, &refusal) in (1..).zip(Refusal::ALL) {
        let mut part = RefusalCounts::default();
        part.add(refusal, number);
        sum += part;
        sum += part;
    }
    for ((refusal, packets), number) in sum.iter().zip(1..) {
        assert_eq!(packets, 2 * number, "{refusal:?}");
    }
}
