//! The command line.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};

use super::values::IdleTimeout;
use crate::{
    export::{OutputSpec, Target, same_file},
    flow::{ExtractorConfig, Fragments, IcmpFlows, TrackerConfig, Tunnels},
};

/// The flow probe that can prove what it did not see.
///
/// Every packet that reaches the interface is either in a flow record or in a counter that says why
/// not.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit status: 0 all well; 1 it failed; 2 wrong usage; 3 it ended, but records \
                  were lost or the ledger did not close."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tracks the flows on an interface.
    ///
    /// Takes all packets away from the host: use it on a mirror port, a SPAN or an optical tap.
    Run(RunArgs),
    /// Tracks the flows in capture files.
    Read(ReadArgs),
}

/// `flowtrack run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Interface whose packets are taken.
    #[arg(value_name = "IFACE")]
    pub interface: String,

    /// How packets are taken.
    #[arg(long, value_enum, default_value_t = Mode::Tap)]
    pub mode: Mode,

    /// Tap an interface that has an IP address or carries the default route: the host can no longer
    /// be reached through it.
    #[arg(long)]
    pub take_over: bool,

    /// Stop after this time, for example 30s or 5m.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,

    /// Where packet times come from.
    #[arg(long, value_enum, default_value_t = Timestamps::Packet)]
    pub timestamps: Timestamps,

    /// Fail if the driver has no zero-copy mode, instead of copying.
    #[arg(long)]
    pub require_zero_copy: bool,

    /// Slots of each RX ring; a power of two. The UMEM of a queue has twice as many frames.
    #[arg(long, value_name = "SLOTS", default_value_t = 2048, value_parser = ring_size)]
    pub ring_size: u32,

    /// No live summary.
    #[arg(short, long)]
    pub quiet: bool,

    /// What `run` and `read` have in common.
    #[command(flatten)]
    pub shared: SharedArgs,
}

/// `flowtrack read`
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// Captures: pcap or pcapng, plain or compressed with gzip or zstd; - is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Trackers that share the work, each in a thread.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u16).range(1..=64))]
    pub shards: u16,

    /// What `run` and `read` have in common.
    #[command(flatten)]
    pub shared: SharedArgs,
}

/// What `run` and `read` have in common.
#[derive(Debug, Args)]
pub struct SharedArgs {
    /// Where to write: json:PATH, events:PATH or zeek:PATH; - is standard output. May be repeated.
    #[arg(short, long = "output", value_name = "OUTPUT")]
    pub outputs: Vec<OutputSpec>,

    /// What makes a flow and when it is over; the options below change parts of it.
    #[arg(long, value_enum, default_value_t = Profile::Flowtrack)]
    pub profile: Profile,

    /// Flows that each table holds.
    #[arg(long, value_name = "N", default_value_t = 262_144, value_parser = value_parser!(u32).range(1..=1 << 28))]
    pub max_flows: u32,

    /// When a silent flow is over, for example udp=30s. May be repeated. Protocols and defaults:
    /// tcp-opening=5s, tcp=5m, tcp-closing=5m, tcp-linger=5s, udp=1m, icmp=1m, other=1m.
    #[arg(long = "idle-timeout", value_name = "PROTO=DURATION")]
    pub idle_timeouts: Vec<IdleTimeout>,

    /// Write the ledger as JSON at the end; - is standard output.
    #[arg(long, value_name = "PATH")]
    pub ledger: Option<PathBuf>,
}

/// How packets are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// All packets are taken away from the host.
    Tap,
}

/// Where packet times come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Timestamps {
    /// The XDP program stamps each packet.
    Packet,
    /// The worker reads the clock once a burst: cheaper, and late by the time in the ring.
    Burst,
}

/// Whose flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Those of flowtrack.
    Flowtrack,
    /// Zeek's connections: the rows of its conn.log.
    Zeek,
    /// Those of NetFlow: only timeouts end them.
    Netflow,
}

impl Profile {
    fn tracker(self) -> TrackerConfig {
        match self {
            Self::Flowtrack => TrackerConfig::default(),
            Self::Zeek => TrackerConfig::zeek(),
            Self::Netflow => TrackerConfig::netflow(),
        }
    }

    fn extractor(self) -> ExtractorConfig {
        match self {
            Self::Zeek => ExtractorConfig {
                tunnels: Tunnels::Zeek,
                fragments: Fragments::Reassemble,
                icmp: IcmpFlows::Types,
                ..ExtractorConfig::default()
            },
            Self::Flowtrack | Self::Netflow => ExtractorConfig::default(),
        }
    }
}

impl SharedArgs {
    /// Size and timeouts of the trackers.
    pub fn tracker(&self) -> TrackerConfig {
        let mut config = TrackerConfig {
            max_flows: self.max_flows as usize,
            ..self.profile.tracker()
        };
        for IdleTimeout { class, timeout } in &self.idle_timeouts {
            config.timeouts.set(*class, *timeout);
        }
        config
    }

    /// What makes a flow.
    pub fn extractor(&self) -> ExtractorConfig {
        self.profile.extractor()
    }

    /// Where the ledger goes.
    pub fn ledger(&self) -> Option<Target> {
        self.ledger.as_deref().map(Target::from)
    }

    /// Whether more than one thing is to be written to standard output.
    pub fn shares_stdout(&self) -> bool {
        let to_stdout = |target: &Target| *target == Target::Stdout;
        self.targets().filter(to_stdout).count() > 1
    }

    fn targets(&self) -> impl Iterator<Item = Target> {
        let outputs = self.outputs.iter().map(|output| output.target.clone());
        outputs.chain(self.ledger())
    }
}

impl ReadArgs {
    /// A capture that one of the outputs, or the ledger, would be written over.
    pub fn overwritten(&self) -> Option<&Path> {
        let targets: Vec<_> = self.shared.targets().collect();
        let is_target = |path: &&Path| {
            let path = if path.as_os_str() == "-" {
                Path::new("/dev/stdin")
            } else {
                path
            };
            targets.iter().any(|target| same_file(target.path(), path))
        };
        self.files.iter().map(PathBuf::as_path).find(is_target)
    }
}

fn ring_size(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(size @ 64..=65536) if u32::is_power_of_two(size) => Ok(size),
        _ => Err("write a power of two from 64 to 65536".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_names_the_default_timeouts() {
        let help = Cli::command().render_long_help().to_string()
            + &Cli::command()
                .find_subcommand_mut("read")
                .unwrap()
                .render_long_help()
                .to_string();
        let timeouts = TrackerConfig::default().timeouts;
        for class in crate::flow::TimeoutClass::ALL {
            let timeout = humantime::format_duration(timeouts.get(class));
            let line = format!("{}={timeout}", class.name());
            assert!(help.contains(&line), "{line} is not in the help");
        }
    }
}
