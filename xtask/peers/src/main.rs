//! flowtrack and flowscope on the same packets, by turns in one process.

mod flowscope;
mod flowtrack;
mod report;
mod trace;

use std::{path::PathBuf, time::Duration};

use ::flowtrack::bench::traffic::{Synthetic, count};
use anyhow::{Context as _, ensure};
use clap::Parser;
use flowtrack_common::Frame;
use nix::time::{ClockId, clock_gettime};

use self::{
    report::Outcome,
    trace::{Ring, SLOTS, Source, Trace},
};

/// Times flowtrack and flowscope on the packets of a capture, or on such that are made.
#[derive(Parser)]
struct Cli {
    /// The capture, read into memory; untagged or tagged Ethernet.
    #[arg(required_unless_present = "synthetic")]
    file: Option<PathBuf>,
    /// Only the last packets are timed; those before them open flows [default: all].
    #[arg(long, requires = "file")]
    last: Option<usize>,
    /// Packets made in memory instead, see `flowtrack bench track --help`.
    #[arg(
        long, value_name = "PARTS", conflicts_with = "file",
        num_args = 0..=1, default_missing_value = ""
    )]
    synthetic: Option<Synthetic>,
    /// Synthetic packets that are timed.
    #[arg(long, value_name = "N", default_value = "4M", value_parser = count)]
    packets: u64,
    /// Parts of the timed packets; the figures are medians of them.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Flows that each tracker has room for.
    #[arg(long, default_value_t = 2_000_000)]
    max_flows: usize,
    /// Print a JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// A tracker under test.
trait Subject {
    /// What it is called.
    fn name(&self) -> &'static str;
    /// Takes in packets, at most as many as the ring has slots, in their order.
    fn packets(&mut self, frames: &[Frame<'_>]);
    /// Flows that it has started.
    fn flows(&self) -> u64;
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let (source, timed) = cli.source()?;
    ensure!(timed > 0 && cli.rounds > 0, "there is nothing to time");
    let subjects: [Box<dyn Subject>; 3] = [
        Box::new(flowtrack::Flowtrack::new(cli.max_flows)),
        Box::new(flowscope::Flowscope::fastest(cli.max_flows)),
        Box::new(flowscope::Flowscope::default_mode(cli.max_flows)),
    ];
    let mut ring = Ring::new().context("no memory for the ring of frames")?;
    let mut runs: Vec<_> = subjects
        .into_iter()
        .map(|subject| Run::new(subject, source.clone(), &mut ring))
        .collect();
    for round in 0..cli.rounds {
        let part = timed * (round + 1) / cli.rounds - timed * round / cli.rounds;
        for run in &mut runs {
            run.part(&mut ring, part)?;
        }
    }
    let outcomes: Vec<_> = runs.into_iter().map(Run::end).collect();
    report::print(timed, &outcomes, cli.json);
    Ok(())
}

impl Cli {
    /// Where packets come from, and how many of them are timed.
    fn source(&self) -> anyhow::Result<(Source, usize)> {
        if let Some(spec) = self.synthetic {
            return Ok((Source::synthetic(spec), usize::try_from(self.packets)?));
        }
        let trace = Trace::load(self.file.as_deref().context("no capture")?)?;
        let timed = self.last.unwrap_or(trace.len()).min(trace.len());
        Ok((Source::capture(trace, timed), timed))
    }
}

/// A tracker and the packets that are left for it.
struct Run {
    subject: Box<dyn Subject>,
    source: Source,
    /// Nanoseconds a packet, a value for each part.
    ns: Vec<f64>,
}

impl Run {
    /// A tracker that has seen the packets that open flows.
    fn new(mut subject: Box<dyn Subject>, mut source: Source, ring: &mut Ring) -> Self {
        loop {
            let frames = source.opening(ring);
            if frames.is_empty() {
                break;
            }
            subject.packets(&frames);
        }
        Self {
            subject,
            source,
            ns: Vec::new(),
        }
    }

    /// Takes in the next `packets` and times only that: they are put into the ring before.
    fn part(&mut self, ring: &mut Ring, packets: usize) -> anyhow::Result<()> {
        let mut taken = Duration::ZERO;
        let mut left = packets;
        while left > 0 {
            let frames = self.source.timed(ring, left.min(SLOTS));
            ensure!(!frames.is_empty(), "packets are missing");
            left -= frames.len();
            let start = cpu_time()?;
            self.subject.packets(&frames);
            taken += cpu_time()? - start;
        }
        self.ns
            .push(taken.as_secs_f64() * 1e9 / packets.max(1) as f64);
        Ok(())
    }

    /// What was measured.
    fn end(self) -> Outcome {
        Outcome {
            name: self.subject.name(),
            flows: self.subject.flows(),
            ns: self.ns,
        }
    }
}

/// Time that this thread has had a processor: what other processes take is not in it.
fn cpu_time() -> nix::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}
