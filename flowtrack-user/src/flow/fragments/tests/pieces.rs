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
    for gap in 0..20 {
        assert!(!pieces.add(gap * 2, gap * 2 + 1));
    }
    assert!(pieces.contains(0) && pieces.contains(30));
    assert!(!pieces.contains(32));
    pieces.add(0, 30);
    pieces.add(32, 33);
    assert!(pieces.contains(32), "there is room again");
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
