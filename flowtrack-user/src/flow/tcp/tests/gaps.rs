//! The gaps of a stream, by themselves.

use super::super::gaps::{Gap, Gaps};

/// A gap for each pair of its first number and the one behind it.
fn list(pairs: &[(u32, u32)]) -> Vec<Gap> {
    pairs.iter().map(|&(from, to)| Gap { from, to }).collect()
}

fn gaps(pairs: &[(u32, u32)]) -> Gaps {
    let mut gaps = Gaps::default();
    for gap in list(pairs) {
        assert_eq!(gaps.open(gap), None, "there is room for {pairs:?}");
    }
    gaps
}

fn all(gaps: &Gaps) -> Vec<Gap> {
    gaps.iter().collect()
}

const THREE: [(u32, u32); 3] = [(10, 20), (30, 40), (50, 60)];
const FOUR: [(u32, u32); 4] = [(10, 20), (30, 40), (50, 60), (70, 80)];

#[test]
fn a_gap_is_cut_at_a_number() {
    let gap = Gap { from: 10, to: 20 };
    for (number, before, after) in [
        (9, 0, 10),
        (10, 0, 10),
        (11, 1, 9),
        (19, 9, 1),
        (20, 10, 0),
        (21, 10, 0),
    ] {
        assert_eq!(gap.before(number).len(), before, "before {number}");
        assert_eq!(gap.after(number).len(), after, "after {number}");
    }
    let (end, start) = (gap.before(15), gap.after(15));
    assert_eq!((end.from, end.to, start.from, start.to), (10, 15, 15, 20));
}

#[test]
fn the_lowest_of_more_gaps_than_fit_is_given_up() {
    let mut gaps = gaps(&FOUR);
    let [lowest, second] = [Gap { from: 10, to: 20 }, Gap { from: 30, to: 40 }];
    assert_eq!(gaps.open(Gap { from: 90, to: 95 }), Some(lowest));
    assert_eq!(all(&gaps), list(&[(30, 40), (50, 60), (70, 80), (90, 95)]));
    assert_eq!(gaps.open(Gap { from: 97, to: 99 }), Some(second));
}

#[test]
fn what_lies_before_a_number_is_forgotten() {
    for (number, left) in [
        (9, &THREE[..]),
        (10, &THREE),
        (11, &[(11, 20), (30, 40), (50, 60)]),
        (19, &[(19, 20), (30, 40), (50, 60)]),
        (20, &[(30, 40), (50, 60)]),
        (21, &[(30, 40), (50, 60)]),
        (30, &[(30, 40), (50, 60)]),
        (31, &[(31, 40), (50, 60)]),
        (40, &[(50, 60)]),
        (60, &[]),
        (61, &[]),
    ] {
        let mut gaps = gaps(&THREE);
        gaps.forget_before(number);
        assert_eq!(all(&gaps), list(left), "{number}");
        // What is forgotten takes no room.
        for open in left.len()..FOUR.len() {
            assert_eq!(gaps.open(Gap { from: 90, to: 91 }), None, "{number} {open}");
        }
    }
}

#[test]
fn a_piece_fills_what_it_shares_with_gaps() {
    for (name, piece, fills, left) in [
        ("before all", (0, 9), false, &THREE[..]),
        ("up to one", (5, 10), false, &THREE),
        ("into one", (5, 11), true, &[(11, 20), (30, 40), (50, 60)]),
        (
            "the first number",
            (10, 11),
            true,
            &[(11, 20), (30, 40), (50, 60)],
        ),
        (
            "the last number",
            (19, 20),
            true,
            &[(10, 19), (30, 40), (50, 60)],
        ),
        ("between two", (20, 30), false, &THREE),
        ("nothing at the end of one", (20, 20), false, &THREE),
        ("one", (30, 40), true, &[(10, 20), (50, 60)]),
        ("over two", (15, 35), true, &[(10, 15), (35, 40), (50, 60)]),
        ("all", (10, 60), true, &[]),
        ("behind all", (60, 70), false, &THREE),
        (
            "the middle of one",
            (33, 36),
            true,
            &[(10, 20), (30, 33), (36, 40), (50, 60)],
        ),
    ] {
        let mut gaps = gaps(&THREE);
        let (from, to) = piece;
        assert_eq!(gaps.fill(Gap { from, to }), fills, "{name}");
        assert_eq!(all(&gaps), list(left), "{name}");
    }
}

#[test]
fn where_there_is_no_room_for_the_second_half_of_a_gap_the_highest_is_given_up() {
    let mut gaps = gaps(&FOUR);
    assert!(gaps.fill(Gap { from: 33, to: 36 }));
    assert_eq!(all(&gaps), list(&[(10, 20), (30, 33), (36, 40), (50, 60)]));
}

#[test]
fn where_there_is_no_gap_nothing_is_filled_or_forgotten() {
    let mut gaps = Gaps::default();
    assert!(!gaps.fill(Gap { from: 0, to: 9 }));
    gaps.forget_before(9);
    assert_eq!(all(&gaps), []);
}

#[test]
fn gaps_are_the_same_if_the_same_is_missing() {
    let mut filled = gaps(&THREE);
    filled.fill(Gap { from: 50, to: 60 });
    assert_eq!(filled, gaps(&THREE[..2]), "whatever was missing before");
    assert_ne!(filled, gaps(&THREE));
    assert_ne!(filled, gaps(&[(10, 20), (31, 40)]));
}
