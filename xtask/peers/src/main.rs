//! flowtrack and flowscope on the same packets, by turns in one process.

mod flowscope;
mod flowtrack;
mod trace;

use std::{path::PathBuf, time::Duration};

use anyhow::ensure;
use clap::Parser;
use flowtrack_common::Frame;
use nix::time::{ClockId, clock_gettime};

use self::trace::{Ring, Trace};

/// Times flowtrack and flowscope on the packets of a capture.
#[derive(Parser)]
struct Cli {
    /// The capture, read into memory; untagged or tagged Ethernet.
    file: PathBuf,
    /// Only the last packets are timed; those before them open flows [default: all].
    #[arg(long)]
    last: Option<usize>,
    /// Parts of the timed packets; the trackers take each part by turns.
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

/// Nanoseconds a packet that a tracker took, a value for each part.
struct Times {
    ns: Vec<f64>,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let trace = Trace::load(&cli.file)?;
    let packets = trace.len();
    let timed = cli.last.unwrap_or(packets).min(packets);
    ensure!(timed > 0 && cli.rounds > 0, "there is nothing to time");
    let mut subjects: Vec<Box<dyn Subject>> = vec![
        Box::new(flowtrack::Flowtrack::new(cli.max_flows)),
        Box::new(flowscope::Flowscope::fastest(cli.max_flows)),
        Box::new(flowscope::Flowscope::default_mode(cli.max_flows)),
    ];
    let mut ring = Ring::default();
    for subject in &mut subjects {
        run(subject.as_mut(), &trace, &mut ring, 0..packets - timed)?;
    }
    let mut times: Vec<_> = subjects.iter().map(|_| Times { ns: Vec::new() }).collect();
    for round in 0..cli.rounds {
        let at = |round: usize| packets - timed + timed * round / cli.rounds;
        let part = at(round)..at(round + 1);
        for (subject, times) in subjects.iter_mut().zip(&mut times) {
            let length = part.len().max(1);
            let taken = run(subject.as_mut(), &trace, &mut ring, part.clone())?;
            times.ns.push(taken.as_secs_f64() * 1e9 / length as f64);
        }
    }
    report(&cli, timed, &subjects, &times);
    Ok(())
}

/// Lets a tracker take in some packets, and times only that: they are put into the ring before.
fn run(
    subject: &mut dyn Subject,
    trace: &Trace,
    ring: &mut Ring,
    part: std::ops::Range<usize>,
) -> nix::Result<Duration> {
    let mut taken = Duration::ZERO;
    let mut at = part.start;
    while at < part.end {
        let frames = ring.fill(trace, at..part.end);
        at += frames.len();
        let start = cpu_time()?;
        subject.packets(&frames);
        taken += cpu_time()? - start;
    }
    Ok(taken)
}

/// Time that this thread has had a processor: what other processes take is not in it.
fn cpu_time() -> nix::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

fn report(cli: &Cli, timed: usize, subjects: &[Box<dyn Subject>], times: &[Times]) {
    let medians: Vec<f64> = times.iter().map(Times::median).collect();
    let Some(own) = medians.first() else { return };
    if cli.json {
        let mut object = serde_json::Map::new();
        object.insert("bench".into(), "flowscope".into());
        object.insert("packets".into(), timed.into());
        for (subject, median) in subjects.iter().zip(&medians) {
            let name = subject.name().replace([' ', ','], "_");
            object.insert(format!("{name}_ns_per_packet"), (*median).into());
            object.insert(format!("{name}_flows"), subject.flows().into());
            object.insert(format!("{name}_ratio"), (median / own).into());
        }
        println!("{}", serde_json::Value::Object(object));
        return;
    }
    println!("{timed} packets timed, medians of {} parts", cli.rounds);
    println!(
        "{:<22} {:>12} {:>10} {:>8}",
        "tracker", "ns a packet", "flows", "ratio"
    );
    for (subject, median) in subjects.iter().zip(&medians) {
        let (name, flows) = (subject.name(), subject.flows());
        println!(
            "{name:<22} {median:>12.1} {flows:>10} {:>8.2}",
            median / own
        );
    }
}

impl Times {
    fn median(&self) -> f64 {
        let mut ns = self.ns.clone();
        ns.sort_by(f64::total_cmp);
        ns.get(ns.len() / 2).copied().unwrap_or(f64::NAN)
    }
}
