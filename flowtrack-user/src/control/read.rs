//! `flowtrack read`: the pipeline from capture files.

use std::{ops::ControlFlow, path::PathBuf, sync::Arc, thread, time::Duration};

use anyhow::Context;
use crossbeam_channel::bounded;

use super::{Collector, CollectorCounts, Ledger, Moment, dispatch::Dispatcher, outputs};
use crate::{
    capture::pcap::{CaptureFile, ReadError},
    export::{OutputQueue, OutputSpec},
    flow::{EventKinds, Extraction, FiveTupleExtractor, TrackerConfig},
    worker::{ChunkSink, Delivery, Shard, ShardCounts},
};

/// Chunks that each shard may have under way.
const CHUNKS: usize = 16;
/// An output that hangs is not waited for any longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// What to read, and what to make of it.
#[derive(Clone, Debug)]
pub struct ReadConfig {
    /// The captures, in their order; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// Where records and events go.
    pub outputs: Vec<OutputSpec>,
    /// Trackers, each in a thread if there are several.
    pub shards: usize,
    /// Size and timeouts of each tracker.
    pub tracker: TrackerConfig,
}

/// How reading ended.
#[derive(Debug)]
pub struct ReadOutcome {
    /// Where every packet went. Packets without a key stand with the first shard.
    pub ledger: Ledger,
    /// What was wrong with some of the files.
    pub errors: Vec<ReadError>,
    /// Whoever read an output has gone away, so not all was read.
    pub closed: bool,
}

/// Reads all files, to the end or until nobody wants the outputs any more.
pub fn read(config: &ReadConfig) -> anyhow::Result<ReadOutcome> {
    let outputs = outputs::open(&config.outputs, Delivery::Wait)?;
    let wants = outputs
        .iter()
        .fold(EventKinds::NONE, |all, output| all.union(output.wants()));
    let (sender, chunks) = bounded(config.shards * CHUNKS);
    let (shards, pools): (Vec<_>, Vec<_>) = (0..config.shards)
        .map(|shard| {
            let (sink, pool) = ChunkSink::new(shard, CHUNKS, sender.clone(), wants, Delivery::Wait);
            (Shard::new(config.tracker, sink), pool)
        })
        .unzip();
    drop(sender);
    let arrived = CollectorCounts::new(config.shards);
    let collector = Collector {
        chunks,
        pools,
        outputs: Arc::clone(&outputs),
        counts: Arc::clone(&arrived),
    };
    let (counts, errors) = thread::scope(|scope| {
        thread::Builder::new()
            .name("collector".into())
            .spawn_scoped(scope, move || collector.run())
            .context("cannot start the collector thread")?;
        let mut dispatcher =
            Dispatcher::start(scope, shards).context("cannot start the tracker threads")?;
        let (refused, errors) = read_files(&config.files, &mut dispatcher, &outputs);
        let mut counts = dispatcher.finish();
        if let Some(first) = counts.first_mut() {
            *first += refused;
        }
        anyhow::Ok((counts, errors))
    })?;
    let parts: Vec<_> = counts
        .into_iter()
        .enumerate()
        .map(|(shard, counts)| (None, counts, arrived.records(shard)))
        .collect();
    let ledger = Ledger::new(&parts, outputs::finish(outputs, PATIENCE), Moment::Ended);
    let closed = ledger.outputs.iter().any(|output| output.closed);
    Ok(ReadOutcome {
        ledger,
        errors,
        closed,
    })
}

/// Reads the files one after the other, and counts what has no key. A file that is damaged does not
/// keep the others from being read.
fn read_files(
    files: &[PathBuf],
    dispatcher: &mut Dispatcher<'_>,
    outputs: &[OutputQueue],
) -> (ShardCounts, Vec<ReadError>) {
    let mut extraction = Extraction::new(FiveTupleExtractor);
    let mut errors = Vec::new();
    for path in files {
        let result = CaptureFile::open(path).and_then(|mut file| {
            file.read(|frame| {
                if let Some(meta) = extraction.meta(frame) {
                    dispatcher.packet(meta);
                }
                if outputs.iter().any(OutputQueue::is_closed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
        });
        errors.extend(result.err());
    }
    let refused = extraction.refused();
    let mut counts = ShardCounts {
        received: refused.total(),
        ..ShardCounts::default()
    };
    for (count, (_, packets)) in counts.refused.iter_mut().zip(refused.iter()) {
        *count = packets;
    }
    (counts, errors)
}
