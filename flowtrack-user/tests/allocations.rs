//! No packet allocates: whatever it does to the table, from the bytes of its frame to the chunks in which
//! records leave.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use flowtrack::{
    bench::traffic::{MAX_FRAME, Made, Traffic},
    capture::BURST,
    common::{EndReason, Frame, LinkType},
    flow::{
        EventKinds, ExtractorConfig, FiveTuple, Intake, MAX_OBSERVATIONS, Observation,
        TrackerConfig,
    },
    sys::alloc::{CountingAllocator, allocations},
    worker::{Chunk, ChunkPool, ChunkSink, Delivery, Shard, ShardCounts},
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const FLOWS: usize = 4096;
const CHUNKS: usize = 8;

/// A worker without its socket.
struct Worker {
    traffic: Traffic,
    intake: Intake,
    burst: Vec<Observation<FiveTuple>>,
    shard: Shard,
    chunks: Receiver<Chunk>,
    pool: ChunkPool,
    /// Allocations by packets so far.
    allocations: u64,
}

impl Worker {
    fn new(traffic: &str, wants: EventKinds) -> Self {
        let (sender, chunks) = bounded(CHUNKS + 1);
        let (sink, pool) = ChunkSink::new(0, CHUNKS, sender, wants, Delivery::Drop);
        let config = TrackerConfig {
            max_flows: FLOWS,
            active_timeout: Some(Duration::from_millis(1)),
            emit_anomalies: true,
            ..TrackerConfig::default()
        };
        Self {
            traffic: Traffic::new(traffic.parse().unwrap()),
            intake: Intake::new(ExtractorConfig::default()),
            burst: Vec::with_capacity(BURST * MAX_OBSERVATIONS),
            shard: Shard::new(config, sink),
            chunks,
            pool,
            allocations: 0,
        }
    }

    /// Takes in what `next` makes of the traffic, and returns what was counted by then.
    fn take(
        &mut self,
        mut next: impl FnMut(&mut Traffic, &mut [u8]) -> Option<Made>,
    ) -> ShardCounts {
        let mut bytes = [0; MAX_FRAME];
        let mut frames = 0;
        while let Some(Made { len, ts }) = next(&mut self.traffic, &mut bytes) {
            let frame = Frame {
                bytes: &bytes[..len],
                wire_len: u32::try_from(len).unwrap(),
                link: LinkType::ETHERNET,
                ts,
            };
            let before = allocations().unwrap();
            self.intake
                .frame(&frame, |observation| self.burst.push(observation));
            frames += 1;
            if frames % BURST == 0 {
                self.shard.burst(&self.burst);
                self.burst.clear();
                for chunk in self.chunks.try_iter() {
                    self.pool.give_back(chunk);
                }
            }
            self.allocations += allocations().unwrap() - before;
        }
        let mut counts = ShardCounts::default();
        self.shard.count(&mut counts);
        counts
    }

    /// The same, for so many packets.
    fn packets(
        &mut self,
        packets: usize,
        mut next: impl FnMut(&mut Traffic, &mut [u8]) -> Made,
    ) -> ShardCounts {
        let mut rest = 0..packets;
        self.take(|traffic, frame| rest.next().map(|_| next(traffic, frame)))
    }
}

/// Creation, hits, connections that come and go, eviction and expiry.
fn no_packet_allocates(spec: &str, wants: EventKinds) {
    let mut worker = Worker::new(spec, wants);
    let opened = worker.take(Traffic::open);
    assert_eq!(opened.created, 2048, "creation");
    let hit = worker.packets(20 * FLOWS, Traffic::next);
    assert!(hit.created > opened.created, "new flows have come");
    let flooded = worker.packets(4 * FLOWS, Traffic::knock);
    assert!(flooded.evicted.iter().sum::<u64>() > 0, "eviction");
    worker.traffic.pause(Duration::from_hours(1));
    let after = worker.packets(4 * FLOWS, |traffic, frame| traffic.next_at(0, frame));
    let idle = |counts: &ShardCounts| counts.ended[EndReason::IdleTimeout.index()];
    assert!(idle(&after) >= idle(&flooded) + FLOWS as u64 / 2, "expiry");
    assert!(after.records > after.created / 2, "records were made");
    assert_eq!(worker.allocations, 0, "{spec}");
}

#[test]
fn no_packet_allocates_where_records_are_wanted() {
    for proto in ["udp", "tcp", "mix"] {
        let spec = format!("flows=2048,size=imix,new=2%,proto={proto}");
        no_packet_allocates(&spec, EventKinds::NONE);
    }
}

#[test]
fn no_packet_allocates_where_all_events_are_wanted() {
    no_packet_allocates("flows=2048,proto=mix,new=2%", EventKinds::ALL);
}

#[test]
fn allocations_are_counted() {
    let before = allocations().unwrap();
    let vector = std::hint::black_box(vec![1_u8]);
    assert_eq!(allocations().unwrap(), before + 1);
    drop(vector);
}
