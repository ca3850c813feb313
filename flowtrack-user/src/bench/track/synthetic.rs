//! Packets that are made in memory, tracked by flowtrack and by what it is compared with in turns.

use std::time::Duration;

use super::{BenchError, Measured, Report, TrackBench};
use crate::{
    bench::{
        arena::{Arena, RING},
        pipeline::Pipeline,
        plan::Plan,
        rivals::Rivals,
        traffic::{Synthetic, Traffic},
    },
    capture::BURST,
};

impl TrackBench {
    pub(super) fn synthetic(&self, spec: Synthetic) -> Result<Report, BenchError> {
        let plan = Plan::new(spec);
        let config = plan.tracker(self.max_flows.unwrap_or(plan.table));
        let mut pipeline = Pipeline::new(&config)?;
        let mut rivals = match plan.timeout {
            None if !self.alone => Some(Rivals::new(spec.flows)?),
            // They let no flow go.
            _ => None,
        };
        let mut ring = Arena::ring()?;
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
