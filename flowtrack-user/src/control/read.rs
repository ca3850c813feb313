//! `flowtrack read`: the pipeline from capture files.

use std::{ops::ControlFlow, path::PathBuf, sync::Arc, thread, time::Duration};

use anyhow::Context;
use crossbeam_channel::bounded;
use flowtrack_common::Timestamp;

use super::{
    Collector, CollectorCounts, Counted, Ledger, LedgerPart, Moment,
    dispatch::{Dispatcher, Place},
    outputs,
    sampling::{Sampler, SamplingRow, sample_key},
};
use crate::{
    capture::{
        BURST,
        pcap::{CaptureFile, ReadError},
    },
    export::{OutputQueue, OutputSpec},
    filter::Filter,
    flow::{
        EventKinds, ExtractorConfig, Intake, IntakeCounts, Observation, SampleRate, TrackerConfig,
    },
    worker::{ChunkSink, Delivery, Shard, ShardCounts},
};

/// Chunks that each shard may have under way.
const CHUNKS: usize = 16;

/// What to read, and what to make of it.
#[derive(Clone, Debug)]
pub struct ReadConfig {
    /// The captures, in their order; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// Where records and events go.
    pub outputs: Vec<OutputSpec>,
    /// Trackers, each in a thread if there are several.
    pub shards: usize,
    /// What of the packets is wanted; all if there is none.
    pub filter: Option<Filter>,
    /// What makes a flow.
    pub extractor: ExtractorConfig,
    /// Size and timeouts of each tracker.
    pub tracker: TrackerConfig,
    /// Which share of the flows is tracked.
    pub sample: SampleRate,
}

/// How reading ended.
#[derive(Debug)]
pub struct ReadOutcome {
    /// Where every packet went; none if no file could be opened: then the outputs were left alone.
    /// Packets without a key stand with the first shard.
    pub ledger: Option<Ledger>,
    /// What was wrong with some of the files.
    pub errors: Vec<ReadError>,
}

/// Reads all files, to the end or until nobody wants any of the outputs any more. An output that is
/// slow is waited for.
pub fn read(config: &ReadConfig) -> anyhow::Result<ReadOutcome> {
    config.tracker.check_memory(config.shards)?;
    let outputs = outputs::open(&config.outputs, Delivery::Wait)?;
    let wants = outputs
        .iter()
        .fold(EventKinds::NONE, |all, output| all.union(output.wants()));
    let (sender, chunks) = bounded(config.shards * CHUNKS);
    let (shards, pools): (Vec<_>, Vec<_>) = (0..config.shards)
        .map(|shard| {
            let (sink, pool) = ChunkSink::new(shard, CHUNKS, sender.clone(), wants, Delivery::Wait);
            let mut shard = Shard::new(config.tracker, sink);
            shard.sample(config.sample, Timestamp::EPOCH);
            (shard, pool)
        })
        .unzip();
    drop(sender);
    let arrived = CollectorCounts::new(config.shards);
    let collector = Collector {
        chunks,
        pools,
        origins: Vec::new(),
        outputs: Arc::clone(&outputs),
        counts: Arc::clone(&arrived),
    };
    let (counts, files) = thread::scope(|scope| {
        thread::Builder::new()
            .name("collector".into())
            .spawn_scoped(scope, move || collector.run())
            .context("cannot start the collector thread")?;
        let mut dispatcher = Dispatcher::start(scope, shards, BURST, &config.tracker)
            .context("cannot start the tracker threads")?;
        let files = read_files(config, &mut dispatcher, &outputs);
        anyhow::Ok((dispatcher.finish(), files))
    })?;
    let ledger = files.opened.then(|| {
        let counts = files.account(counts);
        let sampling = files.sampling(config.sample, &counts, &arrived);
        let parts: Vec<_> = counts
            .into_iter()
            .enumerate()
            .map(|(shard, counts)| LedgerPart {
                counts,
                arrived: arrived.records(shard),
                ..LedgerPart::default()
            })
            .collect();
        let outputs = outputs::finish(outputs, Duration::MAX);
        Ledger {
            sampling,
            ..Ledger::new(&parts, outputs, Moment::Ended)
        }
    });
    Ok(ReadOutcome {
        ledger,
        errors: files.errors,
    })
}

/// What was read of the files.
#[derive(Default)]
struct Files {
    /// At least one could be opened.
    opened: bool,
    /// Without those that are not in the sample.
    packets: u64,
    sampled_out: Counted,
    /// What became of the packets before they had a shard.
    intake: IntakeCounts,
    errors: Vec<ReadError>,
}

impl Files {
    /// The counts of the shards, with what no shard has seen on the first one: refused packets, and
    /// any packet of the files that got lost on the way to the shards, which the ledger then shows.
    fn account(&self, mut counts: Vec<ShardCounts>) -> Vec<ShardCounts> {
        if let Some((first, others)) = counts.split_first_mut() {
            let elsewhere: u64 = others.iter().map(|counts| counts.received).sum();
            first.received = self.packets.saturating_sub(elsewhere);
            first.filtered = self.intake.filtered;
            first.refused_inside = self.intake.refused_inside;
            let refused = self.intake.refused.iter();
            for (count, (_, packets)) in first.refused.iter_mut().zip(refused) {
                *count = packets;
            }
        }
        counts
    }

    /// What the flows in the sample say of all, if not all of them are in it.
    fn sampling(
        &self,
        rate: SampleRate,
        counts: &[ShardCounts],
        arrived: &CollectorCounts,
    ) -> Option<SamplingRow> {
        let mut sum = ShardCounts::default();
        for shard in counts {
            sum += *shard;
        }
        let row = SamplingRow::new((rate, rate), self.sampled_out, &sum, &arrived.variance());
        (rate != SampleRate::ALL).then_some(row)
    }
}

/// Reads the files one after the other. One that is damaged does not keep the others from being
/// read.
fn read_files(
    config: &ReadConfig,
    dispatcher: &mut Dispatcher<'_>,
    outputs: &[OutputQueue],
) -> Files {
    let mut intake = Intake::filtered(config.extractor, config.filter.clone());
    let mut sampler = Sampler::new(config.sample, sample_key(&config.tracker));
    let mut read = Files::default();
    for path in &config.files {
        if nobody_reads(outputs) {
            break;
        }
        let mut file = match CaptureFile::open(path) {
            Ok(file) => file,
            Err(error) => {
                read.errors.push(error);
                continue;
            }
        };
        read.opened = true;
        let result = file.read(|frame| {
            if !intake.wants(frame) || !sampler.takes(frame) {
                return ControlFlow::Continue(());
            }
            let mut place = Place::Outermost;
            intake.frame(frame, |observation| {
                dispatcher.observe(observation, place);
                if matches!(observation, Observation::Packet(_)) {
                    place = Place::Inside;
                }
            });
            if nobody_reads(outputs) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        read.packets += file.packets();
        read.errors.extend(result.err());
    }
    read.sampled_out = sampler.sampled_out();
    read.packets -= read.sampled_out.packets;
    read.intake = *intake.counts();
    read
}

/// All outputs were pipes, and their readers have gone away.
fn nobody_reads(outputs: &[OutputQueue]) -> bool {
    !outputs.is_empty() && outputs.iter().all(OutputQueue::is_closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_that_no_shard_has_is_received_all_the_same() {
        let shard = ShardCounts {
            received: 10,
            accepted: 10,
            ..ShardCounts::default()
        };
        let files = Files {
            packets: 21,
            ..Files::default()
        };
        let counts = files.account(vec![shard, shard]);
        assert_eq!((counts[0].received, counts[0].accepted), (11, 10));
        assert_eq!(counts[1], shard);
    }
}
