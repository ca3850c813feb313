//! `flowtrack bench veth`: packets a second from one end of a veth pair to flows, against the same way
//! to a receiver that only counts.
//!
//! The kernel makes the packets on the first core and delivers them on it; the receiver has the last
//! one. What the veth driver, the XDP program and AF_XDP in copy mode cost is in both figures.
#![forbid(unsafe_code)]

mod counting;
mod tracking;

use std::time::Instant;

use anyhow::Context as _;
use core_affinity::CoreId;

use super::{BenchError, Report, Unit, generator::Generator, median::median, netns, template};
use crate::capture::{
    BURST,
    xdp::{Program, SocketConfig},
};

/// Slots of the RX ring, as `flowtrack run` has them.
const RING_SIZE: u32 = 2048;

/// What to measure.
#[derive(Clone, Debug)]
pub struct VethBench {
    /// Measurements of each receiver, by turns; the report has their medians.
    pub rounds: u32,
    /// Packets of a measurement.
    pub packets: u64,
    /// UDP flows to spread them over, round robin.
    pub flows: u64,
}

/// Where the packets of a measurement went.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    /// Packets that were received, a second.
    rate: f64,
    /// Lost between generator and receiver, and counted there.
    lost: u64,
    /// Packets that one counter has and the next one does not, in sum.
    unexplained: u64,
}

/// What a receiver counted.
#[derive(Clone, Copy, Debug, Default)]
struct Received {
    /// Packets from the ring.
    packets: u64,
    /// Dropped in front of the ring.
    lost: u64,
    /// Of the packets, those that are in no flow.
    unexplained: u64,
}

/// What takes packets from the pair.
trait Receiver: Sized {
    /// Starts on the core, with its socket in the program's map.
    fn start(core: CoreId, program: &mut Program) -> anyhow::Result<Self>;
    /// Takes what is left and ends.
    fn finish(self) -> anyhow::Result<Received>;
}

impl VethBench {
    /// Measures. It takes root, and two cores to mean something.
    pub fn run(&self) -> Result<Report, BenchError> {
        Ok(netns::with_pair(|| self.measure())?)
    }

    fn measure(&self) -> anyhow::Result<Report> {
        let mut report = Report::new("veth");
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let (first, last) = cores.first().zip(cores.last()).context("no cores")?;
        core_affinity::set_for_current(*first);
        let mut generator = Generator::new(netns::index(netns::SENDER)?)?;
        let (mut counting, mut tracking) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            counting.push(self.round::<counting::Counting>(*last, &mut generator)?);
            tracking.push(self.round::<tracking::Tracking>(*last, &mut generator)?);
        }
        report.count("packets", self.packets, Unit::None);
        report.count("flows", self.flows, Unit::None);
        let rate = |outcomes: &[Outcome]| {
            let mut rates: Vec<_> = outcomes.iter().map(|outcome| outcome.rate).collect();
            median(&mut rates)
        };
        let sum = |of: fn(&Outcome) -> u64| counting.iter().chain(&tracking).map(of).sum();
        let (counted, tracked) = (rate(&counting), rate(&tracking));
        report.number("counting_packets_per_second", counted, Unit::None);
        report.number("tracking_packets_per_second", tracked, Unit::None);
        report.number("ratio", tracked / counted, Unit::Share);
        report.count("lost_and_counted", sum(|outcome| outcome.lost), Unit::None);
        report.count(
            "unexplained",
            sum(|outcome| outcome.unexplained),
            Unit::None,
        );
        Ok(report)
    }

    fn round<R: Receiver>(
        &self,
        core: CoreId,
        generator: &mut Generator,
    ) -> anyhow::Result<Outcome> {
        // Stamps as `flowtrack run` has them.
        let mut program = Program::load(true, 0)?;
        let receiver = R::start(core, &mut program)?;
        program.attach(netns::index(netns::TAPPED)?)?;
        let dropped_before = netns::dropped()?;
        let start = Instant::now();
        let sent = self.send(generator)?;
        let elapsed = start.elapsed();
        program.detach();
        let received = receiver.finish()?;
        // What the socket refuses, veth counts as well.
        let refused = netns::dropped()?.saturating_sub(dropped_before);
        let dropped = refused.saturating_sub(received.lost);
        let redirected = program.verdicts(0)?.redirected.packets;
        let residuals = [
            sent.abs_diff(redirected + dropped),
            redirected.abs_diff(received.packets + received.lost),
            received.unexplained,
        ];
        Ok(Outcome {
            rate: packets_per_second(received.packets, elapsed.as_secs_f64()),
            lost: dropped + received.lost,
            unexplained: residuals.iter().sum(),
        })
    }

    /// Makes the packets of a measurement, and returns how many there are.
    fn send(&self, generator: &mut Generator) -> Result<u64, BenchError> {
        generator.set_up(self.flows, template::SOURCE)?;
        let mut left = self.packets;
        while left > 0 {
            let packets = u32::try_from(left).unwrap_or(u32::MAX);
            generator.send(&template::udp(), packets)?;
            left -= u64::from(packets);
        }
        generator.sent()
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is less than 2^53")]
fn packets_per_second(packets: u64, seconds: f64) -> f64 {
    packets as f64 / seconds
}

/// The socket of both receivers.
fn socket_config() -> SocketConfig {
    SocketConfig {
        interface: netns::TAPPED.to_owned(),
        queue: 0,
        ring_size: RING_SIZE,
        burst: BURST,
        require_zero_copy: false,
        busy_poll: None,
    }
}
