//! What the other side has acknowledged of a stream.

use super::{Stream, data, fin, missed, open_at, rst, seen, send};

/// An acknowledgment of 0 that is farther off means nothing.
const JUMP: u32 = 1 << 20;
/// As much as this above a gap without an acknowledgment: only this side is seen.
const ONE_WAY: u32 = 16_384;

#[test]
fn no_number_before_the_start_can_be_acknowledged() {
    for (ack, possible) in [
        (0, true),
        (1, true),
        (101, true),
        (102, true),
        (u32::MAX, false),
        (u32::MAX - 1, false),
    ] {
        assert_eq!(seen(100).acknowledge(ack, true), possible, "{ack}");
    }
}

#[test]
fn what_was_acknowledged_belongs_to_the_stream_though_it_was_not_seen() {
    for (ack, trusted, bytes) in [
        (100, true, 100),
        (101, true, 100),
        (102, true, 101),
        (5000, true, 4999),
        (5000, false, 100),
    ] {
        let mut stream = seen(100);
        assert!(stream.acknowledge(ack, trusted), "{ack}");
        assert_eq!(stream.bytes(false), bytes, "{ack}");
        // An older acknowledgment takes nothing back.
        stream.acknowledge(50, true);
        assert_eq!(stream.bytes(false), bytes, "{ack}");
    }
}

#[test]
fn an_acknowledgment_of_zero_counts_if_it_is_not_far_off() {
    for (before, ack, bytes) in [
        (JUMP - 1, 0, JUMP - 1),
        (JUMP, 0, JUMP),
        (JUMP + 1, 0, 0),
        (JUMP + 1, 1, JUMP + 2),
        (JUMP + 1, u32::MAX, JUMP),
    ] {
        // The first byte has the number `before` 0.
        let first = 0u32.wrapping_sub(before);
        let mut stream = open_at(first.wrapping_sub(1));
        assert!(stream.acknowledge(ack, true));
        assert_eq!(stream.bytes(false), u64::from(bytes), "{before:#x} {ack}");
    }
}

#[test]
fn much_above_a_gap_that_is_never_acknowledged_nothing_is_waited_for() {
    // The gap is from 1 to before 101.
    for (len, waits) in [
        (ONE_WAY - 101, true),
        (ONE_WAY - 100, true),
        (ONE_WAY - 99, false),
    ] {
        let mut stream = open_at(0);
        send(&mut stream, data(101, len));
        assert_eq!(stream.is_incomplete(), waits, "{len}");
        assert_eq!(stream.is_unacknowledged(), waits, "{len}");
    }
}

#[test]
fn an_acknowledgment_of_a_byte_shows_that_both_sides_are_seen() {
    for (ack, both) in [(0, false), (1, false), (2, true), (3, true)] {
        let mut stream = open_at(0);
        stream.acknowledge(ack, true);
        // That of the SYN, after it, takes nothing back.
        stream.acknowledge(1, true);
        send(&mut stream, data(101, 2 * ONE_WAY));
        assert_eq!(stream.is_incomplete(), both, "{ack}");
        assert_eq!(stream.is_unacknowledged(), both, "{ack}");
    }
}

#[test]
fn a_long_stream_without_a_gap_is_not_waited_for_where_no_acknowledgment_is_seen() {
    // The SYN has a number, too.
    for (len, waits) in [
        (100, true),
        (ONE_WAY - 2, true),
        (ONE_WAY - 1, true),
        (ONE_WAY, false),
        (ONE_WAY + 1, false),
    ] {
        assert_eq!(seen(len).is_unacknowledged(), waits, "{len}");
    }
}

#[test]
fn bytes_wait_for_their_acknowledgment() {
    for (ack, waits) in [(1, true), (100, true), (101, false), (102, false)] {
        let mut stream = seen(100);
        stream.settle(ack, None);
        assert_eq!(stream.is_unacknowledged(), waits, "{ack}");
        // What is sent again waits for no other one.
        send(&mut stream, data(1, 50));
        assert_eq!(stream.is_unacknowledged(), waits, "{ack}");
    }
    let mut stream = seen(100);
    stream.settle(101, None);
    // A segment ahead of the others, but without a byte.
    send(&mut stream, data(201, 0));
    assert!(!stream.is_unacknowledged());
    send(&mut stream, data(201, 1));
    assert!(stream.is_unacknowledged());
}

#[test]
fn what_is_acknowledged_and_was_not_seen_is_lost() {
    for (ack, lost) in [
        (0, None),
        (1, None),
        (2, Some(missed(0, 0))),
        (101, Some(missed(0, 0))),
        (102, Some(missed(1, 1))),
        (201, Some(missed(1, 100))),
        (202, Some(missed(1, 100))),
        (301, Some(missed(1, 100))),
        (302, Some(missed(2, 101))),
    ] {
        let mut stream = seen(100);
        send(&mut stream, data(201, 100));
        assert_eq!(stream.settle(ack, None), lost, "{ack}");
        assert_eq!(stream.settle(ack, None), None, "{ack} again");
    }
}

#[test]
fn a_loss_that_was_told_of_is_not_told_again() {
    let mut stream = seen(100);
    send(&mut stream, data(201, 100));
    assert_eq!(stream.settle(150, None), Some(missed(1, 49)));
    assert_eq!(stream.settle(201, None), Some(missed(1, 51)));
    assert_eq!(stream.settle(301, None), Some(missed(0, 0)));
}

#[test]
fn the_first_byte_may_be_lost_and_losses_that_touch_each_other_are_one() {
    let mut stream = open_at(0);
    assert_eq!(stream.settle(101, None), Some(missed(1, 100)));
    // A segment without a byte lies between two losses.
    let mut stream = open_at(0);
    send(&mut stream, data(101, 0));
    assert_eq!(stream.settle(201, None), Some(missed(1, 200)));
    // One with a byte parts them.
    let mut stream = open_at(0);
    send(&mut stream, data(101, 1));
    assert_eq!(stream.settle(201, None), Some(missed(2, 199)));
}

#[test]
fn a_fin_that_was_not_seen_is_no_lost_byte() {
    // A hundred bytes were lost; the FIN has number 101.
    for (ack, bytes, without_fin) in [(100, 99, 99), (101, 100, 100), (102, 100, 101)] {
        let lost = |fin| open_at(0).settle(ack, fin);
        assert_eq!(lost(Some(102)), Some(missed(1, bytes)), "{ack}");
        assert_eq!(lost(None), Some(missed(1, without_fin)), "{ack}");
    }
    assert_eq!(open_at(0).settle(103, Some(102)), Some(missed(1, 100)));
}

#[test]
fn where_only_one_side_was_seen_nothing_is_lost() {
    let mut stream = open_at(0);
    send(&mut stream, data(101, 2 * ONE_WAY));
    assert_eq!(stream.settle(101, None), Some(missed(0, 0)));
}

#[test]
fn a_stream_is_incomplete_until_its_gaps_are_filled_or_acknowledged() {
    for (ack, incomplete) in [(1, true), (100, true), (101, false), (102, false)] {
        let mut stream = open_at(0);
        send(&mut stream, data(101, 100));
        stream.settle(ack, None);
        assert_eq!(stream.is_incomplete(), incomplete, "{ack}");
    }
    let mut stream = open_at(0);
    send(&mut stream, data(101, 100));
    send(&mut stream, data(1, 100));
    assert!(!stream.is_incomplete());
}

#[test]
fn the_last_number_may_be_that_of_a_fin_and_is_not_waited_for() {
    for (ack, incomplete) in [(198, true), (199, true), (200, false), (201, false)] {
        let mut stream = open_at(0);
        // The number of a RST tells how long the stream was.
        stream.advance(rst(201), false);
        stream.settle(ack, None);
        assert_eq!(stream.is_incomplete(), incomplete, "{ack}");
    }
    let mut stream = seen(100);
    send(&mut stream, fin(101, 0));
    assert!(!stream.is_incomplete());
}

/// A stream with pieces of a window each behind its first byte; all are seen, and none but the first
/// byte is acknowledged.
fn long(pieces: u32) -> (Stream, u32) {
    const PIECE: u32 = 1 << 29;
    let mut stream = seen(1);
    stream.acknowledge(2, true);
    let mut end = 2;
    for _ in 0..pieces {
        send(&mut stream, data(end, PIECE));
        end = end.wrapping_add(PIECE);
    }
    (stream, end)
}

#[test]
fn a_stream_that_is_acknowledged_late_may_be_longer_than_the_sequence_space() {
    for pieces in 1..20 {
        let (mut stream, end) = long(pieces);
        assert!(stream.is_unacknowledged(), "{pieces}");
        assert_eq!(stream.settle(end, None), Some(missed(0, 0)), "{pieces}");
        assert!(!stream.is_unacknowledged(), "{pieces}");
    }
}

#[test]
fn a_gap_far_back_is_not_told_of() {
    for (pieces, lost) in [(1, missed(1, 100)), (3, missed(0, 0)), (8, missed(0, 0))] {
        let (mut stream, end) = long(0);
        let mut next = end + 100;
        stream.acknowledge(next, true);
        for _ in 0..pieces {
            send(&mut stream, data(next, 1 << 29));
            next = next.wrapping_add(1 << 29);
        }
        assert_eq!(stream.settle(next, None), Some(lost), "{pieces}");
    }
}
