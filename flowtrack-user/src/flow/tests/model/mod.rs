//! A tracker against a reference that is as plain as can be: for any packets they say the same.
//!
//! The reference shares no code with the tracker, its table or its TCP state machine. It does not
//! follow sequence numbers: what is said of them, and Zeek's letters for it, is left out of the
//! comparison, and no SYN is sent again with the same number. All that has tests of its own, and Zeek
//! to agree with.

mod clock;
mod flow;
mod followed;
mod gauge;
mod ops;
mod pair;
mod reference;
mod room;

use std::collections::BTreeSet;

use flowtrack_common::{AnomalyKind, FlowEvent, VictimClass};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

use self::{
    ops::{config, op},
    pair::Pair,
    reference::Reference,
};
use crate::flow::FiveTuple;

proptest! {
    #[test]
    fn a_tracker_says_what_the_reference_says(config in config(), ops in vec(op(), 0..120)) {
        let mut pair = Pair::new(&config);
        pair.run(&ops)?;
        prop_assert_eq!(pair.tested.tracker.live(), 0);
    }
}

#[test]
fn these_sequences_reach_all_that_the_reference_follows() {
    let mut reached = BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let case = (config(), vec(op(), 120)).new_tree(&mut runner).unwrap();
        let (config, ops) = case.current();
        let mut reference = Pair::new(&config);
        for op in &ops {
            reference.apply(op);
        }
        let Reference {
            events,
            records,
            counters,
            ..
        } = reference.reference;
        reached.extend(events.iter().filter_map(landmark));
        reached.extend(records.iter().map(|record| record.reason.name().to_owned()));
        let classes = VictimClass::ALL.into_iter().zip(counters.evicted);
        let evicted = classes.filter(|(_, flows)| *flows > 0);
        reached.extend(evicted.map(|(class, _)| format!("evicted {}", class.name())));
        reached.extend((counters.returned > 0).then(|| "returned".to_owned()));
    }
    let landmarks = [
        // How flows end, and parts of them.
        "fin",
        "rst",
        "idle_timeout",
        "evicted",
        "replaced",
        "force_closed",
        "active_timeout",
        // States.
        "SynReceived",
        "Established",
        "FinWait",
        "ClosingTcp",
        "Closed",
        "Reset",
        "Aborted",
        // Anomalies.
        "bad_checksum",
        "bad_header_length",
        "fragment_overlap",
        "tiny_fragment",
        "syn_flood_target",
        "raised",
        "cleared",
        // What made room.
        "evicted closed",
        "evicted half_open",
        "evicted one_sided",
        "evicted two_sided",
        "returned",
    ];
    let missing: Vec<_> = landmarks
        .iter()
        .filter(|name| !reached.contains(**name))
        .collect();
    assert!(missing.is_empty(), "not reached: {missing:?}");
}

/// What is particular about an event.
fn landmark(event: &FlowEvent<FiveTuple>) -> Option<String> {
    match event {
        FlowEvent::Established { .. } => Some("Established".to_owned()),
        FlowEvent::StateChange { to, .. } => Some(format!("{to:?}")),
        FlowEvent::Anomaly { kind, .. } => match kind {
            AnomalyKind::FlowTableEvictionPressure(pressure) => {
                Some(pressure.state.name().to_owned())
            }
            kind => Some(kind.name().to_owned()),
        },
        _ => None,
    }
}
