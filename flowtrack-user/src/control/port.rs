//! An interface that packets are taken from, or two that are forwarded between, with the workers.

mod nics;
mod sampling;
mod stalls;

use std::time::Instant;

use anyhow::Context as _;
use aya::util::online_cpus;
use flowtrack_common::abi::{MAX_CPUS, MAX_QUEUES};

use self::{
    nics::{Nic, NicSight},
    sampling::PortSampling,
};
use super::{
    InterfaceRow, Lane, LedgerPart, Mode, WorkerName,
    announcement::announce,
    attachment::{AttachConfig, Attachment, VerdictSums, close_sources},
    ledger::XdpRow,
    sampling::Sampling,
    steering::{Steered, SteeringRow},
    summary::Summary,
    watchdog::{Stalled, Watchdog, WatchdogRow},
};
use crate::{
    flow::SampleRate,
    sys::interface::{self, LinkState},
    worker::{ShardCounts, WorkerHandle},
};

/// The receive queues of `interface` that get a worker, or the CPUs where headers are copied.
pub(super) fn lanes(interface: &str, mode: Mode) -> anyhow::Result<Vec<u32>> {
    if mode.copies() {
        let cpus = online_cpus().map_err(|(file, error)| anyhow::anyhow!("{file}: {error}"))?;
        return Ok(cpus.into_iter().filter(|cpu| *cpu < MAX_CPUS).collect());
    }
    Ok((0..interface::receive_queues(interface).min(MAX_QUEUES)).collect())
}

/// How an interface is looked after while packets come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Care {
    /// Which share of its flows is tracked.
    pub(super) sampling: Sampling,
    /// Places of each table.
    pub(super) max_flows: usize,
    /// What becomes of a queue that stands still.
    pub(super) stalled: Stalled,
}

/// An interface, or two that are forwarded between, from the start of a run to its end: they may go away
/// and come back.
pub(super) struct Port {
    config: AttachConfig,
    attachment: Option<Attachment>,
    /// Verdicts of attachments that are gone.
    past: VerdictSums,
    workers: Vec<WorkerHandle>,
    /// How packets come to the worker of their flow. It outlives the workers.
    steered: Steered,
    /// The shard of the first worker; those of the others follow.
    first_shard: usize,
    /// Of each interface.
    links: Vec<LinkState>,
    attach_failed: bool,
    /// Receive queues of the interface, as they were last seen.
    queues: usize,
    /// Of each interface.
    nics: Vec<Nic>,
    sampling: PortSampling,
    /// Of each worker's queue.
    watchdogs: Vec<Watchdog>,
    started: Instant,
}

impl Port {
    /// Captures on the interfaces of `indices` with `workers`.
    pub(super) fn start(
        config: AttachConfig,
        indices: &[u32],
        workers: Vec<WorkerHandle>,
        steered: Steered,
        first_shard: usize,
        care: Care,
    ) -> anyhow::Result<Self> {
        let mut port = Self {
            queues: workers.len(),
            attachment: None,
            past: VerdictSums::new(&config),
            steered,
            first_shard,
            links: config
                .interfaces
                .iter()
                .map(|name| interface::link_state(name))
                .collect(),
            attach_failed: false,
            nics: config
                .interfaces
                .iter()
                .map(|name| Nic::new(name))
                .collect(),
            sampling: PortSampling::new(care.sampling, care.max_flows),
            watchdogs: workers
                .iter()
                .map(|_| Watchdog::new(care.stalled))
                .collect(),
            started: Instant::now(),
            config,
            workers,
        };
        port.sample(care.sampling.first());
        let attachment = Attachment::new(&port.config, indices, &port.workers, port.past.clone())
            .with_context(|| format!("cannot capture on {}", port.config.name()))?;
        nics::begin(&mut port.nics, &attachment);
        announce(&port.config, &attachment);
        for (name, link) in port.config.interfaces.iter().zip(&port.links) {
            if *link != LinkState::Up {
                log::warn!("{name} is down: no packets until it is up");
            }
        }
        port.attachment = Some(attachment);
        Ok(port)
    }

    /// Whether all workers still run.
    pub(super) fn is_running(&self) -> bool {
        self.workers.iter().all(WorkerHandle::is_running)
    }

    /// Looks after the queues and the share of the flows that is tracked; every 100 ms.
    pub(super) fn look_after(&mut self, mut summary: Option<&mut Summary>) {
        self.watch_stalls(summary.as_deref_mut());
        let counts = self.counts();
        self.adapt_sampling(&counts, summary);
    }

    /// Lets the XDP program, if it is attached, know of changed settings.
    fn apply_settings(&mut self) {
        if let Some(attachment) = &mut self.attachment
            && let Err(error) = attachment.set(self.config.settings)
        {
            let name = self.config.name();
            log::error!("cannot change what the XDP program on {name} does: {error}");
        }
    }

    /// Sees whether the interfaces are still there; attaches again when they have come back.
    pub(super) fn watch(&mut self, summary: Option<&mut Summary>) {
        if let Some(attachment) = &mut self.attachment {
            attachment.flush_log();
        }
        let names = &self.config.interfaces;
        let indices: Vec<_> = names
            .iter()
            .map(|name| interface::index(name).ok().flatten())
            .collect();
        let link = |(name, index): (&String, &Option<u32>)| match index {
            Some(_) => interface::link_state(name),
            None => LinkState::Gone,
        };
        let links: Vec<_> = names.iter().zip(&indices).map(link).collect();
        let replaced = self.attachment.as_ref().is_some_and(|attachment| {
            let held = attachment.ends.iter().map(|end| Some(end.index));
            !held.eq(indices.iter().copied())
        });
        if (links != self.links || replaced)
            && let Some(summary) = summary
        {
            summary.release();
        }
        for ((name, before), now) in names.iter().zip(&self.links).zip(&links) {
            match now {
                now if now == before => {}
                LinkState::Gone => log::warn!("{name} is gone: waiting for it to come back"),
                LinkState::Down => log::warn!("{name} is down: no packets until it is up"),
                LinkState::Up => log::warn!("{name} is up"),
            }
        }
        self.links = links;
        if replaced {
            self.detach();
        }
        if self.config.mode == Mode::Tap {
            self.watch_queues();
        }
        self.steered.look(&self.config);
        if self.attachment.is_none()
            && let Some(indices) = indices.into_iter().collect::<Option<Vec<_>>>()
        {
            self.attach(&indices);
        }
    }

    /// Says when the number of receive queues has changed: the workers are those of the start.
    fn watch_queues(&mut self) {
        let (Some(name), Some(link)) = (self.config.interfaces.first(), self.links.first()) else {
            return;
        };
        let queues = interface::receive_queues(name) as usize;
        if *link == LinkState::Gone || queues == self.queues {
            return;
        }
        self.queues = queues;
        let workers = self.workers.len();
        if queues > workers {
            log::warn!(
                "{name} has {queues} receive queues now and flowtrack has {workers} workers: packets of \
                 the other queues go to the kernel and are counted; start it again to have them"
            );
        } else {
            log::warn!("{name} has {queues} receive queues now");
        }
    }

    fn attach(&mut self, indices: &[u32]) {
        match Attachment::new(&self.config, indices, &self.workers, self.past.clone()) {
            Ok(attachment) => {
                nics::begin(&mut self.nics, &attachment);
                announce(&self.config, &attachment);
                self.attachment = Some(attachment);
                self.attach_failed = false;
                self.watchdogs.iter_mut().for_each(Watchdog::restart);
            }
            // It is tried again and again; once is enough to say so.
            Err(error) if !self.attach_failed => {
                let name = self.config.name();
                log::error!("cannot capture on {name}: {:#}", anyhow::Error::from(error));
                self.attach_failed = true;
            }
            Err(_) => {}
        }
    }

    /// Takes the program off, lets the workers drain their sockets and keeps what was counted.
    pub(super) fn detach(&mut self) {
        let Some(mut attachment) = self.attachment.take() else {
            return;
        };
        nics::look(&mut self.nics, &attachment, nics::LOOKS);
        attachment.detach();
        close_sources(&self.workers);
        self.steered.look(&self.config);
        match attachment.verdicts() {
            Ok(verdicts) => self.past = verdicts,
            Err(error) => log::error!("cannot read what the XDP program has counted: {error}"),
        }
    }

    /// What the workers have counted so far.
    pub(super) fn counts(&self) -> Vec<ShardCounts> {
        self.workers.iter().map(WorkerHandle::counts).collect()
    }

    /// Tells the workers to end their flows and stop.
    pub(super) fn stop(&mut self) {
        self.workers.iter_mut().for_each(WorkerHandle::stop);
    }

    /// Waits for the end of the workers; what is known then.
    pub(super) fn finish(mut self) -> PortCounts {
        let workers = std::mem::take(&mut self.workers);
        let counts = workers.into_iter().map(WorkerHandle::finish).collect();
        self.account(counts)
    }

    /// Adds what the XDP program has counted so far to the `counts` of the workers: it is read later, and
    /// so is ahead.
    pub(super) fn account(&mut self, counts: Vec<ShardCounts>) -> PortCounts {
        let attached = self.attachment.as_ref().and_then(|attachment| {
            nics::look(&mut self.nics, attachment, 1);
            attachment.verdicts().ok()
        });
        PortCounts {
            config: self.config.clone(),
            first_shard: self.first_shard,
            counts,
            verdicts: attached.unwrap_or_else(|| self.past.clone()),
            nics: self.nics.iter().map(Nic::sight).collect(),
            watchdogs: self.watchdogs.iter().map(Watchdog::row).collect(),
            steering: self.steered.row(),
            rate: self.sampling.rate,
            least_rate: self.sampling.least,
        }
    }
}

/// What was counted of an interface, or of two that are forwarded between.
pub(super) struct PortCounts {
    config: AttachConfig,
    first_shard: usize,
    pub(super) counts: Vec<ShardCounts>,
    pub(super) verdicts: VerdictSums,
    nics: Vec<NicSight>,
    watchdogs: Vec<WatchdogRow>,
    steering: SteeringRow,
    /// The share of the flows that is tracked.
    pub(super) rate: SampleRate,
    /// The smallest share so far.
    pub(super) least_rate: SampleRate,
}

impl PortCounts {
    /// A part of the ledger for each worker; `arrived` are the records that arrived from each shard, and
    /// the packets in them.
    pub(super) fn parts(&self, arrived: &[(u64, u64)]) -> Vec<LedgerPart> {
        let lane = if self.config.mode.copies() {
            Lane::Cpu
        } else {
            Lane::Queue
        };
        let workers = self.counts.iter().zip(&self.verdicts.workers);
        self.config
            .lanes
            .iter()
            .zip(workers.zip(&self.watchdogs))
            .zip(self.first_shard..)
            .map(
                |((number, ((counts, verdicts), watchdog)), shard)| LedgerPart {
                    name: Some(WorkerName {
                        interface: self.config.name(),
                        lane: lane(*number),
                    }),
                    verdicts: Some(*verdicts),
                    watchdog: Some(*watchdog),
                    counts: *counts,
                    arrived: arrived.get(shard).copied().unwrap_or_default(),
                },
            )
            .collect()
    }

    /// The rows of the interfaces.
    pub(super) fn rows(&self) -> impl Iterator<Item = InterfaceRow> {
        let counted = self.verdicts.others.iter().zip(&self.nics);
        let interfaces = self.config.interfaces.iter().zip(counted);
        interfaces.map(|(interface, (others, nic))| InterfaceRow {
            interface: interface.clone(),
            unexplained_before_xdp: nic.unexplained(),
            nic: nic.row.clone(),
            sampled: self.rate.n(),
            other_queues: XdpRow::from(others),
            steering: self.steering,
        })
    }
}
