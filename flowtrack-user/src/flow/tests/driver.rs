//! The library in one piece, with an extractor of its user's own.

use std::time::Duration;

use flowtrack_common::{
    Defects, Envelope, Extracted, FlowEvent, FlowExtractor, FlowKey, Frame, LinkType, Orientation,
};

use super::script::START;
use crate::flow::{FlowDriver, FlowRecord, TrackerConfig};

/// A frame of two bytes: sender and receiver.
struct Pairs;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pair(u8, u8);

impl FlowKey for Pair {
    fn reversed(self) -> Self {
        Self(self.1, self.0)
    }
}

impl FlowExtractor for Pairs {
    type Key = Pair;

    fn extract(&mut self, frame: &Frame<'_>) -> Option<Extracted<Pair>> {
        let &[src, dst] = frame.bytes else {
            return None;
        };
        Some(Extracted {
            key: Pair(src.min(dst), src.max(dst)),
            orientation: if src <= dst {
                Orientation::Forward
            } else {
                Orientation::Reverse
            },
            l4: None,
            tcp: None,
            wire_len: frame.wire_len,
            ip_len: 0,
            payload_len: 0,
            ttl: 0,
            truncated: false,
            defects: Defects::NONE,
            envelope: Envelope::default(),
        })
    }
}

fn frame(bytes: &[u8], secs: u64) -> Frame<'_> {
    Frame {
        bytes,
        wire_len: 60,
        link: LinkType::ETHERNET,
        ts: START.saturating_add(Duration::from_secs(secs)),
    }
}

#[test]
fn frames_become_events_of_the_keys_that_the_extractor_gives() {
    let mut driver = FlowDriver::new(Pairs);
    let mut events: Vec<FlowEvent<Pair>> = Vec::new();
    for (bytes, secs) in [(&[2, 1][..], 0), (&[1, 2], 1), (&[7], 2), (&[], 3)] {
        driver.frame(&frame(bytes, secs), &mut events);
    }
    assert_eq!(driver.unmatched(), 2);
    assert_eq!(driver.tracker().live(), 1);
    driver.finish(&mut events);
    assert!(events.iter().all(|event| event.key() == Some(&Pair(2, 1))));
    assert!(matches!(
        events[..],
        [
            FlowEvent::Started { l4: None, .. },
            FlowEvent::Packet { .. },
            FlowEvent::Packet { .. },
            FlowEvent::Ended { .. }
        ]
    ));
}

#[test]
fn flows_expire_with_the_frames_of_others_and_when_nothing_arrives() {
    let mut driver = FlowDriver::with_config(Pairs, TrackerConfig::default());
    let mut records: Vec<FlowRecord<Pair>> = Vec::new();
    driver.frame(&frame(&[1, 2], 0), &mut records);
    driver.frame(&frame(&[3, 4], 100), &mut records);
    assert_eq!(records.len(), 1);
    driver.advance(frame(&[], 200).ts, &mut records);
    assert_eq!(records.len(), 2);
    assert_eq!(driver.tracker().live(), 0);
    driver.tracker_mut().set_max_flows(7, &mut records);
    assert_eq!(driver.tracker().max_flows(), 7);
}

#[test]
fn anomalies_are_events_of_a_driver_that_is_asked_for_them() {
    for emit in [false, true] {
        let config = TrackerConfig {
            max_flows: 1,
            ..TrackerConfig::default()
        };
        let driver = FlowDriver::with_config(Pairs, config);
        let mut driver = driver.with_emit_anomalies(emit);
        let mut events: Vec<FlowEvent<Pair>> = Vec::new();
        driver.frame(&frame(&[1, 2], 0), &mut events);
        let anomaly = |event: &FlowEvent<Pair>| matches!(event, FlowEvent::Anomaly { .. });
        assert_eq!(events.iter().any(anomaly), emit, "the table is full");
    }
}
