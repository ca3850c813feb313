//! An interface that packets are taken from, with the workers of its queues.

mod sampling;
mod stalls;

use std::time::Instant;

use anyhow::Context as _;
use flowtrack_common::abi::MAX_QUEUES;

use self::sampling::PortSampling;
use super::{
    InterfaceRow, LedgerPart, QueueName,
    announcement::announce,
    attachment::{AttachConfig, Attachment, VerdictSums, close_sockets},
    ledger::XdpRow,
    sampling::Sampling,
    summary::Summary,
    watchdog::{Stalled, Watchdog, WatchdogRow},
};
use crate::{
    flow::SampleRate,
    sys::interface::{self, LinkState},
    worker::{ShardCounts, WorkerHandle},
};

/// Receive queues of `interface` that get a worker.
pub(super) fn worker_count(interface: &str) -> u32 {
    interface::receive_queues(interface).min(MAX_QUEUES)
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

/// An interface, from the start of a run to its end: it may go away and come back.
pub(super) struct Port {
    config: AttachConfig,
    attachment: Option<Attachment>,
    /// Verdicts of attachments that are gone.
    past: VerdictSums,
    workers: Vec<WorkerHandle>,
    /// The shard of the first worker; those of the others follow.
    first_shard: usize,
    link: LinkState,
    attach_failed: bool,
    /// Receive queues of the interface, as they were last seen.
    queues: usize,
    sampling: PortSampling,
    /// Of each worker's queue.
    watchdogs: Vec<Watchdog>,
    started: Instant,
}

impl Port {
    /// Captures on the interface of `index` with `workers`, one for each queue.
    pub(super) fn start(
        config: AttachConfig,
        index: u32,
        workers: Vec<WorkerHandle>,
        first_shard: usize,
        care: Care,
    ) -> anyhow::Result<Self> {
        let mut port = Self {
            queues: workers.len(),
            attachment: None,
            past: VerdictSums::new(workers.len()),
            first_shard,
            link: interface::link_state(&config.interface),
            attach_failed: false,
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
        let name = &port.config.interface;
        let attachment = Attachment::new(&port.config, index, &port.workers, port.past.clone())
            .with_context(|| format!("cannot capture on {name}"))?;
        announce(name, &attachment);
        if port.link != LinkState::Up {
            log::warn!("{name} is down: no packets until it is up");
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
            let name = &self.config.interface;
            log::error!("cannot change what the XDP program on {name} does: {error}");
        }
    }

    /// Sees whether the interface is still there; attaches again when it has come back.
    pub(super) fn watch(&mut self, summary: Option<&mut Summary>) {
        if let Some(attachment) = &mut self.attachment {
            attachment.flush_log();
        }
        let name = self.config.interface.clone();
        let index = interface::index(&name).ok().flatten();
        let link = if index.is_some() {
            interface::link_state(&name)
        } else {
            LinkState::Gone
        };
        let replaced = self
            .attachment
            .as_ref()
            .is_some_and(|held| Some(held.index) != index);
        if (link != self.link || replaced)
            && let Some(summary) = summary
        {
            summary.release();
        }
        if link != self.link {
            match link {
                LinkState::Gone => log::warn!("{name} is gone: waiting for it to come back"),
                LinkState::Down => log::warn!("{name} is down: no packets until it is up"),
                LinkState::Up => log::warn!("{name} is up"),
            }
            self.link = link;
        }
        if replaced {
            self.detach();
        }
        self.watch_queues(link);
        if let (None, Some(index)) = (&self.attachment, index) {
            self.attach(index);
        }
    }

    /// Says when the number of receive queues has changed: the workers are those of the start.
    fn watch_queues(&mut self, link: LinkState) {
        let name = &self.config.interface;
        let queues = interface::receive_queues(name) as usize;
        if link == LinkState::Gone || queues == self.queues {
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

    fn attach(&mut self, index: u32) {
        let name = &self.config.interface;
        match Attachment::new(&self.config, index, &self.workers, self.past.clone()) {
            Ok(attachment) => {
                announce(name, &attachment);
                self.attachment = Some(attachment);
                self.attach_failed = false;
                self.watchdogs.iter_mut().for_each(Watchdog::restart);
            }
            // It is tried again and again; once is enough to say so.
            Err(error) if !self.attach_failed => {
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
        attachment.detach();
        close_sockets(&self.workers);
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
    pub(super) fn account(&self, counts: Vec<ShardCounts>) -> PortCounts {
        let attached = self
            .attachment
            .as_ref()
            .and_then(|attachment| attachment.verdicts().ok());
        PortCounts {
            interface: self.config.interface.clone(),
            first_shard: self.first_shard,
            counts,
            verdicts: attached.unwrap_or_else(|| self.past.clone()),
            watchdogs: self.watchdogs.iter().map(Watchdog::row).collect(),
            rate: self.sampling.rate,
            least_rate: self.sampling.least,
        }
    }
}

/// What was counted of an interface.
pub(super) struct PortCounts {
    interface: String,
    first_shard: usize,
    pub(super) counts: Vec<ShardCounts>,
    pub(super) verdicts: VerdictSums,
    watchdogs: Vec<WatchdogRow>,
    /// The share of the flows that is tracked.
    pub(super) rate: SampleRate,
    /// The smallest share so far.
    pub(super) least_rate: SampleRate,
}

impl PortCounts {
    /// A part of the ledger for each queue; `arrived` are the records that arrived from each shard, and
    /// the packets in them.
    pub(super) fn parts(&self, arrived: &[(u64, u64)]) -> Vec<LedgerPart> {
        let queues = self.counts.iter().zip(&self.verdicts.queues);
        (0..)
            .zip(queues.zip(&self.watchdogs))
            .zip(self.first_shard..)
            .map(
                |((queue, ((counts, verdicts), watchdog)), shard)| LedgerPart {
                    name: Some(QueueName {
                        interface: self.interface.clone(),
                        queue,
                    }),
                    verdicts: Some(*verdicts),
                    watchdog: Some(*watchdog),
                    counts: *counts,
                    arrived: arrived.get(shard).copied().unwrap_or_default(),
                },
            )
            .collect()
    }

    /// The row of the interface.
    pub(super) fn row(&self) -> InterfaceRow {
        InterfaceRow {
            interface: self.interface.clone(),
            other_queues: XdpRow::from(&self.verdicts.others),
        }
    }
}
