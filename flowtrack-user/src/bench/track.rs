//! `flowtrack bench track`: parsing and tracking.

mod captures;
mod synthetic;
mod write;

use std::{path::PathBuf, time::Duration};

use super::{
    BenchError, Report, Unit,
    arena::Arena,
    pipeline::{Counts, Pipeline},
    samples::{Samples, median},
    traffic::Synthetic,
};
use crate::sys::clock;

/// What to measure.
#[derive(Clone, Debug)]
pub struct TrackBench {
    /// Where packets come from.
    pub source: Source,
    /// Flows that the table holds, where that is not left to the measurement.
    pub max_flows: Option<usize>,
    /// Times that captures are replayed.
    pub repeat: u32,
    /// Synthetic packets that are measured.
    pub packets: u64,
    /// Without the bare table and the hash map.
    pub alone: bool,
    /// Write the packets there, and measure nothing.
    pub write: Option<PathBuf>,
}

/// Where packets come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Captures.
    Files(Vec<PathBuf>),
    /// They are made in memory.
    Synthetic(Synthetic),
}

impl TrackBench {
    /// Measures; `None` if packets were to be written instead.
    pub fn run(&self) -> Result<Option<Report>, BenchError> {
        match &self.source {
            Source::Files(paths) => self.captures(paths).map(Some),
            Source::Synthetic(spec) => match &self.write {
                Some(path) => write::write(*spec, self.packets, path).map(|()| None),
                None => self.synthetic(*spec).map(Some),
            },
        }
    }
}

/// What was measured of a pipeline.
struct Measured {
    /// Times of the bursts.
    bursts: Samples,
    /// Nanoseconds for a packet, in each round.
    rounds: Vec<f64>,
    /// What was counted before.
    before: Counts,
}

impl Measured {
    /// Nothing yet, of a `pipeline` that is set up, and room for so many bursts.
    fn begin(pipeline: &Pipeline, bursts: usize) -> Self {
        Self {
            bursts: Samples::with_capacity(bursts),
            rounds: Vec::with_capacity(bursts),
            before: pipeline.counts(),
        }
    }

    /// Lets `pipeline` take in all frames of `arena`, each one `later` than it was: a round.
    #[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
    fn round(&mut self, pipeline: &mut Pipeline, arena: &Arena, later: Duration) {
        let start = clock::thread_time();
        for burst in arena.bursts(later) {
            self.bursts.push(pipeline.measure(burst));
        }
        let total = clock::thread_time().saturating_sub(start);
        self.rounds
            .push(total.as_nanos() as f64 / arena.len() as f64);
    }

    /// Puts all of it into `report`.
    #[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
    fn report(&self, pipeline: &Pipeline, config_flows: usize, report: &mut Report) {
        let counts = pipeline.counts();
        let packets = counts.packets - self.before.packets;
        let created = counts.created - self.before.created;
        let started = created as f64 / packets as f64;
        report.count("packets", packets, Unit::None);
        report.number("ns_per_packet", median(&self.rounds), Unit::Nanos);
        report.count("flows", counts.live, Unit::None);
        report.count("table_flows", config_flows as u64, Unit::None);
        report.text("table_pages", format!("{:?}", pipeline.pages()));
        let bytes = pipeline.memory() as f64 / config_flows as f64;
        report.number("bytes_per_flow", bytes, Unit::Bytes);
        report.number("hits", 1.0 - started, Unit::Share);
        report.number("starts", started, Unit::Share);
        report.count("ended", counts.ended - self.before.ended, Unit::None);
        report.count("evicted", counts.evicted - self.before.evicted, Unit::None);
        report.count("refused", counts.refused - self.before.refused, Unit::None);
        if let Some(allocations) = counts.allocations {
            let before = self.before.allocations.unwrap_or(0);
            report.count("allocations", allocations - before, Unit::None);
        }
        self.bursts.report(
            ["burst_median_ns", "burst_p999_ns", "burst_longest_ns"],
            report,
        );
    }
}
