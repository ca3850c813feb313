//! `cargo xtask bench`: what a packet costs, by itself and beside what others need.

mod cpu;
mod peers;
mod result;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use self::result::Measured;
use crate::{
    cargo,
    exec::{Cmd, word},
    privilege, setup,
};

/// What is measured where nothing is named: arguments of `flowtrack bench`.
const ALL: [&str; 9] = [
    "track --synthetic flows=64",
    "track --synthetic flows=64K",
    "track --synthetic flows=1M",
    "shards --synthetic flows=1M",
    "limit",
    "expiry",
    "flood",
    "xdp",
    "veth",
];
/// What loads XDP programs.
const PRIVILEGED: [&str; 2] = ["xdp", "veth"];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Measure only this: track, shards, limit, expiry, flood, xdp or veth.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Measure other trackers beside flowtrack on this capture [default: 1M TCP flows made for it].
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "name")]
    #[expect(
        clippy::option_option,
        reason = "the option with and without a file, and no option"
    )]
    peers: Option<Option<PathBuf>>,
    /// Print JSON objects, one a line, instead of a table.
    #[arg(long)]
    json: bool,
    /// Program that starts what needs root [default: none for root, else `sudo -E`].
    #[arg(long)]
    runner: Option<String>,
    #[command(flatten)]
    consent: setup::Consent,
    /// Arguments for the benches that run, see `flowtrack bench NAME --help`.
    #[arg(last = true)]
    args: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::ready(&options.consent)?;
    let built = cargo::build("build --release -p flowtrack --bins")?;
    let flowtrack = built.executable("bin", "flowtrack")?;
    let results = match &options.peers {
        Some(file) => peers::measure(&flowtrack, file.as_deref())?,
        None => own(options, &flowtrack)?,
    };
    if options.json {
        for result in results {
            println!("{}", serde_json::to_string(&result)?);
        }
    } else {
        print!("{}", table::Table(&results));
    }
    Ok(())
}

/// Runs flowtrack's own benches, one after the other.
fn own(options: &Options, flowtrack: &Path) -> Result<Vec<Measured>> {
    let all = ALL.map(str::to_owned).to_vec();
    let lines = options.name.clone().map_or(all, |name| vec![name]);
    lines
        .iter()
        .map(|line| {
            let command = bench(flowtrack, line)?.args(&options.args);
            let name = line.split_whitespace().next().unwrap_or_default();
            let command = if PRIVILEGED.contains(&name) {
                command.through(&privilege::runner(options.runner.as_deref())?)
            } else {
                command
            };
            result(&command)
        })
        .collect()
}

/// `flowtrack bench` with JSON as its output.
fn bench(flowtrack: &Path, line: &str) -> Result<Cmd> {
    Ok(Cmd::new([word(flowtrack)?])
        .args(["bench", "--json"])
        .args(line.split_whitespace()))
}

/// Runs a command that prints one JSON object.
fn result(command: &Cmd) -> Result<Measured> {
    eprintln!("running {command}");
    serde_json::from_str(&command.read()?).with_context(|| format!("`{command}` printed no JSON"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Options;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn peers_may_come_with_a_capture() {
        let peers = |line: &str| {
            let cli = Cli::parse_from(format!("bench {line}").split_whitespace());
            cli.options.peers
        };
        assert_eq!(peers(""), None);
        assert_eq!(peers("--peers"), Some(None));
        assert_eq!(peers("--peers a.pcap"), Some(Some("a.pcap".into())));
    }
}
