//! Packets that are made in memory, tracked by flowtrack and by what it is compared with in turns.

use std::time::Duration;

use super::{BenchError, Measured, Report, TrackBench};
use crate::{
    bench::{
        arena::{Arena, RING},
        pipeline::Pipeline,
        rivals::Rivals,
        traffic::{Size, Synthetic, Traffic},
    },
    capture::BURST,
    flow::TrackerConfig,
};

/// Packets of each flow before anything is measured.
const WARM_UP: usize = 2;
/// Where flows come and go: packets of each flow, on average, in the time after which it expires.
const PATIENCE: usize = 10;
/// Least packets in that time.
const MIN_PATIENCE: usize = 100_000;

/// How synthetic packets are measured.
struct Plan {
    /// Flows that the table holds.
    table: usize,
    /// When silent flows are over, where flows come and go.
    timeout: Option<Duration>,
    /// Packets before anything is measured.
    warm_up: usize,
}

impl Plan {
    /// Where all flows stay, the table is full. Where they come and go, timeouts are so short that as
    /// many have gone as have come by the time that is measured, and the table has room for those that
    /// are over and have not expired.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a table has less than 2^53 flows, and shares of it are positive"
    )]
    fn new(spec: Synthetic) -> Self {
        if spec.new == 0.0 {
            return Self {
                table: spec.flows,
                timeout: None,
                warm_up: spec.flows * WARM_UP,
            };
        }
        let patience = (spec.flows * PATIENCE).max(MIN_PATIENCE);
        let over = spec.new * patience as f64;
        let frame_nanos = match spec.size {
            Size::Small => 67.2,
            Size::Imix => 305.5,
        };
        Self {
            table: spec.flows + (1.5 * over) as usize + RING,
            timeout: Some(Duration::from_nanos((frame_nanos * patience as f64) as u64)),
            warm_up: patience + patience / 2,
        }
    }
}

impl TrackBench {
    pub(super) fn synthetic(&self, spec: Synthetic) -> Result<Report, BenchError> {
        let plan = Plan::new(spec);
        let mut config = TrackerConfig {
            max_flows: self.max_flows.unwrap_or(plan.table),
            ..TrackerConfig::default()
        };
        if let Some(timeout) = plan.timeout {
            config.timeouts.set_all(timeout);
        }
        let mut pipeline = Pipeline::new(&config)?;
        let mut rivals = match plan.timeout {
            None if !self.alone => Some(Rivals::new(spec.flows)?),
            // They let no flow go.
            _ => None,
        };
        let mut ring = Arena::ring();
        let mut traffic = Traffic::new(spec);
        let mut warm_up = 0..plan.warm_up;
        loop {
            ring.fill(|frame| {
                let opened = traffic.open(frame);
                opened.or_else(|| warm_up.next().map(|_| traffic.next(frame)))
            });
            if ring.len() == 0 {
                break;
            }
            ring.bursts(Duration::ZERO).for_each(|burst| {
                pipeline.measure(burst);
            });
            if let Some(rivals) = &mut rivals {
                rivals.warm_up(&ring);
            }
        }
        let rings = usize::try_from(self.packets)
            .unwrap_or(usize::MAX)
            .div_ceil(RING);
        let mut measured = Measured::begin(&pipeline, rings.saturating_mul(RING / BURST));
        for turn in 0..rings {
            ring.fill(|frame| Some(traffic.next(frame)));
            // Nobody always finds the frames in the cache because another one has just been there.
            let first = turn % 2 == 0;
            if let Some(rivals) = rivals.as_mut().filter(|_| !first) {
                rivals.round(&ring, turn);
            }
            measured.round(&mut pipeline, &ring, Duration::ZERO);
            if let Some(rivals) = rivals.as_mut().filter(|_| first) {
                rivals.round(&ring, turn);
            }
        }
        let mut report = Report::new("track");
        report.text("traffic", spec.to_string());
        measured.report(&pipeline, config.max_flows, &mut report);
        if let Some(rivals) = &rivals {
            rivals.report(&measured.rounds, &mut report);
        }
        Ok(report)
    }
}
