//! How far a stream has come.

use flowtrack_common::{TcpFlags, TcpInfo};

use super::{Span, Stream, data, fin, open_at, rst, seen, send, syn};

/// A number that is farther away does not belong to the connection.
const FAR: u32 = 1 << 30;
/// A window that is larger is hardly ever seen.
const WINDOW: u32 = 1 << 24;
/// A SYN or RST that is farther off moves nothing.
const JUMP: u32 = 1 << 20;

/// `number` less `distance`.
fn below(number: u32, distance: u32) -> u32 {
    number.wrapping_sub(distance)
}

#[test]
fn the_flags_of_a_segment_take_numbers_and_so_does_its_payload() {
    for (name, segment, end) in [
        ("nothing", data(100, 0), 100),
        ("data", data(100, 7), 107),
        ("SYN", syn(100), 101),
        ("FIN", fin(100, 0), 101),
        ("FIN with data", fin(100, 7), 108),
        ("RST", rst(100), 100),
        ("RST with a message", Span { len: 7, ..rst(100) }, 100),
        (
            "SYN with data",
            Span {
                syn: true,
                ..data(100, 7)
            },
            108,
        ),
        ("the last number", data(u32::MAX, 2), 1),
    ] {
        assert_eq!(segment.end(), end, "{name}");
    }
}

#[test]
fn the_fin_behind_a_payload_that_was_not_captured_was_not_captured_either() {
    for (segment, fin_is_left) in [(fin(1, 0), true), (fin(1, 1), false), (data(1, 1), false)] {
        let left = segment.without_payload();
        assert_eq!(
            (left.seq, left.len, left.fin),
            (1, 0, fin_is_left),
            "{segment:?}"
        );
    }
}

#[test]
fn a_span_has_the_numbers_and_the_flags_of_its_segment() {
    for (flags, expected) in [
        (TcpFlags::SYN, (true, false, false)),
        (TcpFlags::FIN, (false, true, false)),
        (TcpFlags::RST, (false, false, true)),
        (TcpFlags::ACK, (false, false, false)),
    ] {
        let span = Span::of(&TcpInfo {
            flags,
            seq: 5,
            ack: 6,
            window: 7,
            payload_offset: 54,
            payload_len: 8,
        });
        assert_eq!((span.seq, span.len), (5, 8));
        assert_eq!((span.syn, span.fin, span.rst), expected, "{flags:?}");
    }
}

#[test]
fn a_stream_begins_behind_its_syn_or_with_what_is_seen_of_it_first() {
    for (name, first, start, empty, bytes) in [
        ("SYN", syn(1000), 1000, true, 0),
        (
            "SYN with data",
            Span {
                len: 7,
                ..syn(1000)
            },
            1000,
            false,
            7,
        ),
        ("joined", data(1001, 50), 1000, true, 0),
    ] {
        let mut stream = Stream::default();
        stream.begin(first);
        assert_eq!(stream.start(), start, "{name}");
        assert_eq!(stream.relative(1500), 500, "{name}");
        assert_eq!(stream.is_empty(), empty, "{name}");
        assert_eq!(stream.bytes(false), bytes, "{name}");
    }
}

#[test]
fn a_stream_that_is_only_acknowledged_stands_at_its_first_number() {
    for first in [0, 1, FAR, 1 << 31, 3 << 30] {
        let mut stream = Stream::default();
        stream.expect(first);
        assert_eq!(stream.start(), below(first, 1));
        assert!(stream.is_empty() && stream.is_near(first), "{first:#x}");
        assert_eq!(stream.bytes(false), 0);
        assert!(
            !stream.is_incomplete() && !stream.is_unacknowledged(),
            "{first:#x}"
        );
    }
}

#[test]
fn numbers_from_the_first_byte_to_behind_the_last_one_were_sent() {
    let stream = seen(100);
    for (number, sent) in [
        (u32::MAX, false),
        (0, false),
        (1, true),
        (2, true),
        (100, true),
        (101, true),
        (102, false),
    ] {
        assert_eq!(stream.has_sent(number), sent, "{number}");
    }
}

#[test]
fn a_number_is_near_what_was_sent_and_near_what_was_acknowledged() {
    let sent = seen(100);
    let mut ahead = sent;
    ahead.acknowledge(101 + FAR / 2, true);
    for (name, stream, number, near) in [
        ("sent", sent, 101 + (FAR - 1), true),
        ("sent", sent, 101 + FAR, false),
        ("sent", sent, 101 + FAR + 1, false),
        ("sent", sent, below(101, FAR - 1), true),
        ("sent", sent, below(101, FAR), false),
        ("sent", sent, below(101, FAR + 1), false),
        ("acknowledged", ahead, 101 + FAR / 2 + (FAR - 1), true),
        ("acknowledged", ahead, 101 + FAR / 2 + FAR, false),
        ("acknowledged", ahead, below(101, FAR - 1), true),
        ("acknowledged", ahead, below(101, FAR), false),
    ] {
        assert_eq!(stream.is_near(number), near, "{name} {number:#x}");
    }
}

#[test]
fn a_segment_is_in_the_window_near_what_was_sent_acknowledged_or_settled() {
    let opened = open_at(0);
    let sent = seen(100);
    let mut acked = sent;
    acked.acknowledge(101 + FAR / 2, true);
    let mut settled = sent;
    settled.settle(101 + FAR / 4, None);
    for (name, stream, segment, inside) in [
        ("above", sent, rst(101 + WINDOW), true),
        ("too far above", sent, rst(102 + WINDOW), false),
        ("below", sent, rst(below(101, WINDOW)), true),
        // The start is settled.
        ("below the start", sent, rst(below(1, WINDOW)), true),
        ("too far below", sent, rst(below(1, WINDOW + 1)), false),
        ("acknowledged", acked, rst(101 + FAR / 2 + WINDOW), true),
        ("behind that", acked, rst(102 + FAR / 2 + WINDOW), false),
        ("between", acked, rst(101 + FAR / 4), false),
        ("settled", settled, rst(101 + FAR / 4 + WINDOW), true),
        ("behind that", settled, rst(102 + FAR / 4 + WINDOW), false),
        ("the FIN of a long stream", opened, fin(FAR, 0), true),
        ("the FIN of a longer one", opened, fin(1 + FAR, 0), false),
        ("data behind a SYN", opened, data(FAR, 1), false),
        ("the FIN of a short stream", sent, fin(FAR, 0), false),
    ] {
        assert_eq!(stream.is_in_window(segment), inside, "{name} {segment:?}");
    }
}

#[test]
fn a_syn_or_reset_moves_the_end_of_the_stream_unless_it_is_far_off() {
    for (segment, bytes) in [
        (rst(100), 100),
        (rst(101), 100),
        (rst(102), 101),
        (rst(101 + JUMP - 1), 100 + JUMP - 1),
        (rst(101 + JUMP), 100 + JUMP),
        (rst(101 + JUMP + 1), 100),
        (rst(below(101, JUMP + 1)), 100),
        (syn(100 + JUMP), 100 + JUMP),
        (syn(100 + JUMP + 1), 100),
        (data(101 + JUMP, 1), 100 + JUMP + 1),
        (fin(101 + JUMP, 0), 100 + JUMP + 1),
    ] {
        let mut stream = seen(100);
        assert!(
            !stream.advance(segment, false),
            "{segment:?} has no old payload"
        );
        assert_eq!(stream.bytes(false), u64::from(bytes), "{segment:?}");
    }
}

#[test]
fn payload_that_does_not_move_the_end_of_the_stream_was_sent_before() {
    for (segment, reset, old, bytes) in [
        (data(1, 100), false, true, 100),
        (data(1, 99), false, true, 100),
        (data(1, 101), false, false, 101),
        (data(1, 0), false, false, 100),
        (data(101, 0), false, false, 100),
        (fin(50, 0), false, false, 100),
        (fin(50, 1), false, true, 100),
        // Behind a reset nothing is sent.
        (data(1, 100), true, false, 100),
        (data(101, 9), true, false, 100),
        // As far as a window can reach, and a stray segment.
        (data(101, (1 << 30) - 1), false, false, 99 + FAR),
        (data(102, (1 << 30) - 1), false, false, 100),
    ] {
        let mut stream = seen(100);
        assert_eq!(stream.advance(segment, reset), old, "{segment:?}");
        assert_eq!(stream.bytes(false), u64::from(bytes), "{segment:?}");
    }
}

#[test]
fn the_fin_behind_a_syn_tells_how_long_the_stream_was_however_long() {
    for (segment, bytes) in [
        (fin(1, 0), 0),
        (fin(1 << 31, 0), (1 << 31) - 1),
        (fin(3 << 30, 0), (3 << 30) - 1),
        // What is no FIN lies before the SYN then.
        (data(3 << 30, 1), 0),
        (data(u32::MAX, 1), 0),
    ] {
        let mut stream = open_at(0);
        stream.advance(segment, false);
        assert_eq!(stream.bytes(segment.fin), bytes, "{segment:?}");
    }
    // Behind data it is not so far off.
    let mut stream = seen(100);
    stream.advance(fin(3 << 30, 0), false);
    assert_eq!(stream.bytes(false), 100);
}

#[test]
fn a_syn_that_comes_again_rewinds_the_stream_unless_that_is_long() {
    for (numbers, bytes) in [(FAR - 1, 0), (FAR, FAR - 1), (FAR + 1, FAR)] {
        let mut stream = open_at(0);
        let half = FAR / 2;
        send(&mut stream, data(1, half));
        send(&mut stream, data(1 + half, numbers - 1 - half));
        assert_eq!(stream.bytes(false), u64::from(numbers - 1));
        stream.rewind(syn(0));
        assert_eq!(stream.bytes(false), u64::from(bytes), "{numbers:#x}");
    }
}
