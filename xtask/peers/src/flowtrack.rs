//! flowtrack, as its worker does it: bursts through the parser and then through the shard, which also
//! ends flows that are over, and a thread that takes its records.

use crossbeam_channel::bounded;
use flowtrack::{
    capture::BURST,
    flow::{
        EventKinds, ExtractorConfig, FiveTuple, Intake, MAX_OBSERVATIONS, Observation,
        TrackerConfig,
    },
    table::Paging,
    worker::{ChunkSink, Delivery, Shard, ShardCounts},
};
use flowtrack_common::Frame;

use crate::Subject;

/// Chunks of results that may be under way.
const CHUNKS: usize = 64;

/// Parser and shard.
pub struct Flowtrack {
    intake: Intake,
    shard: Shard,
    burst: Vec<Observation<FiveTuple>>,
}

impl Flowtrack {
    /// With room for some flows and the defaults otherwise.
    pub fn new(max_flows: usize) -> Self {
        let (sender, chunks) = bounded(CHUNKS);
        let (sink, pool) = ChunkSink::new(0, CHUNKS, sender, EventKinds::NONE, Delivery::Wait);
        std::thread::spawn(move || chunks.into_iter().for_each(|chunk| pool.give_back(chunk)));
        let config = TrackerConfig {
            max_flows,
            // As `flowtrack run` has it.
            paging: Paging::Now,
            ..TrackerConfig::default()
        };
        Self {
            intake: Intake::new(ExtractorConfig::default()),
            shard: Shard::new(config, sink),
            burst: Vec::with_capacity(BURST * MAX_OBSERVATIONS),
        }
    }
}

impl Subject for Flowtrack {
    fn name(&self) -> &'static str {
        "flowtrack"
    }

    fn packets(&mut self, frames: &[Frame<'_>]) {
        let Self {
            intake,
            shard,
            burst,
        } = self;
        for frames in frames.chunks(BURST) {
            for frame in frames {
                intake.frame(frame, |observation| burst.push(observation));
            }
            shard.burst(burst);
            burst.clear();
        }
    }

    fn flows(&self) -> u64 {
        let mut counts = ShardCounts::default();
        self.shard.count(&mut counts);
        counts.created
    }
}
