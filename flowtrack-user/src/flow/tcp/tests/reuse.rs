//! A new connection on the ports of an old one.

use std::time::Duration;

use flowtrack_common::EndReason;

use super::script::{Probe, START, Segment, c, client, close, handshake, open_then, s, server};
use crate::flow::{EventKinds, TrackerConfig};

/// A handshake with numbers that have nothing to do with those of the scripts.
fn new_handshake() -> [Segment; 3] {
    [
        c("S", 700_000, 0, 0),
        s("SA", 900_000, 700_001, 0),
        c("A", 700_001, 900_001, 0),
    ]
}

/// What becomes of `old` when a new connection follows after `pause`: the reasons of all records.
fn reasons(old: &[Segment], pause: Duration, new: &[Segment]) -> Vec<EndReason> {
    let mut probe = Probe::new();
    probe.segments(old);
    probe.now = probe.now.saturating_add(pause);
    probe.segments(new);
    let records = probe.finish();
    if let [first, second] = records.as_slice() {
        assert_eq!(first.stats.packets(), old.len() as u64);
        assert_eq!(second.stats.packets(), new.len() as u64);
    }
    records
        .iter()
        .filter_map(|record| record.reason.end())
        .collect()
}

#[test]
fn a_new_connection_does_not_wait_for_the_old_one_to_finish_lingering() {
    use EndReason::{Fin, Replaced, Rst, Shutdown};
    for (name, old, reason) in [
        ("closed", open_then(&close()), Fin),
        ("reset", open_then(&[s("R", 1, 0, 0)]), Rst),
        ("refused", vec![c("S", 0, 0, 0), s("RA", 0, 1, 0)], Rst),
        (
            "closed, the last ACK was not seen",
            open_then(&close()[..2]),
            Replaced,
        ),
    ] {
        assert_eq!(
            reasons(&old, Duration::ZERO, &new_handshake()),
            [reason, Shutdown],
            "{name}"
        );
    }
}

#[test]
fn a_new_connection_replaces_one_that_was_established_for_long() {
    assert_eq!(
        reasons(&open_then(&[]), Duration::from_secs(299), &new_handshake()),
        [EndReason::Replaced, EndReason::Shutdown]
    );
}

#[test]
fn a_syn_that_is_sent_again_opens_no_new_connection() {
    let again = [c("S", 0, 0, 0)];
    for old in [
        vec![c("S", 0, 0, 0)],
        open_then(&[]),
        open_then(&close()[..2]),
        open_then(&close()),
        open_then(&[s("R", 1, 0, 0)]),
    ] {
        assert_eq!(reasons(&old, Duration::from_secs(3), &again).len(), 1);
    }
}

#[test]
fn a_new_connection_may_come_from_the_other_side() {
    let mut probe = Probe::new();
    probe.segments(&open_then(&close()));
    probe.segments(&[s("S", 700_000, 0, 0), c("SA", 900_000, 700_001, 0)]);
    let initiators: Vec<_> = probe
        .finish()
        .iter()
        .map(|record| record.key.src_port)
        .collect();
    assert_eq!(initiators, [client().port(), server().port()]);
}

#[test]
fn the_new_connection_inherits_nothing() {
    let mut probe = Probe::new();
    probe.segments(&open_then(&close()));
    probe.segments(&new_handshake());
    let new = probe.finish()[1];
    assert_eq!(new.history.as_str(), "ShA");
    assert_eq!(new.stats.initiator.retransmitted, 0);
    assert_eq!(new.stats.initiator.gap_bytes, 0);
    assert_eq!(new.stats.initiator.stream_bytes, 0);
    assert!(!new.stats.completeness.midstream);
}

#[test]
fn silence_is_measured_by_the_clock_that_was_set_back() {
    for (silence, records) in [(59, 1), (61, 2)] {
        let mut probe = Probe::new();
        probe.segments(&open_then(&[]));
        probe.now = START.saturating_sub(Duration::from_hours(1));
        probe.packet(&c("PA", 1, 1, 10).at(probe.now));
        probe.now = probe.now.saturating_add(Duration::from_secs(silence));
        probe.segments(&new_handshake());
        assert_eq!(probe.finish().len(), records, "{silence}");
    }
}

#[test]
fn a_syn_that_is_not_of_the_connection_joined_mid_stream_opens_a_new_one() {
    use EndReason::{Replaced, Shutdown};
    let joined = [c("A", 1, 1, 0)];
    let far = new_handshake().map(|segment| segment.numbered_from(500_000_000, 600_000_000));
    assert_eq!(reasons(&joined, Duration::ZERO, &far), [Replaced, Shutdown]);
    // The SYN of this connection, which comes late.
    assert_eq!(reasons(&joined, Duration::ZERO, &handshake()), [Shutdown]);
    // A connection of which a SYN was seen is not replaced so soon.
    let [syn, syn_ack, ack] = handshake();
    for old in [&[syn, syn_ack, ack][..], &[syn_ack, ack], &[syn]] {
        assert_eq!(reasons(old, Duration::ZERO, &far), [Shutdown], "{old:?}");
    }
}

/// How many connections Zeek sees in `segments` between two ports that no server has.
fn connections_of_zeek(segments: &[Segment]) -> usize {
    let mut probe = Probe::configured(&TrackerConfig::zeek(), EventKinds::ALL);
    let mut server = server();
    server.set_port(40_001);
    for segment in segments {
        probe.packet(&segment.between(client(), server, START));
    }
    probe.finish().len()
}

#[test]
fn a_syn_whose_answer_came_first_belongs_to_it() {
    let answer = s("SA", 900_000, 1, 0);
    for (name, segments, connections) in [
        ("the SYN that it answers", vec![answer, c("S", 0, 0, 0)], 1),
        ("another SYN", vec![answer, c("S", 5, 0, 0)], 2),
        (
            "the SYN that it answers, later on",
            vec![answer, c("A", 1, 900_001, 0), c("S", 0, 0, 0)],
            1,
        ),
        (
            "a SYN with the number of the answer",
            vec![answer, s("S", 900_000, 0, 0)],
            1,
        ),
    ] {
        assert_eq!(connections_of_zeek(&segments), connections, "{name}");
    }
}

#[test]
fn an_answer_opens_a_new_connection_only_where_the_initiator_was_silent() {
    assert_eq!(connections_of_zeek(&new_handshake()), 1);
    let again = [c("S", 0, 0, 0), s("SA", 0, 1, 0), s("SA", 900_000, 1, 0)];
    assert_eq!(connections_of_zeek(&again), 1);
    // What comes from the port of a server is an answer.
    for (last, connections) in [
        (s("SA", 900_000, 1, 0), 2),
        (s("SA", 4_999, 1, 0), 1),
        (s("A", 5_010, 1, 10), 1),
    ] {
        let mut probe = Probe::configured(&TrackerConfig::zeek(), EventKinds::ALL);
        probe.segments(&[s("A", 5_000, 1, 10), last]);
        assert_eq!(probe.finish().len(), connections, "{last:?}");
    }
}
