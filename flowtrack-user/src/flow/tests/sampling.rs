//! Records say which share of the flows was tracked while their flow lived.

use std::time::Duration;

use flowtrack_common::{FlowEvent, Timestamp};

use super::script::{Probe, START, udp};
use crate::flow::{Estimate, EventKinds, FiveTuple, SampleRate, TrackerConfig};

fn at(secs: u64) -> Timestamp {
    START.saturating_add(Duration::from_secs(secs))
}

fn rate(n: u32) -> SampleRate {
    SampleRate::one_in(n).unwrap()
}

#[test]
fn a_flow_has_the_largest_n_of_its_life_in_its_record_and_in_its_last_event() {
    let mut probe = Probe::new();
    // The number of a flow, and when it begins; it ends when all do.
    for (number, begin, change) in [(1, 0, 8), (2, 10, 2), (3, 21, 1), (4, 31, 1)] {
        probe.packet(&udp(number, at(begin)));
        probe.tracker.sample(rate(change), at(begin + 5));
    }
    let ended = |event: &FlowEvent<FiveTuple>| match event {
        FlowEvent::Ended { key, stats, .. } => Some((key.src_port, stats.completeness.sampled)),
        _ => None,
    };
    let port = |number| udp(number, START).packet.key.src_port;
    let expected = [(port(1), 8), (port(2), 8), (port(3), 2), (port(4), 0)];
    probe.tracker.advance(at(3600));
    probe.expire(10);
    let mut events: Vec<_> = probe.events().iter().filter_map(ended).collect();
    let mut records: Vec<_> = probe
        .finish()
        .iter()
        .map(|record| (record.key.src_port, record.stats.completeness.sampled))
        .collect();
    events.sort_unstable();
    records.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(events, expected);
    assert_eq!(records, expected);
}

#[test]
fn each_part_of_a_flow_says_what_was_tracked_until_then() {
    let config = TrackerConfig {
        max_flows: 64,
        active_timeout: Some(Duration::from_secs(30)),
        ..TrackerConfig::default()
    };
    let mut probe = Probe::configured(&config, EventKinds::NONE);
    for (secs, n) in [(0, 1), (20, 1), (40, 4), (60, 4), (80, 2), (100, 1)] {
        probe.packet(&udp(0, at(secs)));
        probe.tracker.sample(rate(n), at(secs));
    }
    let sampled: Vec<_> = probe
        .finish()
        .iter()
        .map(|record| record.stats.completeness.sampled)
        .collect();
    assert_eq!(sampled, [0, 4, 4]);
}

#[test]
fn a_packet_stands_for_as_many_as_were_not_tracked() {
    let mut probe = Probe::new();
    probe.tracker.sample(rate(8), START);
    for number in 0..3 {
        probe.packet(&udp(number, START));
        probe.packet(&udp(number, START));
    }
    let expected = Estimate {
        flows: 24,
        packets: 48,
        bytes: 8 * probe.tracker.counters().wire_bytes,
    };
    assert_eq!(probe.tracker.estimate(), expected);
}
