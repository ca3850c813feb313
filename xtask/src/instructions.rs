//! `cargo xtask instructions`: how many instructions a packet takes on each part of its way, beside what
//! it took before.
//!
//! They are counted by Valgrind, so they hardly depend on the machine or on what else it does. They
//! depend on the compiler, and a little on what the C library chooses for the processor.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::{
    cargo,
    exec::{Cmd, word},
    repository, setup,
};

/// The counts of before.
const LISTED: &str = "tests/instructions.tsv";
const HEADER: &str = "case\tinstructions a packet";
/// The program that is counted. It names its cases when it has no arguments.
const BENCH: &str = "instructions";
/// Packets of two runs: what they differ by is what packets take, without start and end.
const FEW: u32 = 8192;
const MANY: u32 = 3 * FEW;
/// A count that has grown by more is a failure. Another compiler may make up for less.
const TOLERATED_PERCENT: f64 = 25.0;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write the counts down, to be compared with from now on.
    #[arg(long)]
    accept: bool,
    #[command(flatten)]
    consent: setup::Consent,
}

/// A part of the way, and the instructions of a packet on it.
#[derive(Clone, Debug, PartialEq)]
struct Count {
    case: String,
    instructions: f64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::ready(&options.consent)?;
    if !options.accept {
        return check();
    }
    let text = table(&count()?);
    print!("{text}");
    fs::write(repository().join(LISTED), text).with_context(|| format!("cannot write {LISTED}"))
}

/// Counts, prints the counts beside those of before, and fails where one has grown out of bounds.
pub(crate) fn check() -> Result<()> {
    let listed = fs::read_to_string(repository().join(LISTED));
    let listed = parse(&listed.with_context(|| format!("cannot read {LISTED}"))?)?;
    let mut grown = Vec::new();
    for count in count()? {
        let percent = count.growth(&listed);
        let Count { case, instructions } = count;
        let change = percent.map_or_else(|| "new".into(), |percent| format!("{percent:+.1} %"));
        println!("{case:20} {instructions:8.1} {change:>10}");
        if percent.is_some_and(|percent| percent > TOLERATED_PERCENT) {
            grown.push(case);
        }
    }
    ensure!(
        grown.is_empty(),
        "{} took {TOLERATED_PERCENT} % less before; if more is needed now, run `cargo xtask \
         instructions --accept`",
        grown.join(", ")
    );
    Ok(())
}

/// Builds the program and counts all of its cases.
fn count() -> Result<Vec<Count>> {
    let built = cargo::build("bench -p flowtrack --bench instructions --no-run")?;
    let program = word(&built.executable("bench", BENCH)?)?;
    let cases = Cmd::new([&program]).read()?;
    let count = |case: &str| {
        let [few, many] = [FEW, MANY].map(|packets| instructions(&program, case, packets));
        Ok(Count {
            case: case.into(),
            instructions: (many? - few?) / f64::from(MANY - FEW),
        })
    };
    cases.lines().map(count).collect()
}

/// The instructions of a whole run.
fn instructions(program: &str, case: &str, packets: u32) -> Result<f64> {
    let log = Cmd::line("valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-fd=1")
        .args([program, case, &packets.to_string()])
        .read()?;
    collected(&log).with_context(|| format!("valgrind says nothing of what it has counted: {log}"))
}

/// What callgrind has counted, by the line `==PID== Collected : NUMBER`.
fn collected(log: &str) -> Option<f64> {
    let line = log.lines().find(|line| line.contains("Collected"))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn table(counts: &[Count]) -> String {
    let row = |count: &Count| format!("{}\t{:.1}\n", count.case, count.instructions);
    let rows: String = counts.iter().map(row).collect();
    format!("{HEADER}\n{rows}")
}

fn parse(table: &str) -> Result<Vec<Count>> {
    let row = |line: &str| {
        let (case, instructions) = line.split_once('\t')?;
        Some(Count {
            case: case.into(),
            instructions: instructions.parse().ok()?,
        })
    };
    let rows = table.lines().skip(1);
    rows.map(|line| row(line).with_context(|| format!("{LISTED}: `{line}` is no count")))
        .collect()
}

impl Count {
    /// By how much per cent it has grown since it was listed, if it was.
    fn growth(&self, listed: &[Self]) -> Option<f64> {
        let before = listed.iter().find(|count| count.case == self.case)?;
        Some((self.instructions / before.instructions - 1.0) * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, collected, parse, table};

    fn count(case: &str, instructions: f64) -> Count {
        Count {
            case: case.into(),
            instructions,
        }
    }

    #[test]
    fn a_count_is_read_from_the_log_of_callgrind() {
        let log = "==7== Events    : Ir\n==7== Collected : 123456\n==7== \n";
        assert_eq!(collected(log), Some(123_456.0));
        assert_eq!(collected("==7== Events    : Ir\n"), None);
    }

    #[test]
    fn counts_come_back_from_the_table_that_they_were_written_to() {
        let counts = [count("parse", 61.5), count("new_flow", 700.0)];
        assert_eq!(parse(&table(&counts)).unwrap(), counts);
        assert!(parse("case\tinstructions\nparse\tmany\n").is_err());
    }

    #[test]
    fn growth_is_told_in_per_cent_of_what_is_listed() {
        let listed = [count("parse", 80.0)];
        let growth = |instructions| count("parse", instructions).growth(&listed);
        assert_eq!(growth(100.0), Some(25.0));
        assert_eq!(growth(60.0), Some(-25.0));
        assert_eq!(count("intake", 1.0).growth(&listed), None);
    }
}
