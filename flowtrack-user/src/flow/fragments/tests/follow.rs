//! Later fragments go where the first one went.

use ahash::RandomState;
use flowtrack_common::{Defects, L4Proto};

use super::{at, datagram, fragment};
use crate::{
    flow::{
        extract::Ends,
        fragments::{Follower, Header},
    },
    wire::Ports,
};

const HEADER: Header = Header {
    l4: L4Proto::Udp,
    ends: Ends::NONE,
};

#[test]
fn the_header_of_the_first_fragment_is_that_of_the_others() {
    let mut follower = Follower::new(RandomState::new());
    let first = follower.follow(datagram(1), &fragment(0, 8, true), Some(HEADER), at(0));
    assert_eq!(first, (Some(HEADER), Defects::NONE));
    let later = follower.follow(datagram(1), &fragment(8, 8, true), None, at(1));
    assert_eq!(later, (Some(HEADER), Defects::NONE));
    let other = follower.follow(datagram(2), &fragment(8, 8, true), None, at(1));
    assert_eq!(other, (None, Defects::NONE), "another datagram");
}

#[test]
fn a_fragment_before_the_first_one_has_no_header() {
    let mut follower = Follower::new(RandomState::new());
    let early = follower.follow(datagram(1), &fragment(8, 8, false), None, at(0));
    assert_eq!(early.0, None);
    follower.follow(datagram(1), &fragment(0, 4, true), Some(HEADER), at(0));
    let late = follower.follow(datagram(1), &fragment(4, 4, true), None, at(0));
    assert_eq!(late.0, Some(HEADER));
}

#[test]
fn a_datagram_is_forgotten_after_half_a_minute_without_a_fragment() {
    let mut follower = Follower::new(RandomState::new());
    let mut header = |secs, offset, header| {
        let fragment = fragment(offset, 8, true);
        follower.follow(datagram(1), &fragment, header, at(secs)).0
    };
    header(0, 0, Some(HEADER));
    assert_eq!(header(30, 8, None), Some(HEADER));
    assert_eq!(header(60, 16, None), Some(HEADER));
    assert_eq!(header(91, 24, None), None);
}

#[test]
fn a_datagram_of_a_clock_that_was_set_back_is_forgotten() {
    let mut follower = Follower::new(RandomState::new());
    let first = fragment(0, 8, true);
    follower.follow(datagram(1), &first, Some(HEADER), at(100));
    let later = follower.follow(datagram(1), &fragment(8, 8, true), None, at(60));
    assert_eq!(later.0, None);
}

#[test]
fn fragments_that_overlap_are_told() {
    let mut follower = Follower::new(RandomState::new());
    follower.follow(datagram(1), &fragment(0, 16, true), Some(HEADER), at(0));
    let overlap = follower.follow(datagram(1), &fragment(8, 16, true), None, at(0));
    assert_eq!(overlap, (Some(HEADER), Defects::FRAGMENT_OVERLAP));
}

#[test]
fn a_first_fragment_that_comes_twice_overlaps_itself() {
    let mut follower = Follower::new(RandomState::new());
    let first = fragment(0, 16, true);
    for defects in [Defects::NONE, Defects::FRAGMENT_OVERLAP] {
        let found = follower.follow(datagram(1), &first, Some(HEADER), at(0));
        assert_eq!(found, (Some(HEADER), defects));
    }
}

#[test]
fn a_header_that_says_no_more_than_is_known_does_not_replace_it() {
    let with_ports = |l4, src| Header {
        l4,
        ends: Ends::ports(Ports { src, dst: 9 }),
    };
    let known = with_ports(L4Proto::Udp, 5);
    for (header, expected) in [
        (HEADER, known),
        (with_ports(L4Proto::Udp, 6), with_ports(L4Proto::Udp, 6)),
        (
            Header::without_ports(L4Proto::Tcp),
            Header::without_ports(L4Proto::Tcp),
        ),
    ] {
        let mut follower = Follower::new(RandomState::new());
        let first = fragment(0, 8, true);
        follower.follow(datagram(1), &first, Some(known), at(0));
        let again = follower.follow(datagram(1), &first, Some(header), at(0));
        assert_eq!(again.0, Some(expected));
        let later = follower.follow(datagram(1), &fragment(8, 8, true), None, at(0));
        assert_eq!(later.0, Some(expected));
    }
}

#[test]
fn an_identifier_that_is_used_again_is_no_overlap() {
    let mut follower = Follower::new(RandomState::new());
    for _ in 0..2 {
        for (offset, more, header) in [(0, true, Some(HEADER)), (8, false, None)] {
            let fragment = fragment(offset, 8, more);
            let found = follower.follow(datagram(1), &fragment, header, at(0));
            assert_eq!(found, (Some(HEADER), Defects::NONE));
        }
    }
}

#[test]
fn many_datagrams_take_no_more_memory_than_a_few() {
    let mut follower = Follower::new(RandomState::new());
    let mut known = 0;
    for id in 0..100_000 {
        follower.follow(datagram(id), &fragment(0, 8, true), Some(HEADER), at(0));
    }
    for id in 0..100_000 {
        let later = follower.follow(datagram(id), &fragment(8, 8, true), None, at(0));
        known += u32::from(later.0.is_some());
    }
    assert!(known <= 4096, "{known} of them are known");
}
