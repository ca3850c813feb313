//! A tracker and its reference, side by side.

use std::time::Duration;

use flowtrack_common::{EndReason, FlowEvent, Timestamp};
use proptest::prelude::*;

use super::{
    followed,
    ops::{Op, Step, meta},
    reference::Reference,
};
use crate::flow::{
    EventKinds, EventSink, FiveTuple, FlowRecord, Meta, Note, Tracker, TrackerConfig,
    TrackerCounters, tests::script::START,
};

/// The tracker under test, with all that it said.
pub(super) struct Tested {
    pub(super) tracker: Tracker<FiveTuple>,
    said: Said,
}

#[derive(Default)]
struct Said {
    events: Vec<FlowEvent<FiveTuple>>,
    records: Vec<FlowRecord<FiveTuple>>,
}

impl EventSink<FiveTuple> for Said {
    fn wants(&self) -> EventKinds {
        EventKinds::ALL
    }

    fn event(&mut self, event: FlowEvent<FiveTuple>) {
        self.events.push(event);
    }

    fn record(&mut self, record: FlowRecord<FiveTuple>) {
        self.records.push(record);
    }
}

/// Both, and the time.
pub(super) struct Pair {
    pub(super) tested: Tested,
    pub(super) reference: Reference,
    now: Timestamp,
    packets: u32,
}

impl Pair {
    pub(super) fn new(config: &TrackerConfig) -> Self {
        Self {
            tested: Tested {
                tracker: Tracker::new(*config),
                said: Said::default(),
            },
            reference: Reference::new(config),
            now: START,
            packets: 0,
        }
    }

    fn later(&mut self, millis: i64) -> Timestamp {
        let nanos = self
            .now
            .as_nanos()
            .saturating_add_signed(millis * 1_000_000);
        self.now = Timestamp::from_nanos(nanos);
        self.now
    }

    pub(super) fn apply(&mut self, op: &Op) {
        let ts = match op {
            Op::Packet(Step { millis, .. }) | Op::Note(.., millis) | Op::Advance(millis) => {
                self.later(*millis)
            }
            _ => self.now,
        };
        let Self {
            tested: Tested { tracker, said },
            reference,
            ..
        } = self;
        match *op {
            Op::Packet(step) => {
                self.packets += 1;
                let meta = step.meta(self.packets, ts, reference);
                tracker.packet(&meta, said);
                reference.packet(&meta);
            }
            Op::Note(flow, from_client, kind, _) => {
                let Meta { packet, .. } = meta(flow, from_client, ts);
                let note = Note {
                    key: packet.key,
                    orientation: packet.orientation,
                    kind,
                    ts,
                };
                tracker.note(&note, said);
                reference.note(&note);
            }
            Op::Advance(_) => {
                tracker.advance(ts);
                reference.advance(ts);
            }
            Op::Expire(limit) => {
                assert_eq!(tracker.expire(limit, said), reference.expire(limit));
            }
            Op::CaptureLost => {
                tracker.capture_lost();
                reference.capture_lost();
            }
            Op::SetMaxFlows(max_flows) => {
                tracker.set_max_flows(max_flows, said);
                reference.set_max_flows(max_flows);
                assert_eq!(tracker.max_flows(), reference.limit);
            }
            Op::SetTimeout(class, secs) => {
                let timeouts = &mut reference.config.timeouts;
                timeouts.set(class, Duration::from_secs(secs));
                tracker.set_timeouts(*timeouts);
            }
            Op::SetActiveTimeout(secs) => {
                let active_timeout = secs.map(Duration::from_secs);
                reference.config.active_timeout = active_timeout;
                tracker.set_active_timeout(active_timeout);
            }
            Op::ForceEnd(flow, from_client) => {
                let key = meta(flow, from_client, ts).packet.key;
                let ended = tracker.force_end(&key, said);
                assert_eq!(ended, reference.force_end(&key));
            }
        }
    }

    /// All that is done, and the end.
    pub(super) fn run(&mut self, ops: &[Op]) -> Result<(), TestCaseError> {
        for op in ops {
            self.apply(op);
            self.check()?;
        }
        let Tested { tracker, said } = &mut self.tested;
        tracker.finish(EndReason::Shutdown, said);
        self.reference.finish(EndReason::Shutdown);
        self.check()
    }

    /// What both said since the last call is the same.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let Self {
            tested: Tested { tracker, said },
            reference,
            ..
        } = self;
        let events = said
            .events
            .drain(..)
            .filter(followed::follows)
            .map(followed::event);
        let expected = reference.events.drain(..).map(followed::event);
        prop_assert_eq!(events.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        let records = said.records.iter().map(followed::record);
        let expected = reference.records.iter().map(followed::record);
        prop_assert_eq!(records.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        said.records.clear();
        reference.records.clear();
        prop_assert_eq!(tracker.live(), reference.flows.len());
        let counters = TrackerCounters {
            anomalies: 0,
            ..*tracker.counters()
        };
        prop_assert_eq!(counters, reference.counters);
        Ok(())
    }
}
