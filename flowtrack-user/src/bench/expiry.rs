//! `flowtrack bench expiry`: bursts while many flows expire.
//!
//! UDP flows are opened at line rate, one behind the other. An eighth of them goes on; the others fall
//! silent, and a timeout later they expire as fast as they came, while packets of the live ones come in
//! at line rate.

use std::time::Duration;

use super::{
    BenchError, Report, Unit,
    arena::Arena,
    pipeline::Pipeline,
    samples::Samples,
    traffic::{Proto, Synthetic, Traffic},
};
use crate::flow::{TimeoutClass, TrackerConfig};

/// One in so many flows stays alive.
const LIVE: usize = 8;
/// Packets that each live flow has when all are open.
const HITS: usize = 2;
/// Fewer flows make no sweep.
const MIN_FLOWS: usize = 1 << 10;

/// What to measure.
#[derive(Clone, Debug)]
pub struct ExpiryBench {
    /// Flows that are opened.
    pub flows: usize,
    /// Times that the same is done: each burst counts with its shortest time.
    pub runs: u32,
}

/// What a run has shown. Runs differ in their times alone.
struct Run {
    /// Bursts before any flow expired.
    quiet: Samples,
    /// Bursts while they did.
    sweep: Samples,
    expired: u64,
    longest: u64,
}

impl ExpiryBench {
    /// Measures.
    pub fn run(&self) -> Result<Report, BenchError> {
        let mut best = self.once()?;
        for _ in 1..self.runs {
            let run = self.once()?;
            best.quiet.keep_shorter(&run.quiet);
            best.sweep.keep_shorter(&run.sweep);
            best.longest = best.longest.max(run.longest);
        }
        let Run {
            quiet,
            sweep,
            expired,
            longest,
        } = best;
        let mut report = Report::new("expiry");
        report.count("flows", self.flows() as u64, Unit::None);
        report.count("runs", self.runs.into(), Unit::None);
        report.count("expired", expired, Unit::None);
        report.count("quiet_burst_median_ns", quiet.median(), Unit::Nanos);
        report.count("quiet_burst_longest_ns", quiet.longest(), Unit::Nanos);
        sweep.report(
            ["burst_median_ns", "burst_p999_ns", "burst_longest_ns"],
            &mut report,
        );
        for (key, bursts) in [
            ("longest_to_median", &sweep),
            ("longest_to_quiet_median", &quiet),
        ] {
            report.number(key, sweep.longest_to_median_of(bursts), Unit::Times);
        }
        report.count("longest_with_interruptions_ns", longest, Unit::Nanos);
        Ok(report)
    }

    fn flows(&self) -> usize {
        self.flows.max(MIN_FLOWS)
    }

    fn once(&self) -> Result<Run, BenchError> {
        let flows = self.flows();
        let config = TrackerConfig {
            max_flows: flows,
            ..TrackerConfig::default()
        };
        let mut pipeline = Pipeline::new(&config)?;
        let mut ring = Arena::ring()?;
        let mut traffic = Traffic::new(Synthetic {
            flows,
            proto: Proto::Udp,
            ..Synthetic::default()
        });
        pipeline.all(&mut ring, |frame| traffic.open(frame));
        let live = flows.div_ceil(LIVE);
        let mut places = (0..HITS).flat_map(|_| 0..live);
        pipeline.all(&mut ring, |frame| {
            places.next().map(|place| traffic.next_at(place, frame))
        });
        // The first silent flow, which was opened behind the live ones, expires after as many packets.
        let timeout = config.timeouts.get(TimeoutClass::Udp);
        traffic.pause(timeout.saturating_sub(traffic.elapsed()));
        let silent = (flows - live) as u64;
        let mut bursts = |until: &dyn Fn(u64) -> bool| {
            let mut samples = Samples::default();
            while until(pipeline.counts().ended) {
                ring.fill(|frame| Some(traffic.next_of(live, frame)));
                for burst in ring.bursts(Duration::ZERO) {
                    samples.push(pipeline.measure(burst));
                }
            }
            samples
        };
        let quiet = bursts(&|ended| ended == 0);
        let sweep = bursts(&|ended| ended < silent);
        Ok(Run {
            longest: sweep.longest(),
            quiet,
            sweep,
            expired: pipeline.counts().ended,
        })
    }
}
