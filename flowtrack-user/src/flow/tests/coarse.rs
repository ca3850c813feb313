//! What makes tracking fast changes none of its results: an order in parts of the timeout, and bursts.

use std::time::Duration;

use flowtrack_common::EndReason;
use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    properties::{Step, either_way, packets, sorted, step},
    script::{Log, Probe},
};
use crate::flow::{
    EventKinds, FiveTuple, Note, NoteKind, Observation, TrackerConfig, TrackerCounters,
};

/// A table in which all flows of these tests find room.
const ROOMY: usize = 1024;

/// Packets, and after some of them a note about their flow, or the time.
fn observations(steps: &[(Step, u8)]) -> Vec<Observation<FiveTuple>> {
    let (steps, extras): (Vec<_>, Vec<_>) = steps.iter().copied().unzip();
    let mut observations = Vec::new();
    for (meta, extra) in packets(&steps).into_iter().zip(extras) {
        let note = Note {
            key: meta.packet.key,
            orientation: meta.packet.orientation,
            kind: NoteKind::IcmpError,
            ts: meta.ts,
        };
        observations.push(Observation::Packet(meta));
        match extra {
            0 => observations.push(Observation::Note(note)),
            1 => {
                let later = meta.ts.saturating_add(Duration::from_secs(1));
                observations.push(Observation::Time(later));
            }
            _ => {}
        }
    }
    observations
}

/// What a run has told, and counted.
fn ended(mut probe: Probe) -> (Log, TrackerCounters) {
    probe.tracker.finish(EndReason::Shutdown, &mut probe.log);
    (probe.log, *probe.tracker.counters())
}

/// What a tracker of `config` tells when `burst` takes in one part of `observations` after the other. In
/// between it looks for two flows that are over.
fn tracked(
    config: &TrackerConfig,
    observations: &[Observation<FiveTuple>],
    cuts: &[usize],
    mut burst: impl FnMut(&mut Probe, &[Observation<FiveTuple>]),
) -> (Log, TrackerCounters) {
    let mut probe = Probe::configured(config, EventKinds::ALL);
    let mut rest = observations;
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at((*cut).min(rest.len()));
        burst(&mut probe, now);
        probe.expire(2);
        rest = later;
    }
    ended(probe)
}

fn one_by_one(probe: &mut Probe, burst: &[Observation<FiveTuple>]) {
    for observation in burst {
        probe.tracker.observe(observation, &mut probe.log);
    }
}

fn at_once(probe: &mut Probe, burst: &[Observation<FiveTuple>]) {
    probe.tracker.burst(burst, &mut probe.log);
}

proptest! {
    #[test]
    fn where_there_is_room_the_order_within_a_part_of_the_timeout_changes_nothing(
        steps in vec((step(either_way()), 0..20u8), 0..200),
        cuts in vec(1..20usize, 1..5),
        parts in select(vec![1, 4, 32]),
        active in prop::option::of((1..60u64).prop_map(Duration::from_secs)),
    ) {
        let observations = observations(&steps);
        let [exact, coarse] = [0, parts].map(|order_parts| {
            let config = TrackerConfig {
                max_flows: ROOMY,
                order_parts,
                active_timeout: active,
                ..TrackerConfig::default()
            };
            let (log, counters) = tracked(&config, &observations, &cuts, one_by_one);
            (sorted(log.records), counters)
        });
        prop_assert_eq!(coarse, exact);
    }

    #[test]
    fn a_burst_is_the_same_as_its_packets_one_by_one(
        steps in vec((step(either_way()), 0..20u8), 0..200),
        cuts in vec(1..150usize, 1..5),
        max_flows in 1..10usize,
        order_parts in select(vec![0, 32]),
    ) {
        let observations = observations(&steps);
        let config = TrackerConfig {
            max_flows,
            order_parts,
            emit_anomalies: true,
            hash_key: Some(1),
            ..TrackerConfig::default()
        };
        let (expected, counted) = tracked(&config, &observations, &cuts, one_by_one);
        let (found, counters) = tracked(&config, &observations, &cuts, at_once);
        prop_assert_eq!(found.events, expected.events);
        prop_assert_eq!(found.records, expected.records);
        prop_assert_eq!(counters, counted);
    }
}
