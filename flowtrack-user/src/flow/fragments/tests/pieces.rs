//! Which bytes were seen.

use proptest::{collection::vec, prelude::*};

use crate::flow::fragments::pieces::Pieces;

#[test]
fn pieces_that_touch_are_one_and_those_that_overlap_are_told() {
    let mut pieces = Pieces::default();
    assert!(!pieces.add(8, 16));
    assert_eq!(pieces.contiguous(), 0, "the first byte is missing");
    assert!(!pieces.add(24, 32));
    assert!(!pieces.add(0, 8), "it only touches");
    assert_eq!(pieces.contiguous(), 16);
    assert!(pieces.add(15, 24), "a byte of it was there");
    assert_eq!(pieces.contiguous(), 32);
    assert!(pieces.add(8, 16), "a repetition");
}

#[test]
fn a_piece_without_bytes_is_none() {
    let mut pieces = Pieces::default();
    assert!(!pieces.add(8, 8));
    assert_eq!(pieces, Pieces::default());
}

#[test]
fn a_piece_that_leaves_one_gap_too_many_is_left_out() {
    let mut pieces = Pieces::default();
    for gap in 0..40 {
        assert!(!pieces.add(gap * 2, gap * 2 + 1));
    }
    assert!(pieces.contains(0) && pieces.contains(62));
    assert!(!pieces.contains(64));
    pieces.add(0, 62);
    pieces.add(64, 65);
    assert!(pieces.contains(64), "there is room again");
}

#[test]
fn the_longest_datagram_becomes_whole_though_every_other_fragment_comes_first() {
    let total = 65_535;
    // Fragments in IPv4 packets of 1500 bytes, and in the smallest that all IPv6 networks carry.
    for len in [1480, 1232] {
        let (even, odd): (Vec<u32>, Vec<u32>) = (0..total)
            .step_by(len as usize)
            .partition(|start| start / len % 2 == 0);
        for order in [[&even, &odd], [&odd, &even]] {
            let mut pieces = Pieces::default();
            for &start in order.into_iter().flatten() {
                assert!(!pieces.add(start, total.min(start + len)));
            }
            assert_eq!(pieces.contiguous(), total, "{len}");
        }
    }
}

proptest! {
    #[test]
    fn bytes_are_there_if_they_were_added(parts in vec((0_u32..40, 0_u32..12), 0..15)) {
        let mut pieces = Pieces::default();
        let mut seen = [false; 60];
        for (start, len) in parts {
            let end = start + len;
            let part = &mut seen[start as usize..end as usize];
            let known = part.contains(&true);
            part.fill(true);
            prop_assert_eq!(pieces.add(start, end), known);
        }
        for (at, seen) in (0..).zip(seen) {
            prop_assert_eq!(pieces.contains(at), seen);
        }
        let contiguous = seen.iter().take_while(|seen| **seen).count();
        prop_assert_eq!(pieces.contiguous() as usize, contiguous);
    }
}
