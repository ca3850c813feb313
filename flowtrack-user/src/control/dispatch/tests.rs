//! What becomes of packets does not depend on how they are spread.

use std::{net::SocketAddr, thread, time::Duration};

use crossbeam_channel::unbounded;
use flowtrack_common::{L4Proto, Timestamp};
use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::{
    flow::{
        EventKinds, Meta, Note, NoteKind,
        tests::script::{START, c, client, packet, s, server},
    },
    worker::{ChunkSink, Delivery},
};

const MAX_PACKETS: usize = 200;

/// The records of a run, in an order that does not depend on the shards.
fn records(
    observations: &[Observation<FiveTuple>],
    shards: usize,
    burst: usize,
    config: &TrackerConfig,
) -> Vec<String> {
    let (sender, chunks) = unbounded();
    let (trackers, _pools): (Vec<_>, Vec<_>) = (0..shards)
        .map(|shard| {
            let sender = sender.clone();
            let (sink, pool) = ChunkSink::new(shard, 4, sender, EventKinds::NONE, Delivery::Wait);
            (Shard::new(*config, sink), pool)
        })
        .unzip();
    drop(sender);
    thread::scope(|scope| {
        let mut dispatcher = Dispatcher::start(scope, trackers, burst, config).unwrap();
        for observation in observations {
            dispatcher.observe(*observation, Place::Outermost);
        }
        dispatcher.finish();
    });
    let records = chunks
        .iter()
        .flat_map(|chunk| chunk.records.iter().collect::<Vec<_>>());
    let mut lines: Vec<_> = records.map(|record| format!("{record:?}")).collect();
    lines.sort();
    lines
}

/// A packet or a note of one of a few flows.
fn observation(flow: u16, kind: usize, ts: Timestamp) -> Observation<FiveTuple> {
    let client = SocketAddr::new(client().ip(), 10_000 + flow);
    let segments = [
        c("S", 0, 0, 0),
        s("SA", 0, 1, 0),
        c("A", 1, 1, 10),
        s("A", 1, 11, 10),
        c("FA", 11, 11, 0),
        s("FA", 11, 12, 0),
        s("R", 11, 0, 0),
    ];
    let udp = packet(client, server(), L4Proto::Udp, ts);
    match segments.get(kind) {
        Some(segment) => Observation::Packet(segment.between(client, server(), ts)),
        None if kind == segments.len() => {
            let Meta { packet, .. } = udp;
            Observation::Note(Note {
                key: packet.key,
                orientation: packet.orientation,
                kind: NoteKind::IcmpError,
                ts,
            })
        }
        None => Observation::Packet(udp),
    }
}

/// Packets whose clock goes on, stands still, is late and is set back.
fn observations() -> impl Strategy<Value = Vec<Observation<FiveTuple>>> {
    let steps = select(vec![
        0, 1, 1, 3, 7, 40, 400, -2, -30, -100, -1700, -1900, -5000,
    ]);
    vec((steps, 0_u16..6, 0_usize..10), 1..MAX_PACKETS).prop_map(|packets| {
        let mut secs = 100_000_i64;
        packets
            .into_iter()
            .map(|(step, flow, kind)| {
                secs = (secs + step).max(0);
                let since = Duration::from_secs(secs.unsigned_abs());
                observation(flow, kind, START.saturating_add(since))
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn records_do_not_depend_on_shards_or_bursts(
        observations in observations(),
        active in select(vec![None, Some(Duration::from_mins(1))]),
    ) {
        let config = TrackerConfig {
            max_flows: 64,
            active_timeout: active,
            ..TrackerConfig::default()
        };
        let expected = records(&observations, 1, 1, &config);
        for (shards, burst) in [(1, 7), (1, 64), (2, 1), (2, 64), (4, 7)] {
            let found = records(&observations, shards, burst, &config);
            prop_assert_eq!(&found, &expected, "{} shards, bursts of {}", shards, burst);
        }
    }

    #[test]
    fn the_records_of_a_full_table_do_not_depend_on_bursts(observations in observations()) {
        let config = TrackerConfig {
            max_flows: 3,
            ..TrackerConfig::default()
        };
        let expected = records(&observations, 1, 1, &config);
        for burst in [7, 64] {
            prop_assert_eq!(&records(&observations, 1, burst, &config), &expected);
        }
    }
}

#[test]
fn a_flow_that_is_over_by_the_packets_of_another_shard_is_over() {
    let at = |secs| START.saturating_add(Duration::from_secs(secs));
    // Whatever the shards are, the flows of some of these packets are on others.
    let mut late = vec![observation(0, 9, at(100))];
    late.extend((1..20).map(|flow| observation(flow, 9, at(300))));
    late.push(observation(0, 9, at(150)));
    let config = TrackerConfig {
        max_flows: 64,
        ..TrackerConfig::default()
    };
    for shards in [1, 2, 4] {
        let records = records(&late, shards, 64, &config);
        assert_eq!(records.len(), 21, "a minute went by in between");
    }
}
