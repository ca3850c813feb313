//! What is remembered of a bounded number of datagrams.

use ahash::RandomState;

use super::{super::datagrams::Datagrams, at, datagram};

#[test]
fn the_datagram_that_was_silent_longest_makes_room() {
    let mut datagrams: Datagrams<u32> = Datagrams::new(1, RandomState::new());
    let mut seen = |id, secs| {
        let known = datagrams.get(datagram(id), at(secs)).unwrap();
        std::mem::replace(known, id)
    };
    for id in 1..=4 {
        assert_eq!(seen(id, id.into()), 0, "a place of its own");
    }
    assert_eq!(seen(1, 5), 1);
    assert_eq!(seen(5, 6), 0, "in the place of the second one");
    for id in [1, 3, 4, 5] {
        assert_eq!(seen(id, 7), id);
    }
    assert_eq!(seen(2, 8), 0);
}

#[test]
fn a_datagram_that_is_forgotten_makes_room_before_all_others() {
    let mut datagrams: Datagrams<u32> = Datagrams::new(1, RandomState::new());
    for id in 1..=4 {
        *datagrams.get(datagram(id), at(id.into())).unwrap() = id;
    }
    datagrams.forget(&datagram(3));
    for (id, known) in [(5, 0), (1, 1), (2, 2), (4, 4)] {
        assert_eq!(datagrams.get(datagram(id), at(5)), Some(&mut { known }));
    }
}
