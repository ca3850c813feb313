//! IP fragments.

use flowtrack_common::{Defects, L4Proto};

use super::{flows, observe, packets, refused, v6};
use crate::{
    flow::{ExtractorConfig, Fragments},
    wire::{
        Refusal,
        tests::frames::{
            DESTINATION, FRAGMENT, GRE, IPV4, TCP, UDP, ethernet, extension, fragment, ipv4,
            ipv4_with, tcp, udp,
        },
    },
};

pub(super) const MORE: u16 = 0x2000;

fn config(fragments: Fragments) -> ExtractorConfig {
    ExtractorConfig {
        fragments,
        ..ExtractorConfig::default()
    }
}

/// A fragment with the payload from byte `offset` on.
pub(super) fn part(protocol: u8, offset: u16, more: u16, payload: &[u8]) -> Vec<u8> {
    ethernet(
        &[IPV4],
        &ipv4_with(&[], more | (offset / 8), protocol, payload),
    )
}

#[test]
fn later_fragments_count_in_the_flow_of_the_first() {
    let frames: [&[u8]; 3] = [
        &part(UDP, 0, MORE, &udp(5, 6, &[0; 8])),
        &part(UDP, 16, MORE, &[0; 8]),
        &part(UDP, 24, 0, &[0; 3]),
    ];
    let (found, counts) = observe(config(Fragments::Follow), frames);
    for (found, payload_len) in found.iter().zip([8, 8, 3]) {
        assert_eq!(flows(found), [(L4Proto::Udp, 5, 6)]);
        assert_eq!(packets(found)[0].payload_len, payload_len);
        assert_eq!(packets(found)[0].defects, Defects::NONE);
    }
    assert_eq!(counts.accepted, 3);
}

#[test]
fn a_later_fragment_has_the_protocol_that_the_first_one_shows() {
    // Only the first fragment of IPv6 shows what is behind its extension headers.
    let first = extension(UDP, 8, &udp(5, 6, &[0; 8]));
    let frames: [&[u8]; 2] = [
        &v6(FRAGMENT, &fragment(DESTINATION, 0, true, &first)),
        &v6(FRAGMENT, &fragment(DESTINATION, 3, false, &[0; 8])),
    ];
    let (found, _) = observe(config(Fragments::Follow), frames);
    assert_eq!(flows(&found[0]), [(L4Proto::Udp, 5, 6)]);
    assert_eq!(flows(&found[1]), [(L4Proto::Udp, 5, 6)]);
    assert_eq!(packets(&found[1])[0].l4, Some(L4Proto::Udp));
}

#[test]
fn a_datagram_whose_first_fragment_has_no_ports_is_in_one_flow() {
    let chain = extension(UDP, 8, &udp(5, 6, &[0; 8]));
    // The options are whole, or go on in the second fragment.
    for (len, l4) in [(8, L4Proto::Udp), (16, L4Proto::Other(DESTINATION))] {
        let mut chain = chain.clone();
        chain[1] = u8::try_from(len / 8 - 1).unwrap();
        let frames: [&[u8]; 2] = [
            &v6(FRAGMENT, &fragment(DESTINATION, 0, true, &chain[..8])),
            &v6(FRAGMENT, &fragment(DESTINATION, 1, false, &chain[8..])),
        ];
        let (found, _) = observe(config(Fragments::Follow), frames);
        let tiny = [Defects::TINY_FRAGMENT, Defects::NONE];
        for (found, defects) in found.iter().zip(tiny) {
            assert_eq!(flows(found), [(l4, 0, 0)]);
            assert_eq!(packets(found)[0].defects, defects);
        }
    }
}

#[test]
fn a_first_fragment_without_ports_does_not_hide_those_of_another_one() {
    let frames: [&[u8]; 3] = [
        &part(TCP, 0, MORE, &tcp(5, 6, 2, &[0; 4])),
        &part(TCP, 0, MORE, &tcp(5, 6, 2, &[])[..8]),
        &part(TCP, 24, 0, &[0; 8]),
    ];
    let (found, _) = observe(config(Fragments::Follow), frames);
    for found in &found {
        assert_eq!(flows(found), [(L4Proto::Tcp, 5, 6)]);
    }
}

#[test]
fn datagrams_of_two_networks_are_two_though_their_flows_are_not_told_apart() {
    let in_vlan =
        |vlan: u8, bytes: Vec<u8>| [&bytes[..12], &[0x81, 0, 0, vlan], &bytes[12..]].concat();
    let in_tunnel = |vni: u8, bytes: Vec<u8>| {
        let header = [8, 0, 0, 0, 0, 0, vni, 0];
        ethernet(
            &[IPV4],
            &ipv4(UDP, &udp(9, 4789, &[&header[..], &bytes].concat())),
        )
    };
    let networks: [&dyn Fn(u8, Vec<u8>) -> Vec<u8>; 2] = [&in_vlan, &in_tunnel];
    for network in networks {
        let first = |port| part(UDP, 0, MORE, &udp(port, port, &[0; 16])[..16]);
        let last = || part(UDP, 16, 0, &[0; 8]);
        let frames: [&[u8]; 4] = [
            &network(1, first(5)),
            &network(2, first(6)),
            &network(1, last()),
            &network(2, last()),
        ];
        let (followed, _) = observe(config(Fragments::Follow), frames);
        let (put_together, _) = observe(config(Fragments::Reassemble), frames);
        for (found, port) in [2, 3].into_iter().zip([5, 6]) {
            for found in [&followed[found], &put_together[found]] {
                let innermost = flows(found).last().copied();
                assert_eq!(innermost, Some((L4Proto::Udp, port, port)));
                let defects = packets(found).last().map(|packet| packet.defects);
                assert_eq!(defects, Some(Defects::NONE));
            }
        }
    }
}

#[test]
fn a_fragment_whose_first_one_is_unknown_has_the_real_protocol_and_no_ports() {
    let later = part(TCP, 16, 0, &[0; 8]);
    let first = part(TCP, 0, MORE, &tcp(5, 6, 2, &[0; 4]));
    for (fragments, frames, expected) in [
        (Fragments::Follow, [&*later, &first, &later], [0, 5, 5]),
        (Fragments::Apart, [&*first, &later, &later], [5, 0, 0]),
    ] {
        let (found, _) = observe(config(fragments), frames);
        let flows: Vec<_> = found.iter().map(|found| flows(found)[0]).collect();
        let expected = expected.map(|src| (L4Proto::Tcp, src, if src == 0 { 0 } else { 6 }));
        assert_eq!(flows, expected, "{fragments:?}");
        let headless = found.iter().map(|found| packets(found)[0]);
        for packet in headless.filter(|packet| packet.payload_len == 8) {
            assert_eq!(packet.tcp, None, "nothing to follow a connection by");
        }
    }
}

#[test]
fn overlapping_and_tiny_fragments_are_marked() {
    let frames: [&[u8]; 3] = [
        &part(TCP, 0, MORE, &tcp(5, 6, 2, &[])[..8]),
        &part(TCP, 8, MORE, &[0; 16]),
        &part(TCP, 16, 0, &[0; 16]),
    ];
    let defects = |fragments| {
        let (found, _) = observe(config(fragments), frames);
        found.map(|found| packets(&found)[0].defects)
    };
    let (tiny, overlap) = (Defects::TINY_FRAGMENT, Defects::FRAGMENT_OVERLAP);
    assert_eq!(defects(Fragments::Follow), [tiny, Defects::NONE, overlap]);
    assert_eq!(
        defects(Fragments::Apart),
        [tiny, Defects::NONE, Defects::NONE],
        "nothing is remembered"
    );
}

#[test]
fn a_datagram_that_is_put_together_counts_once_and_its_fragments_are_held() {
    let frames: [&[u8]; 3] = [
        &part(UDP, 0, MORE, &udp(5, 6, &[0; 16])[..16]),
        &part(UDP, 16, 0, &[0; 8]),
        &part(UDP, 16, 0, &[0; 8]),
    ];
    let (found, counts) = observe(config(Fragments::Reassemble), frames);
    assert_eq!(found[0], []);
    assert_eq!(flows(&found[1]), [(L4Proto::Udp, 5, 6)]);
    let whole = packets(&found[1])[0];
    assert_eq!((whole.ip_len, whole.payload_len), (44, 16));
    assert_eq!(whole.wire_len, 50 + 42, "both frames");
    assert_eq!(found[2], [], "it begins another datagram");
    assert_eq!(counts.accepted, 1);
    assert_eq!(refused(&counts, Refusal::FragmentHeld), 2);
}

#[test]
fn a_datagram_of_ipv6_has_no_fragment_header_when_it_is_put_together() {
    let datagram = udp(5, 6, &[0; 16]);
    let frames: [&[u8]; 2] = [
        &v6(FRAGMENT, &fragment(UDP, 0, true, &datagram[..16])),
        &v6(FRAGMENT, &fragment(UDP, 2, false, &datagram[16..])),
    ];
    let (found, _) = observe(config(Fragments::Reassemble), frames);
    let whole = packets(&found[1])[0];
    assert_eq!((whole.ip_len, whole.payload_len), (40 + 24, 16));
    assert!(!whole.truncated);
}

#[test]
fn a_tunnel_that_is_put_together_is_looked_into() {
    let tunnel = [&[0, 0, 8, 0], &*ipv4(UDP, &udp(5, 6, &[0; 16]))].concat();
    let frames: [&[u8]; 2] = [
        &part(GRE, 0, MORE, &tunnel[..32]),
        &part(GRE, 32, 0, &tunnel[32..]),
    ];
    let (found, counts) = observe(config(Fragments::Reassemble), frames);
    assert_eq!(
        flows(&found[1]),
        [(L4Proto::Other(GRE), 0, 0), (L4Proto::Udp, 5, 6)]
    );
    let [outer, inner] = packets(&found[1])[..] else {
        panic!("two packets");
    };
    assert!(outer.envelope.carries);
    assert_eq!(inner.envelope.depth, 1);
    assert_eq!((outer.ip_len, inner.ip_len), (20 + 4 + 44, 44));
    assert_eq!((counts.accepted, counts.tunnelled), (1, 1));
}
