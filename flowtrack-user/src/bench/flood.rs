//! `flowtrack bench flood`: a full table, and each packet is the SYN of another flow.
//!
//! Half of the table has connections that are established. They are hit first; then SYNs fill the other
//! half, and from then on each of them takes the place of another flow. At the end each connection has
//! a packet: those that are still known have survived.

use super::{
    BenchError, Report, Unit,
    arena::Arena,
    pipeline::Pipeline,
    samples::Samples,
    traffic::{Synthetic, Traffic},
};
use crate::flow::TrackerConfig;

/// Packets of each connection before anything is measured.
const WARM_UP: usize = 2;

/// What to measure.
#[derive(Clone, Debug)]
pub struct FloodBench {
    /// Flows that the table holds.
    pub flows: usize,
    /// Times that the same is done: each burst counts with its shortest time.
    pub runs: u32,
}

/// What a run has shown. Runs differ in their times alone.
struct Run {
    /// Bursts of hits.
    hits: Samples,
    /// Bursts of SYNs.
    flood: Samples,
    evicted: u64,
    survived: u64,
    longest: u64,
}

impl FloodBench {
    /// Measures.
    pub fn run(&self) -> Result<Report, BenchError> {
        let mut best = self.once()?;
        for _ in 1..self.runs {
            let run = self.once()?;
            best.hits.keep_shorter(&run.hits);
            best.flood.keep_shorter(&run.flood);
            best.longest = best.longest.max(run.longest);
        }
        Ok(self.report(&best))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
    fn report(&self, run: &Run) -> Report {
        let mut report = Report::new("flood");
        let established = self.established();
        let packets = self.flows as f64;
        let [hit, new] = [&run.hits, &run.flood].map(|samples| samples.total() / packets);
        report.count("table_flows", self.flows as u64, Unit::None);
        report.count("runs", self.runs.into(), Unit::None);
        report.number("hit_ns_per_packet", hit, Unit::Nanos);
        report.number("ns_per_packet", new, Unit::Nanos);
        report.number("rate_to_hit_rate", hit / new, Unit::Times);
        run.flood.report(
            ["burst_median_ns", "burst_p999_ns", "burst_longest_ns"],
            &mut report,
        );
        report.number(
            "longest_to_median",
            run.flood.longest_to_median_of(&run.flood),
            Unit::Times,
        );
        report.count("longest_with_interruptions_ns", run.longest, Unit::Nanos);
        report.count("evicted", run.evicted, Unit::None);
        report.count("established", established as u64, Unit::None);
        report.count("established_survived", run.survived, Unit::None);
        report
    }

    fn established(&self) -> usize {
        (self.flows / 2).max(1)
    }

    fn once(&self) -> Result<Run, BenchError> {
        let established = self.established();
        let mut pipeline = Pipeline::new(&TrackerConfig {
            max_flows: self.flows,
            ..TrackerConfig::default()
        })?;
        let mut ring = Arena::ring()?;
        let mut traffic = Traffic::new(Synthetic {
            flows: established,
            ..Synthetic::default()
        });
        pipeline.all(&mut ring, |frame| traffic.open(frame));
        let mut rest = 0..established * WARM_UP;
        pipeline.all(&mut ring, |frame| rest.next().map(|_| traffic.next(frame)));
        let mut rest = 0..self.flows;
        let hits = pipeline.all(&mut ring, |frame| rest.next().map(|_| traffic.next(frame)));
        let mut rest = established..self.flows;
        pipeline.all(&mut ring, |frame| rest.next().map(|_| traffic.knock(frame)));
        let before = pipeline.counts();
        let mut rest = 0..self.flows;
        let flood = pipeline.all(&mut ring, |frame| rest.next().map(|_| traffic.knock(frame)));
        let after = pipeline.counts();
        let mut places = 0..established;
        pipeline.all(&mut ring, |frame| {
            places.next().map(|place| traffic.next_at(place, frame))
        });
        let lost = pipeline.counts().created - after.created;
        Ok(Run {
            longest: flood.longest(),
            hits,
            flood,
            evicted: after.evicted - before.evicted,
            survived: (established as u64).saturating_sub(lost),
        })
    }
}
