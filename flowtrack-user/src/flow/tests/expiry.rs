//! When a silent flow is over.

use std::time::Duration;

use flowtrack_common::{EndReason, L4Proto, Timestamp};

use super::script::{
    Probe, START, STEP, Segment, c, client, close, open_then, packet, s, server, timeout, udp,
};
use crate::flow::{RecordReason, TimeoutClass};

const NANOSECOND: Duration = Duration::from_nanos(1);

/// A script after which its flow stands in a timeout class.
struct Case {
    name: &'static str,
    play: fn(&mut Probe),
    class: TimeoutClass,
    reason: EndReason,
}

fn tcp(probe: &mut Probe, segments: &[Segment]) {
    probe.segments(segments);
}

fn datagram(probe: &mut Probe, l4: L4Proto) {
    probe.packet(&packet(client(), server(), l4, probe.now));
    probe.now = probe.now.saturating_add(STEP);
}

const CASES: [Case; 12] = [
    Case {
        name: "SYN without an answer",
        play: |probe| tcp(probe, &[c("S", 0, 0, 0)]),
        class: TimeoutClass::TcpOpening,
        reason: EndReason::IdleTimeout,
    },
    Case {
        name: "established",
        play: |probe| tcp(probe, &open_then(&[])),
        class: TimeoutClass::TcpOpen,
        reason: EndReason::IdleTimeout,
    },
    Case {
        name: "joined mid-stream",
        play: |probe| tcp(probe, &[c("A", 1, 1, 0)]),
        class: TimeoutClass::TcpOpen,
        reason: EndReason::IdleTimeout,
    },
    Case {
        name: "closed by one side",
        play: |probe| tcp(probe, &open_then(&close()[..1])),
        class: TimeoutClass::TcpClosing,
        reason: EndReason::IdleTimeout,
    },
    Case {
        name: "closed by both sides, not acknowledged",
        play: |probe| tcp(probe, &open_then(&close()[..2])),
        class: TimeoutClass::TcpClosing,
        reason: EndReason::IdleTimeout,
    },
    Case {
        name: "closed",
        play: |probe| tcp(probe, &open_then(&close())),
        class: TimeoutClass::TcpLinger,
        reason: EndReason::Fin,
    },
    Case {
        name: "reset",
        play: |probe| tcp(probe, &open_then(&[c("R", 1, 0, 0)])),
        class: TimeoutClass::TcpLinger,
        reason: EndReason::Rst,
    },
    Case {
        name: "refused",
        play: |probe| tcp(probe, &[c("S", 0, 0, 0), s("RA", 0, 1, 0)]),
        class: TimeoutClass::TcpLinger,
        reason: EndReason::Rst,
    },
    Case {
        name: "UDP",
        play: |probe| datagram(probe, L4Proto::Udp),
        class: TimeoutClass::Udp,
        reason: EndReason::IdleTimeout,
    },
    Case {
        name: "ICMP",
        play: |probe| datagram(probe, L4Proto::Icmp),
        class: TimeoutClass::Icmp,
        reason: EndReason::IdleTimeout,
    },
    Case {
        name: "ICMPv6",
        play: |probe| datagram(probe, L4Proto::IcmpV6),
        class: TimeoutClass::Icmp,
        reason: EndReason::IdleTimeout,
    },
    Case {
        name: "SCTP",
        play: |probe| datagram(probe, L4Proto::Sctp),
        class: TimeoutClass::Other,
        reason: EndReason::IdleTimeout,
    },
];

/// Plays `case` with a timeout that no other class has; gives the time of the flow's last packet.
fn played(case: &Case) -> (Probe, Timestamp, Duration) {
    let mut probe = Probe::new();
    (case.play)(&mut probe);
    assert_eq!(probe.tracker.live(), 1, "{}", case.name);
    let last = Timestamp::from_nanos(probe.now.as_nanos() - 1_000_000);
    (probe, last, timeout(case.class))
}

#[test]
fn a_flow_is_over_when_its_timeout_has_passed_and_not_before() {
    for case in &CASES {
        let (mut probe, last, timeout) = played(case);
        probe.tracker.advance(last.saturating_add(timeout));
        assert_eq!(probe.expire(usize::MAX), 0, "{}: too early", case.name);
        probe
            .tracker
            .advance(last.saturating_add(timeout + NANOSECOND));
        assert_eq!(probe.expire(usize::MAX), 1, "{}: too late", case.name);
        assert_eq!(
            probe.log.records[0].reason,
            RecordReason::Ended(case.reason),
            "{}",
            case.name
        );
    }
}

#[test]
fn a_packet_on_the_key_of_an_expired_flow_ends_it_without_the_sweep() {
    for case in &CASES {
        for (late, flows) in [(Duration::ZERO, 1), (NANOSECOND, 2)] {
            let (mut probe, last, timeout) = played(case);
            let key = probe_key(&probe);
            let ts = last.saturating_add(timeout + late);
            let mut next = packet(client(), server(), key, ts);
            if key == L4Proto::Tcp {
                next = c("A", 1, 1, 0).at(ts);
            }
            probe.packet(&next);
            assert_eq!(probe.tracker.counters().created, flows, "{}", case.name);
            if flows == 2 {
                assert_eq!(
                    probe.log.records[0].reason,
                    RecordReason::Ended(case.reason),
                    "{}",
                    case.name
                );
            }
        }
    }
}

fn probe_key(probe: &Probe) -> L4Proto {
    let mut l4 = None;
    probe.tracker.visit(0, 1, |key, _| l4 = Some(key.l4));
    l4.expect("a live flow")
}

#[test]
fn a_packet_keeps_its_flow_alive() {
    let mut probe = Probe::new();
    let nearly = timeout(TimeoutClass::Udp);
    for _ in 0..5 {
        probe.packet(&udp(0, probe.now));
        probe.wait(nearly);
    }
    assert_eq!(probe.tracker.counters().created, 1);
    assert_eq!(probe.finish()[0].stats.duration(), nearly * 4);
}

#[test]
fn the_timeouts_that_are_set_are_the_ones_that_count() {
    for class in TimeoutClass::ALL {
        let mut timeouts = crate::flow::Timeouts::default();
        let before = TimeoutClass::ALL.map(|other| timeouts.get(other));
        timeouts.set(class, Duration::from_secs(7));
        for (other, before) in TimeoutClass::ALL.into_iter().zip(before) {
            let expected = if other == class {
                Duration::from_secs(7)
            } else {
                before
            };
            assert_eq!(timeouts.get(other), expected, "{}", other.name());
        }
    }
}

#[test]
fn the_sweep_ends_no_more_flows_than_it_may() {
    let mut probe = Probe::new();
    for number in 0..10 {
        probe.packet(&udp(number, START));
    }
    probe
        .tracker
        .advance(START.saturating_add(Duration::from_secs(1000)));
    assert_eq!(probe.expire(3), 3);
    assert_eq!(probe.expire(0), 0);
    assert_eq!(probe.expire(100), 7);
    assert_eq!(probe.tracker.live(), 0);
}

#[test]
fn an_older_time_lowers_neither_the_watermark_nor_last_seen() {
    let mut probe = Probe::new();
    let (older, later) = (START, START.saturating_add(Duration::from_secs(10)));
    probe.packet(&packet(client(), server(), L4Proto::Udp, later));
    probe.packet(&packet(server(), client(), L4Proto::Udp, older));
    probe.packet(&packet(client(), server(), L4Proto::Udp, older));
    probe.tracker.advance(older);
    probe
        .tracker
        .advance(later.saturating_add(timeout(TimeoutClass::Udp)));
    assert_eq!(probe.expire(usize::MAX), 0, "a late packet ages its flow");
    let stats = probe.finish()[0].stats;
    assert_eq!(stats.last_seen, later);
    assert_eq!(stats.initiator.last_seen, later);
    assert_eq!(stats.packets(), 3);
}

#[test]
fn a_clock_that_is_set_back_splits_no_flow_and_does_not_stop_the_sweep() {
    let hour = Duration::from_hours(1);
    let mut probe = Probe::new();
    probe.packet(&udp(0, START.saturating_add(hour)));
    probe.packet(&udp(1, START.saturating_add(hour)));
    for secs in 0..10 {
        probe.packet(&udp(
            1,
            START.saturating_add(Duration::from_secs(secs * 50)),
        ));
        probe.packet(&udp(
            2,
            START.saturating_add(Duration::from_secs(secs * 50)),
        ));
        probe.expire(usize::MAX);
    }
    assert_eq!(probe.tracker.counters().created, 3, "a flow was split");
    probe.wait(Duration::from_secs(1000));
    let ended: Vec<_> = probe
        .log
        .records
        .iter()
        .map(|record| record.key.src_port)
        .collect();
    assert!(
        ended.contains(&10_002),
        "silent for much longer than its timeout: {ended:?}"
    );
}

#[test]
fn a_flow_that_was_over_at_shutdown_ended_by_its_timeout() {
    let mut probe = Probe::new();
    probe.packet(&udp(0, START));
    probe.packet(&udp(1, START.saturating_add(Duration::from_secs(1000))));
    let mut reasons: Vec<_> = probe
        .finish()
        .iter()
        .map(|record| (record.key.src_port, record.reason.end()))
        .collect();
    reasons.sort_by_key(|&(port, _)| port);
    assert_eq!(
        reasons,
        [
            (10_000, Some(EndReason::IdleTimeout)),
            (10_001, Some(EndReason::Shutdown))
        ],
        "whether the sweep came by in time makes no difference"
    );
}

#[test]
fn shutdown_ends_every_flow_for_the_reason_given() {
    for reason in [EndReason::Shutdown, EndReason::ForceClosed] {
        let mut probe = Probe::new();
        for number in 0..20 {
            probe.packet(&udp(number, START));
        }
        probe.segments(&open_then(&[]));
        probe.tracker.finish(reason, &mut probe.log);
        assert_eq!(probe.tracker.live(), 0);
        assert_eq!(probe.tracker.counters().ended[reason.index()], 21);
        assert!(
            probe
                .log
                .records
                .iter()
                .all(|record| record.reason == RecordReason::Ended(reason))
        );
    }
}

#[test]
fn a_connection_that_was_over_ends_as_such_at_shutdown() {
    let mut probe = Probe::new();
    probe.segments(&open_then(&close()));
    assert_eq!(
        probe.finish()[0].reason,
        RecordReason::Ended(EndReason::Fin)
    );
}

#[test]
fn whether_a_flow_may_miss_packets_does_not_depend_on_the_sweep() {
    // A flow is used at the second 1, and packets are lost at the seconds given.
    for (lost_at, loss) in [
        (&[0u64][..], true),
        (&[0, 100], true),
        (&[61], true),
        (&[61, 100], true),
        (&[62], false),
        (&[100, 200], false),
    ] {
        for sweeps in [false, true] {
            let mut probe = Probe::new();
            let at = |secs| START.saturating_add(Duration::from_secs(secs));
            probe.packet(&udp(1, START));
            if lost_at.contains(&0) {
                probe.tracker.capture_lost();
            }
            probe.packet(&udp(1, at(1)));
            for &secs in lost_at.iter().filter(|&&secs| secs > 0) {
                probe.tracker.advance(at(secs));
                if sweeps {
                    probe.expire(9);
                }
                probe.tracker.capture_lost();
            }
            let record = probe.finish()[0];
            let found = record.stats.completeness.capture_loss;
            assert_eq!(found, loss, "{lost_at:?} {sweeps}");
        }
    }
}

#[test]
fn a_flow_that_starts_after_a_loss_misses_nothing_when_the_clock_is_set_back() {
    let mut probe = Probe::new();
    probe.packet(&udp(1, START));
    probe.tracker.capture_lost();
    let back = |secs| START.saturating_sub(Duration::from_secs(secs));
    probe.packet(&udp(2, back(1830)));
    for ts in [back(30), START] {
        probe.packet(&udp(3, ts));
    }
    let records = probe.finish();
    let losses = records.iter().map(|record| {
        let port = record.key.src_port;
        (port, record.stats.completeness.capture_loss)
    });
    let losses: std::collections::BTreeMap<_, _> = losses.collect();
    let expected = [(10_001, true), (10_002, false), (10_003, false)];
    assert_eq!(losses, expected.into());
}
