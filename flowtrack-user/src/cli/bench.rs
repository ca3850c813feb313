//! `flowtrack bench`

use std::path::PathBuf;

use clap::{Args, Subcommand, value_parser};

use crate::bench::{
    BenchError, Report,
    expiry::ExpiryBench,
    flood::FloodBench,
    limit::LimitBench,
    shards::ShardsBench,
    track::{Source, TrackBench},
    traffic::{self, Synthetic},
    veth::VethBench,
    xdp::XdpBench,
};

/// `flowtrack bench`
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Print one JSON object instead of a table.
    #[arg(long, global = true)]
    pub json: bool,

    /// What to measure.
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Parsing and tracking, of a capture or of synthetic packets in memory.
    Track(TrackArgs),
    /// Several shards, each on a core of its own, against one.
    Shards(ShardsArgs),
    /// Random access to memory, and the least that a flow table must do: what to compare with.
    Limit(LimitArgs),
    /// Bursts while many flows expire.
    Expiry(ExpiryArgs),
    /// A full table and a new flow with every packet.
    Flood(FloodArgs),
    /// The XDP program against a bare redirect. Needs root.
    Xdp(XdpArgs),
    /// Capture from a veth pair against a path that only counts. Needs root.
    Veth(VethArgs),
}

/// `flowtrack bench track`
#[derive(Debug, Args)]
pub struct TrackArgs {
    /// Captures, read into memory and replayed from there.
    #[arg(value_name = "FILE", required_unless_present = "synthetic")]
    pub files: Vec<PathBuf>,

    /// Packets made in memory instead, for example flows=1M,dist=zipf,size=imix,proto=tcp,new=1%.
    ///
    /// flows=N live flows; dist=uniform or zipf; size=64 or imix; proto=udp, tcp or mix; new=P% of the
    /// packets are the first of a flow, and as many flows end. Each part may be left out: the default is
    /// flows=1M,dist=uniform,size=64,proto=tcp,new=0%.
    #[arg(
        long, value_name = "PARTS", conflicts_with = "files",
        num_args = 0..=1, default_missing_value = ""
    )]
    pub synthetic: Option<Synthetic>,

    /// Flows that the table holds [default: 256K for captures, as many as needed for synthetic ones].
    #[arg(long, value_name = "N", value_parser = traffic::count)]
    pub flows: Option<u64>,

    /// Times that the captures are replayed, each one later than the one before.
    #[arg(long, value_name = "R", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    pub repeat: u32,

    /// Synthetic packets that are measured.
    #[arg(long, value_name = "N", default_value = "8M", value_parser = traffic::count)]
    pub packets: u64,

    /// What the random numbers start with.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Only flowtrack, without the bare table and the hash map that it is compared with.
    #[arg(long)]
    pub alone: bool,

    /// Write the synthetic packets to a capture, those that open the flows too, and measure nothing.
    #[arg(
        long,
        value_name = "FILE",
        requires = "synthetic",
        conflicts_with = "files"
    )]
    pub write: Option<PathBuf>,
}

/// `flowtrack bench shards`
#[derive(Debug, Args)]
pub struct ShardsArgs {
    /// Captures, read into memory and replayed from there.
    #[arg(value_name = "FILE", required_unless_present = "synthetic")]
    pub files: Vec<PathBuf>,

    /// Packets made in memory instead, for example flows=1M,dist=zipf, see `flowtrack bench track --help`.
    #[arg(
        long, value_name = "PARTS", conflicts_with = "files",
        num_args = 0..=1, default_missing_value = ""
    )]
    pub synthetic: Option<Synthetic>,

    /// Shards that the packets are spread over by their flow.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u16).range(2..=256))]
    pub shards: u16,

    /// Packets that they take in, in all.
    #[arg(long, value_name = "N", default_value = "8M", value_parser = traffic::count)]
    pub packets: u64,

    /// What the random numbers start with.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// `flowtrack bench limit`
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// Flows whose tables are looked at.
    #[arg(long, value_name = "N", default_value = "1M", value_parser = traffic::count)]
    pub flows: u64,
}

/// `flowtrack bench expiry`
#[derive(Debug, Args)]
pub struct ExpiryArgs {
    /// Flows that expire.
    #[arg(long, value_name = "N", default_value = "1M", value_parser = traffic::count)]
    pub flows: u64,

    /// Times that the same is done: each burst counts with its shortest time.
    #[arg(long, value_name = "R", default_value_t = 5, value_parser = value_parser!(u32).range(1..))]
    pub runs: u32,
}

/// `flowtrack bench flood`
#[derive(Debug, Args)]
pub struct FloodArgs {
    /// Flows that the table holds.
    #[arg(long, value_name = "N", default_value = "1M", value_parser = traffic::count)]
    pub flows: u64,

    /// Times that the same is done: each burst counts with its shortest time.
    #[arg(long, value_name = "R", default_value_t = 5, value_parser = value_parser!(u32).range(1..))]
    pub runs: u32,
}

/// `flowtrack bench xdp`
#[derive(Debug, Args)]
pub struct XdpArgs {
    /// Measurements of each program, by turns.
    #[arg(long, value_name = "R", default_value_t = 9, value_parser = value_parser!(u32).range(1..))]
    pub rounds: u32,
}

/// `flowtrack bench veth`
#[derive(Debug, Args)]
pub struct VethArgs {
    /// Measurements of each receiver, by turns.
    #[arg(long, value_name = "R", default_value_t = 5, value_parser = value_parser!(u32).range(1..))]
    pub rounds: u32,

    /// Packets of a measurement.
    #[arg(long, value_name = "N", default_value = "4M", value_parser = traffic::count)]
    pub packets: u64,

    /// UDP flows that they are spread over.
    #[arg(long, value_name = "N", default_value = "10K", value_parser = traffic::count)]
    pub flows: u64,
}

impl BenchCommand {
    /// Measures what was asked for. `None` if nothing was to be measured.
    pub fn run(&self) -> Result<Option<Report>, BenchError> {
        match self {
            Self::Track(args) => return args.bench().run(),
            Self::Shards(args) => args.bench().run(),
            Self::Limit(args) => LimitBench {
                flows: size(args.flows),
            }
            .run(),
            Self::Expiry(args) => ExpiryBench {
                flows: size(args.flows),
                runs: args.runs,
            }
            .run(),
            Self::Flood(args) => FloodBench {
                flows: size(args.flows),
                runs: args.runs,
            }
            .run(),
            Self::Xdp(args) => XdpBench {
                rounds: args.rounds,
            }
            .run(),
            Self::Veth(args) => VethBench {
                rounds: args.rounds,
                packets: args.packets,
                flows: args.flows,
            }
            .run(),
        }
        .map(Some)
    }
}

impl TrackArgs {
    /// What is to be measured.
    pub(super) fn bench(&self) -> TrackBench {
        TrackBench {
            source: source(&self.files, self.synthetic, self.seed),
            max_flows: self.flows.map(size),
            repeat: self.repeat,
            packets: self.packets,
            alone: self.alone,
            write: self.write.clone(),
        }
    }
}

impl ShardsArgs {
    /// What is to be measured.
    pub(super) fn bench(&self) -> ShardsBench {
        ShardsBench {
            source: source(&self.files, self.synthetic, self.seed),
            shards: self.shards.into(),
            packets: self.packets,
        }
    }
}

/// Synthetic packets if there are, else captures.
fn source(files: &[PathBuf], synthetic: Option<Synthetic>, seed: u64) -> Source {
    match synthetic {
        Some(synthetic) => Source::Synthetic(Synthetic { seed, ..synthetic }),
        None => Source::Files(files.to_vec()),
    }
}

/// A number of flows; what no table holds becomes the most that one does.
fn size(flows: u64) -> usize {
    usize::try_from(flows.min(1 << 28)).unwrap_or(usize::MAX)
}
