//! Where a segment lies between the others.

use super::{Fit, data, fin, missed, open_at, seen, send};

const NEW: Fit = Fit {
    fills: false,
    repeats: false,
    gap: 0,
};
const FILLS: Fit = Fit { fills: true, ..NEW };
const REPEATS: Fit = Fit {
    repeats: true,
    ..NEW
};

fn behind(gap: u32) -> Fit {
    Fit { gap, ..NEW }
}

#[test]
fn a_segment_is_new_or_leaves_a_gap_or_repeats() {
    for (name, segment, fit) in [
        ("up to the end", data(90, 11), REPEATS),
        ("one byte more", data(90, 12), NEW),
        ("the last byte again", data(100, 1), REPEATS),
        ("at the end", data(101, 1), NEW),
        ("nothing before the end", data(100, 0), NEW),
        ("nothing at the end", data(101, 0), NEW),
        ("a FIN at the end", fin(101, 0), NEW),
        ("one byte is missing", data(102, 1), behind(1)),
        ("nothing, and one byte is missing", data(102, 0), behind(1)),
        ("a FIN, and one byte is missing", fin(102, 0), behind(1)),
        ("of another stream", data((1 << 30) + 101, 1), NEW),
    ] {
        assert_eq!(send(&mut seen(100), segment).0, fit, "{name}");
    }
}

#[test]
fn a_segment_fills_a_gap_or_repeats() {
    // The gap is from 101 to before 201, and 300 is the last byte.
    for (name, segment, fit) in [
        ("before the gap", data(50, 51), REPEATS),
        ("its first byte", data(101, 1), FILLS),
        ("its last byte", data(200, 1), FILLS),
        ("behind it", data(201, 1), REPEATS),
        ("all that there is", data(1, 300), FILLS),
        ("more than there is", data(101, 201), NEW),
        ("nothing in it", data(150, 0), NEW),
    ] {
        let mut stream = seen(100);
        send(&mut stream, data(201, 100));
        assert_eq!(send(&mut stream, segment).0, fit, "{name}");
    }
}

/// As many gaps as are remembered, of 100 bytes each: at 1, at 201, at 401 and at 601.
const PIECES: [u32; 4] = [101, 301, 501, 701];

#[test]
fn segments_without_a_byte_take_no_room_of_the_gaps() {
    for (name, seq, times) in [("at the end", 801, 9), ("in a gap", 50, 9)] {
        let mut stream = open_at(0);
        for piece in PIECES {
            send(&mut stream, data(piece, 100));
        }
        for _ in 0..times {
            assert_eq!(
                send(&mut stream, data(seq, 0)),
                (NEW, missed(0, 0)),
                "{name}"
            );
        }
        for piece in PIECES {
            let (fit, _) = send(&mut stream, data(piece - 100, 100));
            assert_eq!(fit, FILLS, "{name} {piece}");
        }
    }
}

#[test]
fn a_gap_that_is_given_up_is_lost_but_for_what_is_settled() {
    for (ack, lost) in [
        (1, missed(1, 100)),
        (51, missed(1, 50)),
        (100, missed(1, 1)),
        (101, missed(0, 0)),
        (102, missed(0, 0)),
    ] {
        let mut stream = open_at(0);
        for piece in PIECES {
            assert_eq!(
                send(&mut stream, data(piece, 100)),
                (behind(100), missed(0, 0))
            );
        }
        stream.settle(ack, None);
        let last = send(&mut stream, data(901, 100));
        assert_eq!(last, (behind(100), lost), "{ack}");
        assert_eq!(send(&mut stream, data(1, 100)).0, REPEATS, "{ack}");
    }
}
