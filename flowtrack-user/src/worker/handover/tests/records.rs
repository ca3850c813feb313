//! Records do not depend on the queues that packets arrive on.

use std::collections::VecDeque;

use crossbeam_channel::{Receiver, unbounded};
use flowtrack_common::EndReason;

use super::*;
use crate::{
    flow::{
        EventKinds, TrackerConfig,
        tests::script::{c, s},
    },
    worker::{Chunk, ChunkPool, ChunkSink, Delivery, Shard},
};

const WORKERS: usize = 4;

type Arrivals = Vec<VecDeque<Observation<FiveTuple>>>;

fn shard() -> (Shard, Receiver<Chunk>, ChunkPool) {
    let config = TrackerConfig {
        max_flows: 64,
        ..TrackerConfig::default()
    };
    let (sender, chunks) = unbounded();
    let (sink, pool) = ChunkSink::new(0, 16, sender, EventKinds::NONE, Delivery::Drop);
    (Shard::new(config, sink), chunks, pool)
}

/// The records of shards that have ended, in an order that does not depend on them.
fn records(shards: Vec<(Shard, Receiver<Chunk>, ChunkPool)>) -> Vec<String> {
    let end = |(mut shard, chunks, _pool): (Shard, Receiver<Chunk>, ChunkPool)| {
        shard.finish(EndReason::Shutdown);
        drop(shard);
        chunks
            .into_iter()
            .flat_map(|chunk| chunk.records.iter().collect::<Vec<_>>())
    };
    let records = shards.into_iter().flat_map(end);
    let mut lines: Vec<_> = records.map(|record| format!("{record:?}")).collect();
    lines.sort();
    lines
}

/// What a single queue would have received: always the earliest of the next ones, of those of one time
/// that of the lowest queue.
fn merged(mut queues: Arrivals) -> Vec<Observation<FiveTuple>> {
    let mut all = Vec::new();
    loop {
        let next = queues.iter_mut().filter(|queue| !queue.is_empty());
        let Some(queue) = next.min_by_key(|queue| queue[0].ts()) else {
            return all;
        };
        all.extend(queue.pop_front());
    }
}

/// Packets of a few flows that open, talk and close, and the queue that each arrives on; some are late.
fn arrivals() -> impl Strategy<Value = Arrivals> {
    let steps = select(vec![
        0, 0, 1, 1, 1_000, 7_000, 40_000, 400_000, -2, -30, -900,
    ]);
    vec((steps, 0_u16..6, 0_usize..8, 0..WORKERS), 1..200).prop_map(|packets| {
        let segments = [
            c("S", 0, 0, 0),
            s("SA", 0, 1, 0),
            c("A", 1, 1, 10),
            s("A", 1, 11, 10),
            c("FA", 11, 11, 0),
            s("FA", 11, 12, 0),
            s("R", 11, 0, 0),
        ];
        let mut queues = vec![VecDeque::new(); WORKERS];
        let (mut now, mut latest) = (10_000_i64, 0);
        for (step, flow, kind, queue) in packets {
            // More than a second would set the clock back.
            now = (now + step).max(latest - 1_000);
            latest = latest.max(now);
            let ts = at(now.unsigned_abs());
            let client = SocketAddr::new(client().ip(), 10_000 + flow);
            let meta = match segments.get(kind) {
                Some(segment) => segment.between(client, server(), ts),
                None => packet(client, server(), L4Proto::Udp, ts),
            };
            queues[queue].push_back(Observation::Packet(meta));
        }
        queues
    })
}

/// Takes in what is due on a shard; whether there may be more.
fn take_in(worker: &mut Handover, shard: &mut Shard) -> bool {
    // Later than all packets, and no time goes by while anybody is waited for.
    let (due, more) = worker.take(at(1_000_000_000));
    shard.burst(due);
    more
}

/// Gives the next `count` packets of a queue.
fn give(worker: &mut Handover, queue: &mut VecDeque<Observation<FiveTuple>>, count: usize) {
    let burst: Vec<_> = queue.drain(..count.min(queue.len())).collect();
    if let Some(up_to) = burst.iter().map(Observation::ts).max() {
        worker.give(&burst, up_to);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn records_are_those_of_a_single_queue(
        arrivals in arrivals(),
        doings in vec((0..WORKERS, 0_usize..20), 0..60),
    ) {
        let mut single = shard();
        single.0.burst(&merged(arrivals.clone()));
        let expected = records(vec![single]);

        let mut queues = arrivals;
        let mut group = Handover::group(WORKERS, &hasher());
        let mut shards: Vec<_> = group.iter().map(|_| shard()).collect();
        for (number, count) in doings {
            if count > 0 {
                give(&mut group[number], &mut queues[number], count);
            } else {
                take_in(&mut group[number], &mut shards[number].0);
            }
        }
        for (worker, queue) in group.iter_mut().zip(&mut queues) {
            give(worker, queue, usize::MAX);
            worker.close();
        }
        for (worker, (shard, ..)) in group.iter_mut().zip(&mut shards) {
            while take_in(worker, shard) {}
            prop_assert!(worker.is_over());
            prop_assert_eq!(counts(worker).handover_late, 0);
            shard.idle(worker.time());
        }
        prop_assert_eq!(records(shards), expected);
    }
}
