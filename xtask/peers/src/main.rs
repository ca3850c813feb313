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
    let (mut source, timed) = cli.source()?;
    ensure!(timed > 0 && cli.rounds > 0, "there is nothing to time");
    let mut subjects: Vec<Box<dyn Subject>> = vec![
        Box::new(flowtrack::Flowtrack::new(cli.max_flows)),
        Box::new(flowscope::Flowscope::fastest(cli.max_flows)),
        Box::new(flowscope::Flowscope::default_mode(cli.max_flows)),
    ];
    let mut ring = Ring::default();
    loop {
        let frames = source.opening(&mut ring);
        if frames.is_empty() {
            break;
        }
        subjects
            .iter_mut()
            .for_each(|subject| subject.packets(&frames));
    }
    let mut outcomes: Vec<_> = subjects
        .iter()
        .map(|subject| Outcome::new(subject.name()))
        .collect();
    for round in 0..cli.rounds {
        let part = timed * (round + 1) / cli.rounds - timed * round / cli.rounds;
        let taken = self::part(&mut subjects, &mut source, &mut ring, part)?;
        for (outcome, taken) in outcomes.iter_mut().zip(taken) {
            outcome
                .ns
                .push(taken.as_secs_f64() * 1e9 / part.max(1) as f64);
        }
    }
    for (outcome, subject) in outcomes.iter_mut().zip(&subjects) {
        outcome.flows = subject.flows();
    }
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

/// Lets each tracker take in the next `packets`, a ring at a time by turns, and times only that: they are
/// put into the ring before.
fn part(
    subjects: &mut [Box<dyn Subject>],
    source: &mut Source,
    ring: &mut Ring,
    packets: usize,
) -> anyhow::Result<Vec<Duration>> {
    let mut taken = vec![Duration::ZERO; subjects.len()];
    let mut left = packets;
    let mut turn = 0;
    while left > 0 {
        let frames = source.timed(ring, left.min(SLOTS));
        ensure!(!frames.is_empty(), "packets are missing");
        left -= frames.len();
        // Nobody always finds the frames in the cache because another one has just been there.
        for next in 0..subjects.len() {
            let at = (turn + next) % subjects.len();
            let start = cpu_time()?;
            subjects[at].packets(&frames);
            taken[at] += cpu_time()? - start;
        }
        turn += 1;
    }
    Ok(taken)
}

/// Time that this thread has had a processor: what other processes take is not in it.
fn cpu_time() -> nix::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}
