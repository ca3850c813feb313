//! Which share of an interface's flows is tracked.

use super::Port;
use crate::{
    control::{
        sampling::{Controller, Gauge, Sampling},
        summary::Summary,
    },
    flow::SampleRate,
    worker::{ShardCounts, WorkerHandle},
};

/// The share of an interface.
#[derive(Debug)]
pub(super) struct PortSampling {
    /// At present.
    pub(super) rate: SampleRate,
    /// The smallest so far.
    pub(super) least: SampleRate,
    /// What changes it, if anything does.
    auto: Option<(Gauge, Controller)>,
}

impl PortSampling {
    /// For tables of so many flows; the share of the start is still to be set.
    pub(super) fn new(sampling: Sampling, max_flows: usize) -> Self {
        Self {
            rate: SampleRate::ALL,
            least: SampleRate::ALL,
            auto: (sampling == Sampling::Auto).then(|| (Gauge::new(max_flows), Controller::new())),
        }
    }
}

impl Port {
    /// Tracks less of the flows, or more, if it is time for that.
    pub(super) fn adapt_sampling(&mut self, counts: &[ShardCounts], summary: Option<&mut Summary>) {
        let Some((gauge, controller)) = &mut self.sampling.auto else {
            return;
        };
        let (rate, reduced) = controller.step(gauge.read(counts));
        if rate == self.sampling.rate {
            return;
        }
        self.sample(rate);
        if let Some(summary) = summary {
            summary.release();
        }
        let name = self.config.name();
        match reduced {
            Some(pressure) => log::warn!("{name}: {pressure}: {rate} of the flows from now on"),
            None => log::info!("{name}: no pressure: {rate} of the flows from now on"),
        }
    }

    /// Tracks this share from now on.
    ///
    /// What the workers know is never more than what comes: they learn of a smaller share before the
    /// program has it, of a larger one after that.
    pub(super) fn sample(&mut self, rate: SampleRate) {
        let smaller = rate > self.sampling.rate;
        if smaller {
            tell(&self.workers, rate);
        }
        self.config.settings.sample_below = rate.bound();
        self.apply_settings();
        if !smaller {
            tell(&self.workers, rate);
        }
        self.sampling.rate = rate;
        self.sampling.least = self.sampling.least.max(rate);
    }
}

fn tell(workers: &[WorkerHandle], rate: SampleRate) {
    for worker in workers {
        worker.sample(rate);
    }
}
