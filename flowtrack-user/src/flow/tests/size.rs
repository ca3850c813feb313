//! How much memory a tracker takes, and how large its flows are.

use std::time::Duration;

use flowtrack_common::VlanStack;

use super::script::{Probe, START, Segment, c, open_then, udp};
use crate::flow::{EventKinds, Tracker, TrackerConfig};

/// A connection that has something unusual about it.
fn unusual() -> Vec<Segment> {
    open_then(&[c("PA", 1, 1, 10), c("PA", 1, 1, 10)])
}

#[test]
fn flows_that_do_not_fit_take_more_than_the_table_has_for_all() {
    let mut probe = Probe::with(64, EventKinds::NONE);
    let config = TrackerConfig {
        max_flows: 64,
        ..TrackerConfig::default()
    };
    let all = config.memory();
    assert!(all > 64 * 128);
    probe.packet(&udp(0, START));
    assert_eq!(probe.tracker.memory(), all, "a plain flow");
    let mut wide = udp(1, START);
    wide.packet.key.vlans = VlanStack([7, 0]);
    probe.packet(&wide);
    let with_key = probe.tracker.memory();
    assert!(with_key > all, "a key that is not compact");
    probe.segments(&unusual());
    let with_flow = probe.tracker.memory();
    assert!(with_flow > with_key, "a flow that is not plain");
    probe.wait(Duration::from_hours(1));
    assert_eq!(probe.tracker.live(), 0);
    assert_eq!(probe.tracker.memory(), with_flow, "its place is kept");
}

/// Bytes of the flows that are shown as those of at least so many.
fn large(tracker: &Tracker<crate::flow::FiveTuple>, at_least: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let rest = tracker.visit_large(0, usize::MAX, at_least, |_, stats| {
        found.push(stats.wire_bytes());
    });
    assert_eq!(rest, None);
    found.sort_unstable();
    found
}

#[test]
fn large_flows_are_shown_whether_they_are_plain_or_not() {
    let mut probe = Probe::new();
    for number in [0, 1, 1, 2, 2, 2] {
        probe.packet(&udp(number, START));
    }
    probe.segments(&unusual());
    let unusual = 3 * 54 + 2 * 64;
    assert_eq!(large(&probe.tracker, 0), [60, 120, 180, unusual]);
    assert_eq!(large(&probe.tracker, 120), [120, 180, unusual]);
    assert_eq!(large(&probe.tracker, 121), [180, unusual]);
    assert_eq!(large(&probe.tracker, unusual), [unusual]);
    assert_eq!(large(&probe.tracker, unusual + 1), [0; 0]);
}
