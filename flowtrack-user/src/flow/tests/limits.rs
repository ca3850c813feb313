//! Limits that are set while a tracker runs, and flows that are ended by hand.

use std::time::Duration;

use flowtrack_common::{EndReason, FlowEvent, L4Proto, VictimClass};

use super::script::{
    Probe, START, STEP, client, close, handshake, key, open_then, packet, server, udp,
};
use crate::flow::{EventKinds, PortTimeout, RecordReason, TimeoutClass, Timeouts};

fn full(flows: u16) -> Probe {
    let mut probe = Probe::with(flows.into(), EventKinds::ALL);
    for number in 0..flows {
        probe.packet(&udp(number, START));
    }
    probe.events();
    probe
}

#[test]
fn a_smaller_limit_ends_the_flows_that_are_too_many() {
    let mut probe = full(100);
    probe.set_max_flows(40);
    assert_eq!((probe.tracker.live(), probe.tracker.max_flows()), (40, 40));
    assert_eq!(probe.tracker.capacity(), 100, "nothing is allocated anew");
    let ports: Vec<_> = probe
        .events()
        .iter()
        .map(|event| match event {
            FlowEvent::Ended { key, reason, .. } => (*reason, key.src_port),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected: Vec<_> = (10_000..10_060)
        .map(|port| (EndReason::Evicted, port))
        .collect();
    assert_eq!(ports, expected, "those that were silent longest");
    let evicted = probe.tracker.counters().evicted;
    assert_eq!(evicted[VictimClass::OneSided.index()], 60);
    probe.packet(&udp(500, START));
    assert_eq!(probe.tracker.live(), 40);
}

#[test]
fn a_limit_can_be_raised_again_as_far_as_there_is_memory() {
    let mut probe = full(10);
    for (set, expected) in [(4, 4), (8, 8), (1000, 10), (0, 1)] {
        probe.set_max_flows(set);
        assert_eq!(probe.tracker.max_flows(), expected);
        for number in 0..20 {
            probe.packet(&udp(number, START));
        }
        assert_eq!(probe.tracker.live(), expected);
    }
}

#[test]
fn flows_that_have_expired_end_as_such_when_the_limit_shrinks() {
    let mut probe = full(10);
    let later = START.saturating_add(Duration::from_mins(2));
    for number in 100..103 {
        probe.packet(&udp(number, later));
    }
    // Three of the old ones have made room before.
    probe.set_max_flows(2);
    let ended = probe.tracker.counters().ended;
    assert_eq!(ended[EndReason::IdleTimeout.index()], 10);
    assert_eq!(ended[EndReason::Evicted.index()], 1);
}

#[test]
fn an_expired_flow_makes_room_before_a_live_one_whether_the_sweep_runs_or_not() {
    for sweeps in [false, true] {
        let mut probe = Probe::with(2, EventKinds::NONE);
        probe.segments(&open_then(&[]));
        probe.packet(&udp(0, probe.now));
        // The connection is over; the datagram is young, and would be given up first.
        let later = probe.now.saturating_add(Duration::from_secs(301));
        probe.packet(&udp(0, later));
        if sweeps {
            probe.expire(usize::MAX);
        }
        probe.packet(&udp(1, later));
        assert_eq!(probe.tracker.counters().evicted, [0; 4]);
        assert_eq!(probe.tracker.live(), 2);
    }
}

#[test]
fn timeouts_can_be_changed_for_live_flows() {
    let mut probe = full(10);
    let mut timeouts = Timeouts::default();
    timeouts.set(TimeoutClass::Udp, Duration::from_secs(5));
    probe.tracker.set_timeouts(timeouts);
    probe.wait(Duration::from_secs(5));
    assert_eq!(probe.tracker.live(), 10);
    probe.wait(STEP);
    assert_eq!(probe.tracker.live(), 0);
}

#[test]
fn ports_can_get_and_lose_a_timeout_of_their_own_while_their_flows_live() {
    let port = |port, secs| PortTimeout {
        l4: L4Proto::Udp,
        port,
        timeout: Duration::from_secs(secs),
    };
    let with = |ports: &[PortTimeout]| {
        let mut timeouts = Timeouts::default();
        for &port in ports {
            timeouts.set_port(port).unwrap();
        }
        timeouts
    };
    let server_port = server().port();
    // The last of these is in force when ten seconds have gone by.
    for (sets, live) in [
        (vec![with(&[port(server_port, 5)])], 0),
        (vec![with(&[port(server_port, 5)]), with(&[])], 10),
        (
            vec![
                with(&[port(server_port, 100)]),
                with(&[port(1, 100), port(server_port, 5)]),
            ],
            0,
        ),
        (vec![with(&[port(server_port, 5)]), with(&[port(1, 5)])], 10),
    ] {
        let mut probe = full(10);
        for timeouts in sets {
            probe.tracker.set_timeouts(timeouts);
        }
        probe.wait(Duration::from_secs(10));
        assert_eq!(probe.tracker.live(), live);
        probe.wait(Duration::from_mins(1));
        assert_eq!(probe.tracker.live(), 0);
    }
}

#[test]
fn the_active_timeout_can_be_changed_for_live_flows() {
    let mut probe = full(1);
    let at = |secs| START.saturating_add(Duration::from_secs(secs));
    probe.packet(&udp(0, at(20)));
    probe
        .tracker
        .set_active_timeout(Some(Duration::from_secs(30)));
    probe.packet(&udp(0, at(30)));
    assert_eq!(probe.log.records.len(), 1);
    probe.tracker.set_active_timeout(None);
    probe.packet(&udp(0, at(80)));
    assert_eq!(probe.log.records.len(), 1);
}

#[test]
fn a_flow_is_ended_by_hand_whichever_end_its_key_names_first() {
    let key = key(client(), server(), L4Proto::Udp);
    for named in [key, flowtrack_common::FlowKey::reversed(key)] {
        let mut probe = Probe::new();
        probe.packet(&packet(client(), server(), L4Proto::Udp, START));
        assert!(probe.force_end(&named));
        assert!(!probe.force_end(&named));
        let record = probe.log.records[0];
        assert_eq!(
            (record.key, record.reason),
            (key, RecordReason::Ended(EndReason::ForceClosed))
        );
        probe.packet(&packet(client(), server(), L4Proto::Udp, START));
        assert_eq!(probe.tracker.counters().created, 2);
    }
}

#[test]
fn a_flow_that_was_over_ends_for_the_reason_that_it_had() {
    let tcp = key(client(), server(), L4Proto::Tcp);
    for (script, wait, there, reason) in [
        (open_then(&close()), Duration::ZERO, true, EndReason::Fin),
        (
            handshake().to_vec(),
            Duration::from_secs(301),
            false,
            EndReason::IdleTimeout,
        ),
    ] {
        let mut probe = Probe::new();
        probe.segments(&script);
        probe.tracker.advance(probe.now.saturating_add(wait));
        assert_eq!(probe.force_end(&tcp), there);
        assert_eq!(probe.log.records[0].reason, RecordReason::Ended(reason));
    }
}
