//! A full table: who makes room, and what is said about it.

use std::net::{Ipv4Addr, SocketAddr};

use flowtrack_common::{EndReason, L4Proto, Timestamp, VictimClass};

use super::script::{
    Probe, START, Segment, c, close, handshake, open_then, packet, s, server, udp,
};
use crate::flow::{EventKinds, RecordReason, TrackerConfig, TrackerCounters};

fn end(number: u16) -> SocketAddr {
    (Ipv4Addr::new(10, 1, 0, 0), number).into()
}

fn tcp(probe: &mut Probe, number: u16, segments: &[Segment], ts: Timestamp) {
    for segment in segments {
        probe.packet(&segment.between(end(number), server(), ts));
    }
}

/// Makes a flow of one kind from `end(number)`.
type Make = fn(&mut Probe, u16);

const CLOSED: Make = |probe, number| tcp(probe, number, &open_then(&close()), START);
const RESET: Make = |probe, number| tcp(probe, number, &open_then(&[c("R", 1, 0, 0)]), START);
const HALF_OPEN: Make = |probe, number| tcp(probe, number, &[c("S", 0, 0, 0)], START);
const ANSWERED: Make = |probe, number| tcp(probe, number, &handshake()[..2], START);
const LONE_ACK: Make = |probe, number| tcp(probe, number, &[c("A", 1, 1, 0)], START);
const LONE_DATAGRAM: Make = |probe, number| {
    probe.packet(&packet(end(number), server(), L4Proto::Udp, START));
};
const DATAGRAMS: Make = |probe, number| {
    probe.packet(&packet(end(number), server(), L4Proto::Udp, START));
    probe.packet(&packet(server(), end(number), L4Proto::Udp, START));
};
const ESTABLISHED: Make = |probe, number| tcp(probe, number, &handshake(), START);

/// Which of two flows makes room for a third one: the port of its initiator.
fn victim(first: Make, second: Make) -> u16 {
    let mut probe = Probe::with(2, EventKinds::ALL);
    first(&mut probe, 1);
    second(&mut probe, 2);
    assert_eq!(probe.tracker.live(), 2);
    probe.packet(&udp(0, START));
    assert_eq!(probe.log.records.len(), 1);
    probe.log.records[0].key.src_port
}

/// Pairs of `kinds` in which the later one was given up, whichever of them was used last.
fn wrong_victims(kinds: &[(&'static str, Make)]) -> Vec<(&'static str, &'static str)> {
    let mut wrong = Vec::new();
    for (i, &(cheap_name, cheap)) in kinds.iter().enumerate() {
        for &(dear_name, dear) in kinds.iter().skip(i + 1) {
            if victim(dear, cheap) != 2 || victim(cheap, dear) != 1 {
                wrong.push((cheap_name, dear_name));
            }
        }
    }
    wrong
}

#[test]
fn the_flow_whose_loss_costs_least_makes_room() {
    let wrong = wrong_victims(&[
        ("closed", CLOSED),
        ("half-open", HALF_OPEN),
        ("one packet", LONE_DATAGRAM),
        ("established", ESTABLISHED),
    ]);
    assert!(wrong.is_empty(), "given up too late: {wrong:?}");
}

#[test]
fn a_flow_of_a_single_packet_makes_room_before_one_of_both_sides() {
    let wrong = wrong_victims(&[("one datagram", LONE_DATAGRAM), ("datagrams", DATAGRAMS)]);
    assert!(wrong.is_empty(), "given up too late: {wrong:?}");
    let wrong = wrong_victims(&[("one ACK", LONE_ACK), ("established", ESTABLISHED)]);
    assert!(wrong.is_empty(), "given up too late: {wrong:?}");
}

#[test]
fn among_equals_the_one_that_was_silent_longest_makes_room() {
    for make in [CLOSED, RESET, HALF_OPEN, LONE_DATAGRAM, ESTABLISHED] {
        assert_eq!(victim(make, make), 1);
    }
    let mut probe = Probe::with(2, EventKinds::ALL);
    LONE_DATAGRAM(&mut probe, 1);
    LONE_DATAGRAM(&mut probe, 2);
    LONE_DATAGRAM(&mut probe, 1);
    probe.packet(&udp(0, START));
    assert_eq!(
        probe.log.records[0].key.src_port, 2,
        "the other one was used"
    );
}

#[test]
fn what_made_room_is_counted_by_its_class() {
    for (make, class, reason) in [
        (CLOSED, VictimClass::Closed, EndReason::Fin),
        (RESET, VictimClass::Closed, EndReason::Rst),
        (HALF_OPEN, VictimClass::HalfOpen, EndReason::Evicted),
        (LONE_DATAGRAM, VictimClass::OneSided, EndReason::Evicted),
        (LONE_ACK, VictimClass::OneSided, EndReason::Evicted),
        (DATAGRAMS, VictimClass::TwoSided, EndReason::Evicted),
        (ESTABLISHED, VictimClass::TwoSided, EndReason::Evicted),
    ] {
        let mut probe = Probe::with(1, EventKinds::ALL);
        make(&mut probe, 1);
        probe.packet(&udp(0, START));
        let TrackerCounters { evicted, ended, .. } = *probe.tracker.counters();
        let mut expected = [0; VictimClass::ALL.len()];
        expected[class.index()] = 1;
        assert_eq!(evicted, expected, "{class:?}");
        assert_eq!(ended[reason.index()], 1, "{class:?}");
        let record = probe.log.records[0];
        assert_eq!(record.reason, RecordReason::Ended(reason));
        assert_eq!(
            record.stats.completeness.evicted,
            reason == EndReason::Evicted
        );
    }
}

/// Established connections that live through ten times as many flows as fit, made by `flood`.
fn survivors(flood: &[Segment]) -> usize {
    const CONNECTIONS: u16 = 20;
    let mut probe = Probe::with(100, EventKinds::NONE);
    for number in 0..CONNECTIONS {
        ESTABLISHED(&mut probe, number);
    }
    for number in 0..1000 {
        tcp(&mut probe, 1000 + number, flood, START);
    }
    let mut alive = 0;
    probe.tracker.visit(0, usize::MAX, |key, stats| {
        if key.src_port < CONNECTIONS {
            assert_eq!(stats.packets(), 3, "counters of a survivor are exact");
            alive += 1;
        }
    });
    alive
}

#[test]
fn established_connections_live_through_a_syn_flood() {
    assert_eq!(survivors(&[c("S", 0, 0, 0)]), 20, "without answers");
    assert_eq!(
        survivors(&[c("S", 0, 0, 0), s("RA", 0, 1, 0)]),
        20,
        "refused"
    );
}

#[test]
fn established_connections_live_through_a_syn_flood_that_is_answered() {
    assert_eq!(survivors(&handshake()[..2]), 20);
    let wrong = wrong_victims(&[("answered", ANSWERED), ("established", ESTABLISHED)]);
    assert!(wrong.is_empty(), "given up too late: {wrong:?}");
}

#[test]
fn established_connections_live_through_a_flood_of_single_segments() {
    assert_eq!(survivors(&[c("A", 1, 1, 0)]), 20);
}

#[test]
fn a_table_for_no_flow_holds_one() {
    let mut probe = Probe::with(0, EventKinds::ALL);
    for number in 0..5 {
        probe.packet(&udp(number, START));
        assert_eq!(probe.tracker.live(), 1);
    }
    assert_eq!(probe.finish().len(), 5);
}

#[test]
fn the_records_of_flows_that_lived_while_packets_were_lost_say_so() {
    let mut probe = Probe::new();
    let second = |secs| START.saturating_add(std::time::Duration::from_secs(secs));
    probe.packet(&udp(0, second(0)));
    probe.wait(std::time::Duration::from_secs(100));
    probe.packet(&udp(1, second(100)));
    probe.tracker.capture_lost();
    probe.packet(&udp(2, second(101)));
    let mut losses: Vec<_> = probe
        .finish()
        .iter()
        .map(|record| (record.key.src_port, record.stats.completeness.capture_loss))
        .collect();
    losses.sort_unstable();
    assert_eq!(
        losses,
        [(10_000, false), (10_001, true), (10_002, false)],
        "over before, alive, not yet there"
    );
}

#[test]
fn where_only_timeouts_end_flows_a_close_makes_none_cheaper() {
    for (config, victim) in [
        (TrackerConfig::default(), VictimClass::Closed),
        (TrackerConfig::netflow(), VictimClass::OneSided),
    ] {
        let config = TrackerConfig {
            max_flows: 2,
            ..config
        };
        let mut probe = Probe::configured(&config, EventKinds::NONE);
        probe.segments(&open_then(&close()));
        probe.packet(&udp(0, probe.now));
        probe.packet(&udp(1, probe.now));
        let evicted = probe.tracker.counters().evicted;
        assert_eq!(evicted[victim.index()], 1, "{evicted:?}");
    }
}
