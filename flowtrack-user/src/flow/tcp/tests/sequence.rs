//! What is counted by sequence numbers.

use flowtrack_common::{FlowState, SideStats, TcpFlags};
use proptest::prelude::*;

use super::script::{Segment, c, close, converse, open_then, s};

/// What is counted by sequence numbers of the client's side.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    stream: u64,
    payload: u64,
    retransmitted: u32,
    out_of_order: u32,
    gap: u64,
}

impl From<&SideStats> for Counts {
    fn from(side: &SideStats) -> Self {
        Self {
            stream: side.stream_bytes,
            payload: side.payload_bytes,
            retransmitted: side.retransmitted,
            out_of_order: side.out_of_order,
            gap: side.gap_bytes,
        }
    }
}

/// Segments of the client after a handshake, by their first byte and their length.
fn sent(pieces: &[(u32, u32)]) -> Vec<Segment> {
    let data: Vec<_> = pieces
        .iter()
        .map(|&(seq, len)| c("A", seq, 1, len))
        .collect();
    open_then(&data)
}

fn counts(pieces: &[(u32, u32)]) -> Counts {
    Counts::from(&converse(&sent(pieces)).stats.initiator)
}

#[test]
fn bytes_are_counted_once_whatever_becomes_of_their_segments() {
    let plain = |stream| Counts {
        stream,
        payload: stream,
        ..Counts::default()
    };
    for (name, pieces, expected) in [
        ("nothing", vec![], plain(0)),
        ("in order", vec![(1, 100), (101, 50)], plain(150)),
        (
            "sent again",
            vec![(1, 100), (1, 100), (101, 50), (101, 50)],
            Counts {
                payload: 300,
                retransmitted: 2,
                ..plain(150)
            },
        ),
        (
            "sent again in part",
            vec![(1, 100), (51, 100)],
            Counts {
                payload: 200,
                ..plain(150)
            },
        ),
        (
            "a gap",
            vec![(1, 100), (201, 100)],
            Counts {
                payload: 200,
                gap: 100,
                ..plain(300)
            },
        ),
        (
            "out of order",
            vec![(1, 100), (201, 100), (101, 100), (301, 100)],
            Counts {
                out_of_order: 1,
                gap: 100,
                ..plain(400)
            },
        ),
        (
            "a gap filled piece by piece from the front",
            vec![(1, 100), (301, 100), (101, 100), (201, 100)],
            Counts {
                out_of_order: 2,
                gap: 200,
                ..plain(400)
            },
        ),
        (
            "a gap filled piece by piece from the back",
            vec![(1, 100), (301, 100), (201, 100), (101, 100)],
            Counts {
                out_of_order: 2,
                gap: 200,
                ..plain(400)
            },
        ),
        (
            "out of order, then sent again",
            vec![(1, 100), (201, 100), (101, 100), (101, 100)],
            Counts {
                payload: 400,
                out_of_order: 1,
                retransmitted: 1,
                gap: 100,
                ..plain(300)
            },
        ),
    ] {
        assert_eq!(counts(&pieces), expected, "{name}");
    }
}

#[test]
fn several_gaps_are_filled_each_for_itself() {
    let plain = |stream| Counts {
        stream,
        payload: stream,
        ..Counts::default()
    };
    for (name, pieces, expected) in [
        (
            "two gaps, filled the later one first",
            vec![(1, 100), (201, 100), (401, 100), (301, 100), (101, 100)],
            Counts {
                out_of_order: 2,
                gap: 200,
                ..plain(500)
            },
        ),
        (
            "a piece in the middle of a gap, then the rest of it",
            vec![(1, 100), (401, 100), (201, 100), (101, 100), (301, 100)],
            Counts {
                out_of_order: 3,
                gap: 300,
                ..plain(500)
            },
        ),
        (
            "more gaps than are remembered: the first one is given up",
            vec![
                (1, 100),
                (201, 100),
                (401, 100),
                (601, 100),
                (801, 100),
                (1001, 100),
                (101, 100),
                (301, 100),
            ],
            Counts {
                payload: 800,
                out_of_order: 1,
                retransmitted: 1,
                gap: 500,
                ..plain(1100)
            },
        ),
    ] {
        assert_eq!(counts(&pieces), expected, "{name}");
    }
}

#[test]
fn a_stream_may_be_longer_than_the_sequence_space() {
    const PIECE: u32 = 1 << 28;
    let pieces: Vec<_> = (0..40u32)
        .map(|number| (number.wrapping_mul(PIECE).wrapping_add(1), PIECE))
        .collect();
    assert_eq!(counts(&pieces).stream, 40 << 28);
}

#[test]
fn a_jump_that_the_other_side_acknowledges_is_a_part_of_the_stream() {
    // Segments of a long stream of which most was not captured: each jump is almost half of the
    // sequence space.
    const JUMP: u32 = 1_900_000_000;
    let pieces = (0..5u32).flat_map(|n| {
        let seq = 1u32.wrapping_add(JUMP.wrapping_mul(n));
        [s("A", 1, seq, 0), c("A", seq, 1, 100)]
    });
    let record = converse(&open_then(&pieces.collect::<Vec<_>>()));
    let expected = 4 * u64::from(JUMP) + 100;
    assert_eq!(record.stats.initiator.stream_bytes, expected);
    let missed = record.stats.initiator.missed_bytes;
    assert_eq!(
        missed,
        expected - 500,
        "but for the last one all pieces are acknowledged, and seen"
    );
}

#[test]
fn a_stream_that_is_never_acknowledged_may_be_long() {
    const PIECE: u32 = 1 << 28;
    for pieces in 1..20u32 {
        let seq = |number: u32| number.wrapping_mul(PIECE).wrapping_add(1);
        let stream: Vec<_> = (0..pieces).map(|n| (seq(n), PIECE)).collect();
        assert_eq!(counts(&stream).stream, u64::from(pieces) << 28, "{pieces}");
    }
}

#[test]
fn a_segment_of_another_stream_moves_nothing() {
    // As far away as can be, and one more or less to either side.
    for distance in [(1 << 31) - 1, 1 << 31, (1 << 31) + 1, 1 << 30] {
        let expected = Counts {
            stream: 300,
            payload: 400,
            ..Counts::default()
        };
        let pieces = [(1, 200), (201 + distance, 100), (201, 100)];
        assert_eq!(counts(&pieces), expected, "{distance:#x}");
    }
}

#[test]
fn syn_and_fin_take_a_number_and_are_no_bytes() {
    let record = converse(&open_then(&close()));
    assert_eq!(Counts::from(&record.stats.initiator), Counts::default());
    assert_eq!(Counts::from(&record.stats.responder), Counts::default());
}

#[test]
fn a_fin_before_the_data_leaves_a_gap_that_is_filled() {
    let record = converse(&open_then(&[
        c("PA", 1, 1, 100),
        c("FA", 201, 1, 0),
        c("PA", 101, 1, 100),
        s("FA", 1, 202, 0),
        c("A", 202, 2, 0),
    ]));
    let expected = Counts {
        stream: 200,
        payload: 200,
        out_of_order: 1,
        gap: 100,
        ..Counts::default()
    };
    assert_eq!(Counts::from(&record.stats.initiator), expected);
    assert_eq!(record.history.as_str(), "ShADFTf");
}

#[test]
fn the_number_of_a_reset_is_no_gap_though_it_tells_how_long_the_stream_was() {
    for (number, stream) in [(11, 10), (5000, 4999), (1 << 21, 10), (5, 10)] {
        let record = converse(&open_then(&[c("PA", 1, 1, 10), c("R", number, 0, 0)]));
        assert_eq!(record.stats.initiator.gap_bytes, 0);
        assert_eq!(record.stats.initiator.stream_bytes, stream, "{number}");
    }
}

#[test]
fn a_stream_that_is_joined_counts_from_its_first_segment() {
    let record = converse(&[c("A", 5000, 1, 100), s("A", 70, 5100, 30)]);
    assert_eq!(record.stats.initiator.stream_bytes, 100);
    assert_eq!(record.stats.responder.stream_bytes, 30);
    assert_eq!(record.stats.initiator.gap_bytes, 0);
}

#[test]
fn both_sides_are_counted_for_themselves() {
    let record = converse(&open_then(&[
        c("PA", 1, 1, 10),
        s("PA", 1, 11, 20),
        s("PA", 1, 11, 20),
        s("A", 31, 11, 5),
    ]));
    let (client, server) = (&record.stats.initiator, &record.stats.responder);
    assert_eq!((client.stream_bytes, server.stream_bytes), (10, 35));
    assert_eq!((client.retransmitted, server.retransmitted), (0, 1));
    assert_eq!((client.gap_bytes, server.gap_bytes), (0, 10));
    assert_eq!(record.history.as_str(), "ShADdt");
}

#[test]
fn a_zero_window_counts_unless_it_is_that_of_a_reset() {
    let record = converse(&open_then(&[
        s("A", 1, 1, 0).window(0),
        s("A", 1, 1, 0).window(0),
        c("R", 1, 0, 0).window(0),
    ]));
    assert_eq!(record.stats.responder.zero_windows, 2);
    assert_eq!(record.stats.initiator.zero_windows, 0);
}

#[test]
fn the_flags_of_each_side_add_up() {
    let record = converse(&open_then(&[c("PA", 1, 1, 1), s("R", 1, 0, 0)]));
    let flags = |list: &[TcpFlags]| list.iter().copied().fold(TcpFlags(0), TcpFlags::union);
    assert_eq!(
        record.stats.initiator.tcp_flags,
        flags(&[TcpFlags::SYN, TcpFlags::ACK, TcpFlags::PSH])
    );
    assert_eq!(
        record.stats.responder.tcp_flags,
        flags(&[TcpFlags::SYN, TcpFlags::ACK, TcpFlags::RST])
    );
}

proptest! {
    #[test]
    fn a_stream_in_order_is_as_long_as_its_payload_wherever_it_starts(
        lengths in proptest::collection::vec(0..70_000u32, 0..50),
        isn: u32,
    ) {
        let mut next = 1u32;
        let mut segments = open_then(&[]);
        for len in &lengths {
            segments.push(c("A", next, 1, *len));
            next = next.wrapping_add(*len);
        }
        let segments: Vec<_> =
            segments.iter().map(|segment| segment.numbered_from(isn, 0)).collect();
        let sum: u64 = lengths.iter().copied().map(u64::from).sum();
        let expected = Counts { stream: sum, payload: sum, ..Counts::default() };
        prop_assert_eq!(Counts::from(&converse(&segments).stats.initiator), expected);
    }

    #[test]
    fn segments_that_are_sent_again_make_the_stream_no_longer(
        pieces in proptest::collection::vec((0..20u32, 1..5u32), 1..40),
    ) {
        // Pieces of a stream of 24 times 100 bytes, in any order and any number of times.
        let pieces: Vec<_> =
            pieces.iter().map(|&(at, len)| (at * 100 + 1, len * 100)).collect();
        let end = pieces.iter().map(|&(at, len)| u64::from(at + len)).max().unwrap_or(1);
        prop_assert_eq!(counts(&pieces).stream, end - 1);
    }
}

#[test]
fn a_reset_or_fin_counts_within_a_window_of_what_was_sent_or_acknowledged() {
    const WINDOW: u32 = 1 << 24;
    // The client has sent up to 11; the server has acknowledged up to 500 000 000, most of it unseen.
    let sent = [c("PA", 1, 1, 10), s("A", 1, 11, 0)];
    let unseen = [c("PA", 1, 1, 10), s("A", 1, 500_000_000, 0)];
    // A stray segment pretends that the client is far ahead.
    let stray = [
        c("PA", 1, 1, 10),
        s("A", 1, 11, 0),
        c("PA", 900_000_000, 1, 1),
    ];
    for (before, seq, counts) in [
        (&sent[..], 11, true),
        (&sent, 11 + WINDOW, true),
        (&sent, 12 + WINDOW, false),
        (&sent, 11u32.wrapping_sub(WINDOW), true),
        (&sent, 10u32.wrapping_sub(WINDOW), false),
        (&sent, 500_000_000, false),
        (&unseen, 11, true),
        (&unseen, 500_000_000, true),
        (&unseen, 250_000_000, false),
        (&stray, 11, true),
        (&stray, 900_000_001, true),
    ] {
        for (flags, state) in [("R", FlowState::Reset), ("FA", FlowState::FinWait)] {
            let last = [c(flags, seq, 1, 0)];
            let record = converse(&open_then(&[before, &last].concat()));
            let expected = if counts {
                state
            } else {
                FlowState::Established
            };
            assert_eq!(record.state, expected, "{flags} {seq} after {before:?}");
        }
    }
}

#[test]
fn where_nothing_but_syns_and_fins_is_seen_a_fin_is_far_from_the_syn() {
    for (seq, state) in [
        (1_000_000_000, FlowState::FinWait),
        (1_100_000_000, FlowState::SynReceived),
    ] {
        let opening = [c("S", 0, 0, 0), s("SA", 0, 1, 0)];
        let record = converse(&[&opening[..], &[s("FA", seq, 1, 0)]].concat());
        assert_eq!(record.state, state, "{seq}");
        let record = converse(&[&opening[..], &[s("R", seq, 0, 0)]].concat());
        assert_eq!(record.state, FlowState::SynReceived, "{seq}");
    }
}
