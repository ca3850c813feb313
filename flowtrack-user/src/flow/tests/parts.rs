//! A flow that lasts is recorded in parts.

use std::time::Duration;

use flowtrack_common::{EndReason, FlowEvent, FlowState, Timestamp, Volume};

use super::script::{Probe, START, Segment, c, close, open_then, s, udp};
use crate::flow::{EventKinds, FiveTuple, FlowRecord, RecordReason, TrackerConfig};

const ACTIVE: Duration = Duration::from_secs(30);

fn probe(active_timeout: Option<Duration>) -> Probe {
    let config = TrackerConfig {
        max_flows: 64,
        active_timeout,
        ..TrackerConfig::default()
    };
    Probe::configured(&config, EventKinds::ALL)
}

fn at(secs: u64) -> Timestamp {
    START.saturating_add(Duration::from_secs(secs))
}

/// The records of one flow with a packet at each of `times`, in seconds.
fn records(active_timeout: Duration, times: &[u64]) -> Vec<FlowRecord<FiveTuple>> {
    let mut probe = probe(Some(active_timeout));
    for &secs in times {
        probe.packet(&udp(0, at(secs)));
    }
    probe.finish()
}

/// Packets, time of the first one and number of each record.
fn parts(records: &[FlowRecord<FiveTuple>]) -> Vec<(u64, u64, u32)> {
    let since = |record: &FlowRecord<_>| record.since.saturating_since(START).as_secs();
    records
        .iter()
        .map(|record| (record.packets(), since(record), record.part))
        .collect()
}

#[test]
fn the_packet_that_comes_when_the_active_timeout_has_passed_begins_the_next_part() {
    for (times, expected) in [
        (&[0, 29][..], &[(2, 0, 0)][..]),
        (&[0, 30], &[(1, 0, 0), (1, 30, 1)]),
        (&[0, 10, 35, 64], &[(2, 0, 0), (2, 35, 1)]),
        (&[0, 10, 35, 65], &[(2, 0, 0), (1, 35, 1), (1, 65, 2)]),
        (&[0, 45, 20, 50], &[(1, 0, 0), (3, 45, 1)]),
    ] {
        let records = records(ACTIVE, times);
        assert_eq!(parts(&records), expected, "{times:?}");
        let (last, before) = records.split_last().unwrap();
        assert_eq!(last.reason, RecordReason::Ended(EndReason::Shutdown));
        for record in before {
            assert_eq!(record.reason, RecordReason::ActiveTimeout);
        }
    }
}

#[test]
fn without_an_active_timeout_a_flow_gives_one_record() {
    let mut probe = probe(None);
    for secs in 0..500 {
        probe.packet(&udp(0, at(secs)));
    }
    assert_eq!(parts(&probe.finish()), [(500, 0, 0)]);
}

#[test]
fn a_silent_flow_gives_no_record_until_it_ends() {
    let mut probe = probe(Some(Duration::from_secs(5)));
    probe.packet(&udp(0, START));
    probe.wait(Duration::from_secs(20));
    assert_eq!(probe.log.records, []);
    probe.wait(Duration::from_mins(1));
    assert_eq!(parts(&probe.finish()), [(1, 0, 0)]);
}

#[test]
fn a_flow_that_expired_or_was_replaced_ends_and_gives_no_part() {
    assert_eq!(
        parts(&records(ACTIVE, &[0, 100])),
        [(1, 0, 0), (1, 100, 0)],
        "expired"
    );
    let mut probe = probe(Some(Duration::from_millis(1)));
    probe.segments(&open_then(&close()));
    let before = probe.log.records.len();
    probe.now = probe.now.saturating_add(Duration::from_secs(1));
    probe.segments(&[c("S", 9000, 0, 0)]);
    let reasons: Vec<_> = probe.log.records[before..]
        .iter()
        .map(|record| record.reason)
        .collect();
    assert_eq!(reasons, [RecordReason::Ended(EndReason::Fin)]);
}

fn sum(volumes: impl Iterator<Item = Volume>) -> Volume {
    volumes.fold(Volume::default(), |sum, part| Volume {
        packets: sum.packets + part.packets,
        wire_bytes: sum.wire_bytes + part.wire_bytes,
        ip_bytes: sum.ip_bytes + part.ip_bytes,
        payload_bytes: sum.payload_bytes + part.payload_bytes,
    })
}

#[test]
fn the_parts_of_a_flow_add_up_to_its_totals() {
    let data: Vec<Segment> = (0..40)
        .flat_map(|n| {
            [
                c("PA", 1 + n * 10, 1 + n * 7, 10),
                s("PA", 1 + n * 7, 11 + n * 10, 7),
            ]
        })
        .collect();
    let mut probe = probe(Some(Duration::from_millis(9)));
    probe.segments(&open_then(&data));
    let records = probe.finish();
    assert_eq!(records.len(), 10, "83 packets, a millisecond apart");
    let last = records.last().unwrap();
    assert_eq!(last.state, FlowState::Established);
    assert_eq!(
        sum(records.iter().map(|record| record.initiator)),
        last.stats.initiator.volume()
    );
    assert_eq!(
        sum(records.iter().map(|record| record.responder)),
        last.stats.responder.volume()
    );
    for (number, record) in (0..).zip(&records) {
        assert_eq!(record.part, number);
        let told = records.iter().take(record.part as usize + 1);
        let told: u64 = told.map(FlowRecord::packets).sum();
        assert_eq!(record.stats.packets(), told, "totals are those up to here");
    }
}

#[test]
fn a_part_makes_no_event() {
    let mut probe = probe(Some(ACTIVE));
    probe.packet(&udp(0, START));
    probe.events();
    probe.packet(&udp(0, at(40)));
    assert_eq!(probe.log.records.len(), 1);
    let events = probe.events();
    assert!(
        matches!(events[..], [FlowEvent::Packet { .. }]),
        "{events:?}"
    );
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_the_parts() {
    // The first part lasts until the clock is set, and for the active timeout from then on.
    let records = records(ACTIVE, &[4000, 10, 20, 41, 70, 71]);
    assert_eq!(parts(&records), [(3, 4000, 0), (2, 41, 1), (1, 71, 2)]);
}

#[test]
fn the_parts_of_a_flow_that_lived_while_packets_were_lost_say_so_from_then_on() {
    let mut probe = probe(Some(ACTIVE));
    probe.packet(&udp(0, START));
    probe.packet(&udp(0, at(30)));
    probe.tracker.capture_lost();
    probe.packet(&udp(0, at(60)));
    probe.packet(&udp(0, at(90)));
    let losses: Vec<_> = probe
        .finish()
        .iter()
        .map(|record| record.stats.completeness.capture_loss)
        .collect();
    assert_eq!(losses, [false, true, true, true]);
}
