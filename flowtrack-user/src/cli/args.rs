//! The command line.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};

use super::{
    BenchArgs, DoctorArgs, ModeArg, SharedArgs,
    choices::{StalledArg, SteeringArg},
};
use crate::{
    control::{Mode, Sampling},
    export::same_file,
    flow::SampleRate,
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
    /// Unless --mode says otherwise it takes all packets away from the host: use it on a mirror port, a SPAN
    /// or an optical tap.
    Run(RunArgs),
    /// Tracks the flows in capture files.
    Read(ReadArgs),
    /// Finds out what stands in the way of capture, and how to change it.
    ///
    /// Looks at the kernel, the privileges of the process, and each interface: its driver, queues, offloads and
    /// who else uses it. Changes nothing, and needs no privileges; without them it cannot tell all. Exit status:
    /// 0 capture will work, with or without warnings; 1 something prevents it.
    Doctor(DoctorArgs),
    /// Measures what a packet costs on this machine.
    Bench(BenchArgs),
}

/// `flowtrack run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Interfaces, each with flows of its own; two for --mode inline.
    #[arg(value_name = "IFACE", required = true)]
    pub interfaces: Vec<String>,

    /// What becomes of the packets.
    #[arg(long, value_enum, default_value_t = ModeArg::Tap)]
    pub mode: ModeArg,

    /// Tap an interface that has an IP address or carries the default route, or forward from it: the host
    /// can no longer be reached through it.
    #[arg(long)]
    pub take_over: bool,

    /// What becomes of packets that the filter does not want, in mode tap, where the XDP program decides
    /// that; in the other modes they go on as all packets do.
    #[arg(long, value_enum, default_value_t = Filtered::Drop, requires = "filter")]
    pub filtered: Filtered,

    /// Stop after this time, for example 30s or 5m.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,

    /// Where packet times come from.
    #[arg(long, value_enum, default_value_t = Timestamps::Packet)]
    pub timestamps: Timestamps,

    /// Fail if the driver has no zero-copy mode, instead of copying.
    #[arg(long)]
    pub require_zero_copy: bool,

    /// Poll the driver instead of waiting for its interrupts, for BUDGET packets at most at once. Each
    /// worker then takes all of its core.
    #[arg(
        long,
        value_name = "BUDGET",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "64",
        value_parser = value_parser!(u16).range(1..=1024)
    )]
    pub busy_poll: Option<u16>,

    /// Slots of each RX ring; a power of two. The UMEM of a queue has twice as many frames. In the modes that
    /// copy headers: packets that the ring of a CPU has room for.
    #[arg(long, value_name = "SLOTS", default_value_t = 2048, value_parser = ring_size)]
    pub ring_size: u32,

    /// Bytes of each packet that are copied in the modes that copy headers, 64 to 512; 256 if not given,
    /// which has room for the headers of a packet in a tunnel.
    #[arg(long, value_name = "BYTES", value_parser = value_parser!(u16).range(64..=512))]
    pub snap: Option<u16>,

    /// Packets that are taken from a ring at once, at most 64. Fewer cost more for each packet.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = value_parser!(u8).range(1..=64))]
    pub burst: u8,

    /// Serve the ledger as metrics for Prometheus, for example on 127.0.0.1:9464.
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<SocketAddr>,

    /// Which share of the flows is tracked, both directions alike: 1/N, or auto for all of them, and less
    /// while there are more packets than the workers can take, or more flows than the tables hold.
    #[arg(long, value_name = "1/N|auto", default_value_t = Sampling::Fixed(SampleRate::ALL))]
    pub sample: Sampling,

    /// What becomes of a queue that takes no packets though some come.
    #[arg(long, value_enum, default_value_t = StalledArg::Report)]
    pub stalled: StalledArg,

    /// How both directions of a flow come to one shard, where there are several queues.
    #[arg(long, value_enum, default_value_t = SteeringArg::Auto)]
    pub steering: SteeringArg,

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

    /// Which share of the flows is tracked, both directions alike.
    #[arg(long, value_name = "1/N", default_value_t = SampleRate::ALL)]
    pub sample: SampleRate,

    /// What `run` and `read` have in common.
    #[command(flatten)]
    pub shared: SharedArgs,
}

/// What becomes of packets that the filter does not want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Filtered {
    /// They are dropped.
    Drop,
    /// They go on to the host.
    Pass,
}

/// Where packet times come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Timestamps {
    /// The XDP program stamps each packet.
    Packet,
    /// The worker reads the clock once a burst: cheaper, and late by the time in the ring.
    Burst,
}

impl RunArgs {
    /// Options that do not go together.
    pub fn conflict(&self) -> Option<String> {
        let mode = self.mode.meant();
        let sockets = [
            (self.require_zero_copy, "--require-zero-copy"),
            (self.busy_poll.is_some(), "--busy-poll"),
            (self.timestamps == Timestamps::Burst, "--timestamps burst"),
            (self.stalled == StalledArg::Pass, "--stalled pass"),
        ];
        if mode == Mode::Inline && self.interfaces.len() != 2 {
            return Some(format!(
                "--mode inline forwards between two interfaces, not {}",
                self.interfaces.len()
            ));
        }
        if !mode.copies() {
            let snap =
                "--snap is for --mode observe and --mode inline: tap mode takes whole packets";
            return self.snap.map(|_| snap.to_owned());
        }
        let given = sockets.iter().find(|(given, _)| *given);
        given.map(|(_, option)| {
            format!(
                "{option} is for --mode tap: in {mode} mode packets go on, and headers are copied"
            )
        })
    }

    /// An interface that is named more than once.
    pub fn named_twice(&self) -> Option<&str> {
        let mut names = self.interfaces.iter().map(String::as_str).enumerate();
        let is_earlier = |(at, name): &(usize, &str)| {
            self.interfaces
                .iter()
                .take(*at)
                .any(|earlier| earlier == name)
        };
        names.find(is_earlier).map(|(_, name)| name)
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
