//! What a worker does with a burst, without the socket.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};

use super::{
    arena::{Arena, Burst},
    samples::Samples,
    traffic::Made,
};
use crate::{
    capture::BURST,
    flow::{
        EventKinds, ExtractorConfig, FiveTuple, Intake, MAX_OBSERVATIONS, NotEnoughMemory,
        Observation, TrackerConfig,
    },
    sys::alloc,
    table::{Pages, Paging},
    worker::{Chunk, ChunkPool, ChunkSink, Delivery, Shard, ShardCounts},
};

/// Chunks between a worker and the control plane; one is enough, as they come back after each burst.
const CHUNKS: usize = 16;

/// Parser, tracker, sweep and the way of the records out, as a worker has them.
pub(super) struct Pipeline {
    intake: Intake,
    burst: Vec<Observation<FiveTuple>>,
    shard: Shard,
    chunks: Receiver<Chunk>,
    pool: ChunkPool,
    /// Allocations while bursts were taken in, where they are counted.
    allocations: Option<u64>,
}

impl Pipeline {
    /// One without flows.
    pub(super) fn new(config: &TrackerConfig) -> Result<Self, NotEnoughMemory> {
        config.check_memory(1)?;
        let (sender, chunks) = bounded(CHUNKS + 1);
        let (sink, pool) = ChunkSink::new(0, CHUNKS, sender, EventKinds::NONE, Delivery::Drop);
        Ok(Self {
            intake: Intake::new(ExtractorConfig::default()),
            burst: Vec::with_capacity(BURST * MAX_OBSERVATIONS),
            shard: Shard::new(
                TrackerConfig {
                    paging: Paging::Now,
                    ..*config
                },
                sink,
            ),
            chunks,
            pool,
            allocations: None,
        })
    }

    /// Takes in a burst and says how long that took.
    pub(super) fn measure(&mut self, burst: Burst<'_>) -> Duration {
        let before = alloc::allocations();
        let start = Instant::now();
        self.take(burst);
        let time = start.elapsed();
        let made = alloc::allocations()
            .zip(before)
            .map(|(after, before)| after - before);
        self.allocations = made.map(|made| made + self.allocations.unwrap_or(0));
        for chunk in self.chunks.try_iter() {
            self.pool.give_back(chunk);
        }
        time
    }

    /// Takes in all that `next` makes, by way of `ring`, and says how long each burst took.
    pub(super) fn all(
        &mut self,
        ring: &mut Arena,
        mut next: impl FnMut(&mut [u8]) -> Option<Made>,
    ) -> Samples {
        let mut samples = Samples::default();
        loop {
            ring.fill(&mut next);
            if ring.len() == 0 {
                return samples;
            }
            for burst in ring.bursts(Duration::ZERO) {
                samples.push(self.measure(burst));
            }
        }
    }

    #[inline]
    fn take(&mut self, frames: Burst<'_>) {
        let Self {
            intake,
            burst,
            shard,
            ..
        } = self;
        for frame in frames.frames() {
            intake.frame(&frame, |observation| burst.push(observation));
        }
        shard.burst(burst);
        burst.clear();
    }

    /// What was counted so far.
    pub(super) fn counts(&self) -> Counts {
        let mut shard = ShardCounts::default();
        self.shard.count(&mut shard);
        let ShardCounts {
            matched,
            created,
            live,
            lost_records,
            ..
        } = shard;
        Counts {
            packets: matched,
            refused: self.intake.counts().refused.iter().map(|(_, n)| n).sum(),
            created,
            evicted: shard.evicted.iter().sum(),
            ended: shard.ended.iter().sum(),
            live,
            lost_records,
            allocations: self.allocations,
        }
    }

    /// Bytes that the tracker has.
    pub(super) fn memory(&self) -> usize {
        self.shard.memory()
    }

    /// The pages that its flow table lies in.
    pub(super) fn pages(&self) -> Pages {
        self.shard.pages()
    }
}

/// What a pipeline has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Packets that were tracked.
    pub(super) packets: u64,
    /// Frames without a flow.
    pub(super) refused: u64,
    /// Flows that were started.
    pub(super) created: u64,
    /// Flows that made room in a full table.
    pub(super) evicted: u64,
    /// Flows that ended, those too.
    pub(super) ended: u64,
    /// Flows that live.
    pub(super) live: u64,
    /// Records that were dropped.
    pub(super) lost_records: u64,
    /// Allocations, where they are counted.
    pub(super) allocations: Option<u64>,
}
