//! `flowtrack run`: live capture from start to end.

use std::{io, sync::Arc, time::Duration};

use anyhow::Context;
use crossbeam_channel::bounded;
use flowtrack_common::abi::{MAX_QUEUES, Verdicts};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    Collector, CollectorCounts, Ledger, Moment,
    attachment::{AttachConfig, Attachment},
    outputs, preflight,
    summary::Summary,
};
use crate::{
    capture::xdp::AttachMode,
    export::{OutputQueue, OutputSpec},
    flow::{EventKinds, TrackerConfig},
    sys::interface::{self, LinkState},
    worker::{ChunkSink, Delivery, Shard, ShardCounts, WorkerConfig, WorkerHandle},
};

/// Chunks that each worker may have under way.
const CHUNKS: usize = 64;
/// An output may write what waits for this long after the end.
const PATIENCE: Duration = Duration::from_secs(10);
/// From one summary to the next.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(1);
/// From one look at the interface to the next.
const LINK_INTERVAL: Duration = Duration::from_millis(200);
/// Longer than any run.
const FOREVER: Duration = Duration::from_hours(100 * 365 * 24);

/// What to capture, and what to make of it.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the command line"
)]
pub struct RunConfig {
    /// The interface.
    pub interface: String,
    /// Even if it carries an address or the default route.
    pub take_over: bool,
    /// Stop after this time.
    pub duration: Option<Duration>,
    /// The XDP program stamps each packet; otherwise the worker reads the clock once a burst.
    pub stamped: bool,
    /// Copying is not good enough.
    pub require_zero_copy: bool,
    /// Slots of each RX ring.
    pub ring_size: u32,
    /// No live summary.
    pub quiet: bool,
    /// Where records and events go.
    pub outputs: Vec<OutputSpec>,
    /// Size and timeouts of each tracker; there is one a queue.
    pub tracker: TrackerConfig,
}

/// Captures until the time is over or a signal says so; tells where every packet went.
pub fn run(config: &RunConfig) -> anyhow::Result<Ledger> {
    let index = preflight::check(&config.interface, config.take_over)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the control plane")?;
    runtime.block_on(async {
        let mut run = Run::start(config, index)?;
        run.follow(config).await?;
        run.finish().await
    })
}

/// A capture that is under way.
struct Run {
    attach: AttachConfig,
    attachment: Option<Attachment>,
    /// Verdicts of attachments that are gone.
    past: Vec<Verdicts>,
    workers: Vec<WorkerHandle>,
    collector: JoinHandle<()>,
    arrived: Arc<CollectorCounts>,
    outputs: Arc<Vec<OutputQueue>>,
    link: LinkState,
    attach_failed: bool,
}

impl Run {
    fn start(config: &RunConfig, index: u32) -> anyhow::Result<Self> {
        let queues = interface::receive_queues(&config.interface).min(MAX_QUEUES) as usize;
        let outputs = outputs::open(&config.outputs, Delivery::Drop)?;
        let wants = outputs
            .iter()
            .fold(EventKinds::NONE, |all, output| all.union(output.wants()));
        let (sender, chunks) = bounded(queues * CHUNKS);
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let (mut workers, mut pools) = (Vec::new(), Vec::new());
        for queue in 0..queues {
            let (sink, pool) = ChunkSink::new(queue, CHUNKS, sender.clone(), wants, Delivery::Drop);
            let tracker = config.tracker;
            let worker = WorkerConfig {
                queue: u32::try_from(queue)?,
                core: cores.get(queue % cores.len().max(1)).copied(),
                stamped: config.stamped,
            };
            let worker = WorkerHandle::start(worker, move || Shard::new(tracker, sink))
                .context("cannot start a worker")?;
            workers.push(worker);
            pools.push(pool);
        }
        let arrived = CollectorCounts::new(queues);
        let collector = Collector {
            chunks,
            pools,
            outputs: Arc::clone(&outputs),
            counts: Arc::clone(&arrived),
        };
        let attach = AttachConfig {
            interface: config.interface.clone(),
            stamped: config.stamped,
            ring_size: config.ring_size,
            require_zero_copy: config.require_zero_copy,
        };
        let past = vec![Verdicts::default(); queues];
        let attachment = Attachment::new(&attach, index, &workers, past.clone())
            .with_context(|| format!("cannot capture on {}", config.interface))?;
        announce(&attach.interface, &attachment);
        let link = interface::link_state(&config.interface);
        if link != LinkState::Up {
            log::warn!("{} is down: no packets until it is up", config.interface);
        }
        Ok(Self {
            attach,
            attachment: Some(attachment),
            past,
            workers,
            collector: tokio::task::spawn_blocking(move || collector.run()),
            arrived,
            outputs,
            link,
            attach_failed: false,
        })
    }

    /// Watches and reports, until it is time to stop.
    async fn follow(&mut self, config: &RunConfig) -> io::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let end = Instant::now() + config.duration.unwrap_or(FOREVER).min(FOREVER);
        let mut summary = (!config.quiet).then(Summary::new);
        let mut summary_tick = ticks(SUMMARY_INTERVAL);
        let mut link_tick = ticks(LINK_INTERVAL);
        // The first tick is at once.
        summary_tick.tick().await;
        loop {
            tokio::select! {
                () = stopped(&mut interrupt, &mut terminate) => {
                    if let Some(summary) = &mut summary {
                        summary.below_interrupt();
                    }
                    break;
                }
                () = sleep_until(end) => break,
                _ = link_tick.tick() => self.watch_link(summary.as_mut()),
                _ = summary_tick.tick() => {
                    if let Some(summary) = &mut summary {
                        summary.print(&self.ledger(Moment::Running), &self.arrived);
                    }
                }
            }
        }
        if let Some(summary) = &mut summary {
            summary.clear();
        }
        Ok(())
    }

    /// Sees whether the interface is still there; attaches again when it has come back.
    fn watch_link(&mut self, summary: Option<&mut Summary>) {
        if let Some(attachment) = &mut self.attachment {
            attachment.flush_log();
        }
        let name = self.attach.interface.clone();
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
        if let (None, Some(index)) = (&self.attachment, index) {
            self.attach(index);
        }
    }

    fn attach(&mut self, index: u32) {
        match Attachment::new(&self.attach, index, &self.workers, self.past.clone()) {
            Ok(attachment) => {
                announce(&self.attach.interface, &attachment);
                self.attachment = Some(attachment);
                self.attach_failed = false;
            }
            // It is tried again and again; once is enough to say so.
            Err(error) if !self.attach_failed => {
                log::error!(
                    "cannot capture on {}: {:#}",
                    self.attach.interface,
                    anyhow::Error::from(error)
                );
                self.attach_failed = true;
            }
            Err(_) => {}
        }
    }

    /// Takes the program off, lets the workers drain their sockets and keeps what was counted.
    fn detach(&mut self) {
        let Some(mut attachment) = self.attachment.take() else {
            return;
        };
        attachment.detach();
        self.workers.iter().for_each(WorkerHandle::close);
        for (queue, past) in self.past.iter_mut().enumerate() {
            match attachment.verdicts(queue) {
                Ok(verdicts) => *past = verdicts,
                Err(error) => log::error!("cannot read the verdicts of queue {queue}: {error}"),
            }
        }
    }

    /// Stops in order: no more packets, what is in the rings, the flows, the records, the outputs.
    async fn finish(mut self) -> anyhow::Result<Ledger> {
        self.detach();
        self.outputs.iter().for_each(OutputQueue::wait_from_now_on);
        let Self {
            workers,
            collector,
            arrived,
            outputs,
            past,
            ..
        } = self;
        let counts: Vec<ShardCounts> = workers
            .into_iter()
            .enumerate()
            .map(|(queue, worker)| {
                worker
                    .finish()
                    .with_context(|| format!("the worker of queue {queue} panicked"))
            })
            .collect::<anyhow::Result<_>>()?;
        collector.await.context("the collector panicked")?;
        let parts: Vec<_> = counts
            .into_iter()
            .zip(past)
            .enumerate()
            .map(|(queue, (counts, verdicts))| (Some(verdicts), counts, arrived.records(queue)))
            .collect();
        Ok(Ledger::new(
            &parts,
            outputs::finish(outputs, PATIENCE),
            Moment::Ended,
        ))
    }

    fn ledger(&self, moment: Moment) -> Ledger {
        let part = |(queue, worker): (usize, &WorkerHandle)| {
            // In the order against the way of a packet: what is read later is ahead.
            let arrived = self.arrived.records(queue);
            let counts = worker.counts();
            let verdicts = self
                .attachment
                .as_ref()
                .and_then(|attachment| attachment.verdicts(queue).ok())
                .or_else(|| self.past.get(queue).copied());
            (verdicts, counts, arrived)
        };
        let parts: Vec<_> = self.workers.iter().enumerate().map(part).collect();
        Ledger::new(
            &parts,
            self.outputs.iter().map(OutputQueue::status).collect(),
            moment,
        )
    }
}

fn announce(interface: &str, attachment: &Attachment) {
    let mode = match attachment.mode {
        AttachMode::Native => "native",
        AttachMode::Generic => "generic",
    };
    let zero_copy = attachment
        .sockets
        .iter()
        .filter(|socket| socket.zero_copy)
        .count();
    let huge_pages = attachment
        .sockets
        .iter()
        .filter(|socket| socket.huge_pages)
        .count();
    let multi_buffer = attachment
        .sockets
        .iter()
        .filter(|socket| socket.multi_buffer)
        .count();
    log::info!(
        "capturing on {interface}: {} queues, {mode} XDP, {zero_copy} zero-copy, {multi_buffer} \
         multi-buffer, {huge_pages} in huge pages",
        attachment.sockets.len(),
    );
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

async fn stopped(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
