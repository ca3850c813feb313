//! Datagrams that become whole, and those that do not.

use ahash::RandomState;
use flowtrack_common::{Frame, LinkType, Timestamp};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::{at, datagram, fragment, packet};
use crate::{
    flow::fragments::{Reassembler, Whole},
    wire::{
        self, Packet, Transport,
        tests::frames::{UDP, ipv4_with, udp},
    },
};

/// Takes in the bytes of `payload` from `offset` to `end` as a fragment.
fn take(
    reassembler: &mut Reassembler,
    payload: &[u8],
    part: (usize, usize, bool),
    ts: Timestamp,
) -> Option<Whole> {
    let bytes = fragment_of(payload, part);
    let wire_len = u32::try_from(bytes.len()).unwrap();
    hold(reassembler, &bytes, wire_len, ts)
}

/// The packet that has the bytes of `payload` from `offset` to `end`.
fn fragment_of(payload: &[u8], (offset, end, more): (usize, usize, bool)) -> Vec<u8> {
    let field = u16::try_from(offset / 8).unwrap() | u16::from(more) << 13;
    ipv4_with(&[], field, UDP, &payload[offset..end])
}

/// Takes in a fragment of so many bytes on the wire, of which these were captured.
fn hold(
    reassembler: &mut Reassembler,
    bytes: &[u8],
    wire_len: u32,
    ts: Timestamp,
) -> Option<Whole> {
    let frame = Frame {
        bytes,
        wire_len,
        link: LinkType::RAW,
        ts,
    };
    let packet = wire::parse(&frame).unwrap();
    let fragment = packet.fragment.unwrap();
    reassembler.hold(datagram(1), &packet, &fragment, &frame, wire_len + 14)
}

/// The packet of a datagram.
fn found(whole: &Whole) -> Packet {
    let mut packet = wire::parse(&whole.frame(at(0))).unwrap();
    whole.place(&mut packet);
    packet
}

fn ports(packet: &Packet) -> (u16, u16) {
    match packet.transport {
        Transport::Datagram { ports, .. } => (ports.src, ports.dst),
        other => panic!("{other:?} is no datagram"),
    }
}

#[test]
fn a_datagram_is_one_packet_when_its_last_fragment_is_there() {
    let datagram = udp(5, 6, &[7; 1000]);
    let mut reassembler = Reassembler::new(RandomState::new());
    assert!(take(&mut reassembler, &datagram, (0, 400, true), at(0)).is_none());
    assert!(take(&mut reassembler, &datagram, (800, 1008, false), at(1)).is_none());
    let whole = take(&mut reassembler, &datagram, (400, 800, true), at(2)).unwrap();
    let packet = found(&whole);
    assert_eq!(packet.ip_len, 1028);
    assert_eq!(packet.transport.payload_len(), 1000);
    assert_eq!(ports(&packet), (5, 6));
    assert_eq!(packet.fragment, None);
    assert!(!packet.truncated);
    assert_eq!(whole.wire_len(), 1008 + 3 * 34);
}

#[test]
fn a_header_that_two_fragments_share_is_put_together() {
    let datagram = udp(5, 6, &[7; 8]);
    let mut reassembler = Reassembler::new(RandomState::new());
    assert!(take(&mut reassembler, &datagram, (8, 16, false), at(0)).is_none());
    let whole = take(&mut reassembler, &datagram, (0, 8, true), at(0)).unwrap();
    assert_eq!(ports(&found(&whole)), (5, 6));
}

#[test]
fn what_was_there_first_stays() {
    let (first, second) = (udp(5, 6, &[7; 16]), udp(8, 9, &[7; 16]));
    let mut reassembler = Reassembler::new(RandomState::new());
    take(&mut reassembler, &first, (0, 16, true), at(0));
    take(&mut reassembler, &second, (0, 16, true), at(0));
    let whole = take(&mut reassembler, &second, (16, 24, false), at(0)).unwrap();
    assert_eq!(ports(&found(&whole)), (5, 6));
}

#[test]
fn a_datagram_of_which_the_end_is_not_known_is_not_whole() {
    let datagram = udp(5, 6, &[7; 1000]);
    let mut reassembler = Reassembler::new(RandomState::new());
    assert!(take(&mut reassembler, &datagram, (0, 800, true), at(0)).is_none());
    assert!(take(&mut reassembler, &datagram, (0, 800, true), at(0)).is_none());
    let whole = take(&mut reassembler, &datagram, (800, 1008, false), at(0));
    assert!(whole.is_some());
}

#[test]
fn the_end_is_with_the_last_byte_where_fragments_contradict_each_other() {
    let datagram = udp(5, 6, &[7; 100]);
    let mut reassembler = Reassembler::new(RandomState::new());
    assert!(take(&mut reassembler, &datagram, (0, 64, true), at(0)).is_none());
    let whole = take(&mut reassembler, &datagram, (40, 48, false), at(0)).unwrap();
    assert_eq!(found(&whole).ip_len, 84);
}

#[test]
fn a_datagram_has_the_header_of_its_first_fragment_in_whatever_order_they_come() {
    const TTL: usize = 8;
    let datagram = udp(5, 6, &[7; 24]);
    let parts = [(0, 16, true), (16, 24, true), (24, 32, false)];
    for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0]] {
        let mut reassembler = Reassembler::new(RandomState::new());
        let mut held = order.map(|part| {
            let mut bytes = fragment_of(&datagram, parts[part]);
            bytes[TTL] = 60 + u8::try_from(part).unwrap();
            let wire_len = u32::try_from(bytes.len()).unwrap();
            hold(&mut reassembler, &bytes, wire_len, at(0))
        });
        let whole = held[2].take().unwrap();
        assert_eq!(found(&whole).ttl, 60, "{order:?}");
    }
}

#[test]
fn a_datagram_is_cut_if_any_of_its_fragments_is() {
    let datagram = udp(5, 6, &[7; 24]);
    for cut in [None, Some(0), Some(1)] {
        let mut reassembler = Reassembler::new(RandomState::new());
        let mut held = [(0, 16, true), (16, 32, false)].map(|part| {
            let bytes = fragment_of(&datagram, part);
            let wire_len = u32::try_from(bytes.len()).unwrap();
            let missing = usize::from(cut == Some(part.0 / 16));
            hold(
                &mut reassembler,
                &bytes[..bytes.len() - missing],
                wire_len,
                at(0),
            )
        });
        let whole = held[1].take().unwrap();
        assert_eq!(found(&whole).truncated, cut.is_some(), "{cut:?}");
    }
}

#[test]
fn half_a_datagram_is_forgotten_after_half_a_minute() {
    let datagram = udp(5, 6, &[7; 8]);
    let mut reassembler = Reassembler::new(RandomState::new());
    assert!(take(&mut reassembler, &datagram, (0, 8, true), at(0)).is_none());
    assert!(take(&mut reassembler, &datagram, (8, 16, false), at(31)).is_none());
    assert!(take(&mut reassembler, &datagram, (0, 8, true), at(31)).is_some());
}

#[test]
fn no_datagram_is_longer_than_an_ip_packet_can_be() {
    let mut reassembler = Reassembler::new(RandomState::new());
    let frame = Frame {
        bytes: &[0x45; 40],
        wire_len: 40,
        link: LinkType::RAW,
        ts: at(0),
    };
    let mut hold = |offset, len, more| {
        let fragment = fragment(offset, len, more);
        let packet = packet(fragment);
        reassembler.hold(datagram(1), &packet, &fragment, &frame, 40)
    };
    assert!(hold(0, 65_000, true).is_none());
    assert!(hold(65_000, 516, false).is_none(), "one byte too many");
    assert!(hold(65_000, 515, false).is_some());
}

proptest! {
    #[test]
    fn the_order_of_the_fragments_does_not_matter(
        // So long that the first cut is always in it.
        len in 2000_usize..4000,
        cuts in vec(1_usize..250, 1..12),
        order in vec(any::<Index>(), 24),
    ) {
        let datagram = udp(5, 6, &vec![7; len]);
        let mut parts: Vec<(usize, usize, bool)> = Vec::new();
        let mut start = 0;
        for cut in cuts {
            let end = start + cut * 8;
            if end >= datagram.len() {
                break;
            }
            parts.push((start, end, true));
            start = end;
        }
        parts.push((start, datagram.len(), false));
        for (at, index) in order.iter().enumerate() {
            let other = index.index(parts.len());
            let this = at % parts.len();
            parts.swap(this, other);
        }
        let mut reassembler = Reassembler::new(RandomState::new());
        let last = parts.pop().unwrap();
        for part in parts {
            prop_assert!(take(&mut reassembler, &datagram, part, at(0)).is_none());
        }
        let whole = take(&mut reassembler, &datagram, last, at(0)).unwrap();
        let packet = found(&whole);
        prop_assert_eq!(packet.ip_len as usize, 20 + datagram.len());
        prop_assert_eq!(packet.transport.payload_len() as usize, len);
        prop_assert_eq!(ports(&packet), (5, 6));
    }
}
