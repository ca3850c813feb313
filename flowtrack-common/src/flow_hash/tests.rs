extern crate std;

use std::{collections::BTreeMap, vec::Vec};

use super::*;

const KEY: u32 = 7;

impl Datagrams for BTreeMap<u64, u32> {
    fn remember(&mut self, datagram: u64, hash: u32) {
        self.insert(datagram, hash);
    }

    fn recall(&self, datagram: u64) -> Option<u32> {
        self.get(&datagram).copied()
    }
}

/// An IPv4 packet with UDP from 10.0.0.`hosts[0]` to 10.0.0.`hosts[1]`; `place` is its field of flags and
/// fragment offset.
fn ipv4(hosts: [u8; 2], ports: [u16; 2], place: u16) -> Vec<u8> {
    let mut packet = std::vec![0x45, 0, 0, 28, 0, 99];
    packet.extend(place.to_be_bytes());
    packet.extend([64, 17, 0, 0, 10, 0, 0, hosts[0], 10, 0, 0, hosts[1]]);
    packet.extend(ports.into_iter().flat_map(u16::to_be_bytes));
    packet.extend([0, 8, 0, 0]);
    packet
}

/// An IPv6 packet with `headers` (number, body) before UDP.
fn ipv6(hosts: [u8; 2], ports: [u16; 2], headers: &[(u8, &[u8])]) -> Vec<u8> {
    let mut numbers: Vec<u8> = headers.iter().map(|(number, _)| *number).collect();
    numbers.push(17);
    let mut packet = std::vec![0x60, 0, 0, 0, 0, 0, numbers[0], 64];
    for host in hosts {
        packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    for ((_, body), next) in headers.iter().zip(&numbers[1..]) {
        packet.push(*next);
        packet.extend(*body);
    }
    packet.extend(ports.into_iter().flat_map(u16::to_be_bytes));
    packet.extend([0, 8, 0, 0]);
    packet
}

fn frame(headers: &[u8], packet: &[u8]) -> Vec<u8> {
    [&[0; 12], headers, packet].concat()
}

fn hash(packet: &[u8]) -> u32 {
    Flow::of_ip(&packet, 0).unwrap().hash(KEY)
}

#[test]
fn both_directions_have_the_same_hash_and_other_flows_another() {
    let there = hash(&ipv4([1, 2], [1000, 53], 0));
    assert_eq!(hash(&ipv4([2, 1], [53, 1000], 0)), there);
    for other in [
        ipv4([1, 2], [1001, 53], 0),
        ipv4([1, 2], [53, 1000], 0),
        ipv4([1, 3], [1000, 53], 0),
    ] {
        assert_ne!(hash(&other), there);
    }
    let there = hash(&ipv6([1, 2], [1000, 53], &[]));
    assert_eq!(hash(&ipv6([2, 1], [53, 1000], &[])), there);
    assert_ne!(hash(&ipv6([1, 2], [53, 1000], &[])), there);
    let packet = ipv4([1, 2], [1000, 53], 0);
    let flow = Flow::of_ip(&packet.as_slice(), 0).unwrap();
    assert_ne!(flow.hash(KEY), flow.hash(KEY + 1));
}

#[test]
fn an_ip_packet_is_found_behind_tags_labels_and_pppoe() {
    let (v4, v6) = (ipv4([1, 2], [1000, 53], 0), ipv6([1, 2], [1000, 53], &[]));
    let cases: [(&[u8], &[u8]); 7] = [
        (&[8, 0], &v4),
        (&[0x86, 0xdd], &v6),
        (&[0x81, 0, 0, 5, 8, 0], &v4),
        (&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x86, 0xdd], &v6),
        (&[0x88, 0x47, 0, 0, 0, 64, 0, 0, 1, 64], &v6),
        (&[0x88, 0x64, 0x11, 0, 0, 1, 0, 30, 0, 0x21], &v4),
        (
            &[0x81, 0, 0, 5, 0x88, 0x64, 0x11, 0, 0, 1, 0, 50, 0, 0x57],
            &v6,
        ),
    ];
    for (headers, packet) in cases {
        let frame = frame(headers, packet);
        let flow = Flow::of_frame(&frame.as_slice()).map(|flow| flow.hash(KEY));
        assert_eq!(flow, Some(hash(packet)), "{headers:x?}");
    }
    for headers in [[8, 6], [0, 40], [0x88, 0xcc]] {
        let frame = frame(&headers, &v4);
        assert_eq!(Flow::of_frame(&frame.as_slice()), None, "{headers:x?}");
    }
}

#[test]
fn extension_headers_are_walked() {
    let plain = hash(&ipv6([1, 2], [1000, 53], &[]));
    for headers in [
        &[(0, [0; 7].as_slice())][..],
        &[(60, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
        &[(0, &[0; 7]), (43, &[0; 7]), (51, &[2; 15])],
        // The whole datagram is in one fragment.
        &[(44, &[0, 0, 0, 0, 0, 0, 9])],
    ] {
        assert_eq!(
            hash(&ipv6([1, 2], [1000, 53], headers)),
            plain,
            "{headers:?}"
        );
    }
}

#[test]
fn later_fragments_have_the_hash_of_the_first_one() {
    let more = [0, 0, 1, 0, 0, 0, 9].as_slice();
    let last = [0, 5, 0, 0, 0, 0, 9].as_slice();
    for (first, later, whole) in [
        (
            ipv4([1, 2], [1000, 53], 0x2000),
            ipv4([1, 2], [7, 7], 0x0005),
            ipv4([1, 2], [1000, 53], 0),
        ),
        (
            ipv6([1, 2], [1000, 53], &[(44, more)]),
            ipv6([1, 2], [7, 7], &[(44, last)]),
            ipv6([1, 2], [1000, 53], &[]),
        ),
    ] {
        let mut datagrams = BTreeMap::new();
        let mut hashed = |packet: &Vec<u8>| {
            let flow = Flow::of_ip(&packet.as_slice(), 0).unwrap();
            flow.hash_whole(KEY, &mut datagrams)
        };
        let early = hashed(&later);
        assert_eq!(hashed(&first), hashed(&whole));
        assert_eq!(hashed(&later), hashed(&whole));
        // Before the first one nothing but addresses and protocol is known.
        assert_ne!(early, hashed(&whole));
        let together = |packet: &Vec<u8>| {
            let flow = Flow::of_ip(&packet.as_slice(), 0).unwrap();
            flow.fragments_together().hash(KEY)
        };
        assert_eq!(together(&first), early);
        assert_eq!(together(&later), early);
        assert_eq!(together(&whole), hashed(&whole));
    }
}

#[test]
fn hashes_are_spread_evenly() {
    let mut in_eighth = [0; 8];
    for host in 0..100 {
        for port in 0..100 {
            let hash = hash(&ipv4([host, 200], [port, 53], 0));
            in_eighth[(hash >> 29) as usize] += 1;
        }
    }
    // 1250 of 10,000 each; 3.29 standard deviations (33.07) are 109.
    assert!(
        in_eighth
            .iter()
            .all(|&count| (1141..=1359).contains(&count)),
        "{in_eighth:?}"
    );
}

#[test]
fn a_packet_that_is_cut_anywhere_is_no_danger() {
    for packet in [
        ipv4([1, 2], [1000, 53], 0),
        ipv6(
            [1, 2],
            [1000, 53],
            &[(0, &[0; 7]), (44, &[0, 5, 0, 0, 0, 0, 9])],
        ),
    ] {
        for len in 0..packet.len() {
            let frame = frame(&[0x88, 0x47, 0, 0, 1, 64], &packet[..len]);
            let addresses = if packet[0] == 0x45 { 20 } else { 40 };
            let flow = Flow::of_frame(&frame.as_slice());
            assert!(len >= addresses || flow.is_none(), "{len}");
        }
    }
}
