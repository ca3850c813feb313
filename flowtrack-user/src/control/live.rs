//! `flowtrack run`: live capture from start to end.

use std::{sync::Arc, thread, time::Duration};

use anyhow::Context;
use crossbeam_channel::bounded;
use flowtrack_common::abi::MAX_QUEUES;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{
    Collector, CollectorCounts, Ledger, Moment,
    announcement::announce,
    attachment::{AttachConfig, Attachment, VerdictSums, close_sockets},
    outputs, preflight,
    signals::Signals,
    summary::Summary,
};
use crate::{
    export::{OutputQueue, OutputSpec},
    flow::{EventKinds, ExtractorConfig, TrackerConfig},
    sys::interface::{self, LinkState},
    table::Paging,
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
    /// Poll the driver instead of waiting for its interrupts, for so many packets at most at once.
    pub busy_poll: Option<u16>,
    /// Slots of each RX ring.
    pub ring_size: u32,
    /// Packets that are taken from a ring at once.
    pub burst: usize,
    /// No live summary.
    pub quiet: bool,
    /// Where records and events go.
    pub outputs: Vec<OutputSpec>,
    /// What makes a flow.
    pub extractor: ExtractorConfig,
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
    let ledger = runtime.block_on(async {
        let mut signals = Signals::new().context("cannot catch signals")?;
        let mut run = Run::start(config, index)?;
        run.follow(config, &mut signals).await;
        run.detach();
        let finish = tokio::task::spawn_blocking(move || run.finish());
        tokio::select! {
            ledger = finish => ledger.context("the end of the capture panicked"),
            () = signals.next() => anyhow::bail!("stopped at once by a second signal: not all is written"),
        }
    });
    // After a second signal the end goes on in the background, until the process is gone.
    runtime.shutdown_background();
    ledger
}

/// A capture that is under way.
struct Run {
    attach: AttachConfig,
    attachment: Option<Attachment>,
    /// Verdicts of attachments that are gone.
    past: VerdictSums,
    workers: Vec<WorkerHandle>,
    collector: thread::JoinHandle<()>,
    arrived: Arc<CollectorCounts>,
    outputs: Arc<Vec<OutputQueue>>,
    link: LinkState,
    attach_failed: bool,
    /// Receive queues of the interface, as they were last seen.
    queues: usize,
}

impl Run {
    fn start(config: &RunConfig, index: u32) -> anyhow::Result<Self> {
        let queues = interface::receive_queues(&config.interface).min(MAX_QUEUES) as usize;
        config.tracker.check_memory(queues)?;
        let outputs = outputs::open(&config.outputs, Delivery::Drop)?;
        let wants = outputs
            .iter()
            .fold(EventKinds::NONE, |all, output| all.union(output.wants()));
        let (sender, chunks) = bounded(queues * CHUNKS);
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let (mut workers, mut pools) = (Vec::new(), Vec::new());
        for queue in 0..queues {
            let (sink, pool) = ChunkSink::new(queue, CHUNKS, sender.clone(), wants, Delivery::Drop);
            // A page fault while packets come in would cost some of them.
            let tracker = TrackerConfig {
                paging: Paging::Now,
                ..config.tracker
            };
            let worker = WorkerConfig {
                queue: u32::try_from(queue)?,
                core: cores.get(queue % cores.len().max(1)).copied(),
                stamped: config.stamped,
                extractor: config.extractor,
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
            burst: config.burst,
            require_zero_copy: config.require_zero_copy,
            busy_poll: config.busy_poll,
        };
        let past = VerdictSums::new(queues);
        let attachment = Attachment::new(&attach, index, &workers, past.clone())
            .with_context(|| format!("cannot capture on {}", config.interface))?;
        announce(&attach.interface, &attachment);
        let link = interface::link_state(&config.interface);
        if link != LinkState::Up {
            log::warn!("{} is down: no packets until it is up", config.interface);
        }
        let collector = thread::Builder::new()
            .name("collector".into())
            .spawn(move || collector.run())
            .context("cannot start the collector")?;
        Ok(Self {
            attach,
            attachment: Some(attachment),
            past,
            workers,
            collector,
            arrived,
            outputs,
            link,
            attach_failed: false,
            queues,
        })
    }

    /// Watches and reports, until it is time to stop.
    async fn follow(&mut self, config: &RunConfig, signals: &mut Signals) {
        let end = Instant::now() + config.duration.unwrap_or(FOREVER).min(FOREVER);
        let mut summary = (!config.quiet).then(Summary::new);
        let mut summary_tick = ticks(SUMMARY_INTERVAL);
        let mut link_tick = ticks(LINK_INTERVAL);
        // The first tick is at once.
        summary_tick.tick().await;
        while self.workers.iter().all(WorkerHandle::is_running) {
            tokio::select! {
                () = signals.next() => {
                    if let Some(summary) = &mut summary {
                        summary.begin_line();
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
        self.watch_queues(link);
        if let (None, Some(index)) = (&self.attachment, index) {
            self.attach(index);
        }
    }

    /// Says when the number of receive queues has changed: the workers are those of the start.
    fn watch_queues(&mut self, link: LinkState) {
        let name = &self.attach.interface;
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
        close_sockets(&self.workers);
        match attachment.verdicts() {
            Ok(verdicts) => self.past = verdicts,
            Err(error) => log::error!("cannot read what the XDP program has counted: {error}"),
        }
    }

    /// Ends the flows, and lets the records and the outputs out.
    fn finish(self) -> Ledger {
        let Self {
            mut workers,
            collector,
            arrived,
            outputs,
            past,
            ..
        } = self;
        outputs.iter().for_each(OutputQueue::wait_from_now_on);
        workers.iter_mut().for_each(WorkerHandle::stop);
        let counts: Vec<ShardCounts> = workers.into_iter().map(WorkerHandle::finish).collect();
        if collector.join().is_err() {
            log::error!("the collector has panicked: records that were on their way are lost");
        }
        let parts: Vec<_> = counts
            .into_iter()
            .zip(past.queues)
            .enumerate()
            .map(|(queue, (counts, verdicts))| (Some(verdicts), counts, arrived.records(queue)))
            .collect();
        Ledger::new(&parts, outputs::finish(outputs, PATIENCE), Moment::Ended)
            .with_other_queues(&past.others)
    }

    fn ledger(&self, moment: Moment) -> Ledger {
        // In the order against the way of a packet: what is read later is ahead.
        let counts: Vec<_> = self
            .workers
            .iter()
            .enumerate()
            .map(|(queue, worker)| (self.arrived.records(queue), worker.counts()))
            .collect();
        let attached = self
            .attachment
            .as_ref()
            .and_then(|attachment| attachment.verdicts().ok());
        let verdicts = attached.unwrap_or_else(|| self.past.clone());
        let parts: Vec<_> = counts
            .into_iter()
            .zip(verdicts.queues)
            .map(|((arrived, counts), verdicts)| (Some(verdicts), counts, arrived))
            .collect();
        Ledger::new(
            &parts,
            self.outputs.iter().map(OutputQueue::status).collect(),
            moment,
        )
        .with_other_queues(&verdicts.others)
    }
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}
