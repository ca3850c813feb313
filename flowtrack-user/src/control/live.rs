//! `flowtrack run`: live capture from start to end.

use std::{net::SocketAddr, sync::Arc, thread, time::Duration};

use anyhow::Context;
use core_affinity::CoreId;
use crossbeam_channel::{Sender, bounded};
use flowtrack_common::abi::{CaptureSettings, FILTERED_DROP, FILTERED_PASS, Verdicts};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    Collector, CollectorCounts, Ledger, Mode, Moment,
    announcement::announce_filter,
    attachment::AttachConfig,
    health::Health,
    metrics, outputs,
    port::{self, Care, Port, PortCounts},
    preflight,
    sampling::{Sampling, SamplingRow, Variance, sample_key},
    signals::Signals,
    steering::{self, Steered, Steering},
    summary::Summary,
    watchdog::Stalled,
};
use crate::{
    export::{Origin, OutputQueue, OutputSpec, OutputStatus},
    filter::Filter,
    flow::{EventKinds, ExtractorConfig, TrackerConfig},
    table::Paging,
    worker::{
        Chunk, ChunkPool, ChunkSink, Delivery, Handover, Shard, ShardCounts, Sightings,
        WorkerConfig, WorkerHandle,
    },
};

/// Chunks that each worker may have under way.
const CHUNKS: usize = 64;
/// An output may write what waits for this long after the end.
const PATIENCE: Duration = Duration::from_secs(10);
/// From one summary to the next.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(1);
/// From one look at the interface to the next.
const LINK_INTERVAL: Duration = Duration::from_millis(200);
/// From one look at the pressure, and at queues that stand still, to the next.
const CARE_INTERVAL: Duration = Duration::from_millis(100);
/// Longer than any run.
const FOREVER: Duration = Duration::from_hours(100 * 365 * 24);

/// What to capture, and what to make of it.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the command line"
)]
pub struct RunConfig {
    /// The interfaces, each with flows of its own; [`Mode::Inline`] forwards between two.
    pub interfaces: Vec<String>,
    /// What becomes of their packets.
    pub mode: Mode,
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
    /// Slots of each RX ring; packets that the ring of a CPU has room for where headers are copied.
    pub ring_size: u32,
    /// Bytes of each packet that are copied where headers are.
    pub snap: u32,
    /// Packets that are taken from a ring at once.
    pub burst: usize,
    /// Where the ledger is served as metrics.
    pub metrics: Option<SocketAddr>,
    /// No live summary.
    pub quiet: bool,
    /// Where records and events go.
    pub outputs: Vec<OutputSpec>,
    /// What of the packets is wanted; all if there is none.
    pub filter: Option<Filter>,
    /// What is not wanted goes on to the host, where the XDP program decides.
    pub pass_filtered: bool,
    /// How both directions of a flow come to one shard.
    pub steering: Steering,
    /// What makes a flow.
    pub extractor: ExtractorConfig,
    /// Size and timeouts of each tracker; there is one a queue.
    pub tracker: TrackerConfig,
    /// Which share of the flows is tracked.
    pub sampling: Sampling,
    /// What becomes of a queue that stands still.
    pub stalled: Stalled,
}

impl RunConfig {
    /// How each interface is attached to, or the two that are forwarded between.
    fn ports(&self) -> anyhow::Result<Vec<AttachConfig>> {
        let names: Vec<_> = match self.mode {
            Mode::Inline => vec![self.interfaces.clone()],
            Mode::Tap | Mode::Observe => {
                self.interfaces.iter().map(|it| vec![it.clone()]).collect()
            }
        };
        names.into_iter().map(|names| self.port(names)).collect()
    }

    fn port(&self, interfaces: Vec<String>) -> anyhow::Result<AttachConfig> {
        let first = interfaces.first().map_or("", String::as_str);
        Ok(AttachConfig {
            lanes: port::lanes(first, self.mode)?,
            interfaces,
            mode: self.mode,
            snap: self.snap,
            stamped: self.stamped,
            ring_size: self.ring_size,
            burst: self.burst,
            require_zero_copy: self.require_zero_copy,
            busy_poll: self.busy_poll,
            settings: CaptureSettings {
                mode: self.mode.number(),
                sample_key: sample_key(&self.tracker),
                filtered: if self.pass_filtered {
                    FILTERED_PASS
                } else {
                    FILTERED_DROP
                },
                ..CaptureSettings::default()
            },
            filter: self.filter.clone(),
        })
    }

    /// How an interface is looked after.
    fn care(&self) -> Care {
        Care {
            sampling: self.sampling,
            max_flows: self.tracker.max_flows,
            stalled: self.stalled,
        }
    }

    /// What the workers have to filter: nothing if the XDP program does.
    fn worker_filter(&self) -> Option<Filter> {
        self.filter
            .clone()
            .filter(|filter| filter.kernel().is_none())
    }
}

/// Captures until the time is over or a signal says so; tells where every packet went.
pub fn run(config: &RunConfig) -> anyhow::Result<Ledger> {
    let indices = config
        .interfaces
        .iter()
        .map(|interface| preflight::check(interface, config.mode, config.take_over))
        .collect::<Result<Vec<_>, _>>()?;
    if let (Mode::Inline, [one, other]) = (config.mode, &config.interfaces[..]) {
        preflight::check_pair(one, other)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the control plane")?;
    let ledger = runtime.block_on(async {
        let mut signals = Signals::new().context("cannot catch signals")?;
        let scrapers = match config.metrics {
            Some(address) => Some(metrics::listen(address).await?),
            None => None,
        };
        steering::restore_leftovers();
        let mut run = Run::start(config, &indices)?;
        if let Some(listener) = scrapers {
            tokio::spawn(metrics::serve(listener, run.latest.subscribe()));
        }
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
    sampling: Sampling,
    ports: Vec<Port>,
    collector: thread::JoinHandle<()>,
    arrived: Arc<CollectorCounts>,
    outputs: Arc<Vec<OutputQueue>>,
    /// The ledger as it was last looked at.
    latest: watch::Sender<Arc<Ledger>>,
}

impl Run {
    fn start(config: &RunConfig, indices: &[u32]) -> anyhow::Result<Self> {
        let attach = config.ports()?;
        let shards = attach.iter().map(|port| port.lanes.len()).sum();
        config.tracker.check_memory(shards)?;
        announce_filter(config.filter.as_ref());
        let outputs = outputs::open(&config.outputs, Delivery::Drop)?;
        let (sender, chunks) = bounded(shards * CHUNKS);
        let mut hiring = Hiring {
            config,
            wants: outputs
                .iter()
                .fold(EventKinds::NONE, |all, output| all.union(output.wants())),
            sender,
            cores: core_affinity::get_core_ids().unwrap_or_default(),
            pools: Vec::new(),
            origins: Vec::new(),
        };
        let mut ports = Vec::new();
        let mut indices = indices;
        for port in attach {
            let (those, rest) = indices
                .split_at_checked(port.interfaces.len())
                .context("an interface without an index")?;
            indices = rest;
            let first_shard = hiring.pools.len();
            let mut steered = steering::steer(&port, config.steering)?;
            let workers = hiring.workers(&port, &mut steered)?;
            let care = config.care();
            ports.push(Port::start(
                port,
                those,
                workers,
                steered,
                first_shard,
                care,
            )?);
        }
        let arrived = CollectorCounts::new(shards);
        let collector = Collector {
            chunks,
            pools: hiring.pools,
            origins: hiring.origins,
            outputs: Arc::clone(&outputs),
            counts: Arc::clone(&arrived),
        };
        let collector = thread::Builder::new()
            .name("collector".into())
            .spawn(move || collector.run())
            .context("cannot start the collector")?;
        Ok(Self {
            sampling: config.sampling,
            ports,
            collector,
            latest: watch::Sender::new(Arc::new(Ledger::new(&[], Vec::new(), Moment::Running))),
            arrived,
            outputs,
        })
    }

    /// Watches and reports, until it is time to stop.
    async fn follow(&mut self, config: &RunConfig, signals: &mut Signals) {
        let end = Instant::now() + config.duration.unwrap_or(FOREVER).min(FOREVER);
        let mut summary = (!config.quiet).then(Summary::new);
        let mut health = Health::default();
        let mut summary_tick = ticks(SUMMARY_INTERVAL);
        let mut link_tick = ticks(LINK_INTERVAL);
        let mut care_tick = ticks(CARE_INTERVAL);
        // The first tick is at once.
        summary_tick.tick().await;
        while self.ports.iter().all(Port::is_running) {
            tokio::select! {
                () = signals.next() => {
                    if let Some(summary) = &mut summary {
                        summary.begin_line();
                    }
                    break;
                }
                () = sleep_until(end) => break,
                _ = link_tick.tick() => {
                    for port in &mut self.ports {
                        port.watch(summary.as_mut());
                    }
                }
                _ = care_tick.tick() => {
                    for port in &mut self.ports {
                        port.look_after(summary.as_mut());
                    }
                }
                _ = summary_tick.tick() => {
                    let ledger = Arc::new(self.ledger(Moment::Running));
                    if let Some(message) = health.look(&ledger) {
                        summary.iter_mut().for_each(Summary::release);
                        log::error!("{message}");
                    }
                    if let Some(summary) = &mut summary {
                        summary.print(&ledger, &self.arrived);
                    }
                    self.latest.send_replace(ledger);
                }
            }
        }
        if let Some(summary) = &mut summary {
            summary.clear();
        }
    }

    fn detach(&mut self) {
        self.ports.iter_mut().for_each(Port::detach);
    }

    /// Ends the flows, and lets the records and the outputs out.
    fn finish(self) -> Ledger {
        let Self {
            sampling,
            mut ports,
            collector,
            arrived,
            outputs,
            latest: _,
        } = self;
        outputs.iter().for_each(OutputQueue::wait_from_now_on);
        ports.iter_mut().for_each(Port::stop);
        let ports: Vec<_> = ports.into_iter().map(Port::finish).collect();
        if collector.join().is_err() {
            log::error!("the collector has panicked: records that were on their way are lost");
        }
        let outputs = outputs::finish(outputs, PATIENCE);
        let ledger = ledger(&ports, &arrived.all(), outputs, Moment::Ended);
        with_sampling(ledger, sampling, &ports, &arrived.variance())
    }

    fn ledger(&mut self, moment: Moment) -> Ledger {
        // In the order against the way of a packet: what is read later is ahead.
        let arrived = self.arrived.all();
        let counts: Vec<_> = self.ports.iter().map(Port::counts).collect();
        let ports: Vec<_> = self
            .ports
            .iter_mut()
            .zip(counts)
            .map(|(port, counts)| port.account(counts))
            .collect();
        let outputs = self.outputs.iter().map(OutputQueue::status).collect();
        let ledger = ledger(&ports, &arrived, outputs, moment);
        with_sampling(ledger, self.sampling, &ports, &self.arrived.variance())
    }
}

/// The ledger of all interfaces.
fn ledger(
    ports: &[PortCounts],
    arrived: &[(u64, u64)],
    outputs: Vec<OutputStatus>,
    moment: Moment,
) -> Ledger {
    let parts: Vec<_> = ports.iter().flat_map(|port| port.parts(arrived)).collect();
    let mut others = Verdicts::default();
    for verdicts in ports.iter().flat_map(|port| &port.verdicts.others) {
        others += *verdicts;
    }
    let rows = ports.iter().flat_map(PortCounts::rows).collect();
    Ledger::new(&parts, outputs, moment).with_interfaces(rows, &others)
}

/// The same, with what the sample says of all flows, if there is one.
fn with_sampling(
    mut ledger: Ledger,
    sampling: Sampling,
    ports: &[PortCounts],
    variance: &Variance,
) -> Ledger {
    if sampling.is_off() {
        return ledger;
    }
    let mut counts = ShardCounts::default();
    for port in ports {
        for queue in &port.counts {
            counts += *queue;
        }
    }
    let rate = ports.iter().map(|port| port.rate).max();
    let least = ports.iter().map(|port| port.least_rate).max();
    ledger.sampling = Some(SamplingRow::new(
        (rate.unwrap_or_default(), least.unwrap_or_default()),
        ledger.total.xdp.unwrap_or_default().sampled_out,
        &counts,
        variance,
    ));
    ledger
}

/// What workers are started with.
struct Hiring<'a> {
    config: &'a RunConfig,
    wants: EventKinds,
    sender: Sender<Chunk>,
    cores: Vec<CoreId>,
    /// Of each shard.
    pools: Vec<ChunkPool>,
    /// Of each shard.
    origins: Vec<Origin>,
}

impl Hiring<'_> {
    /// Starts the workers of `port`.
    fn workers(
        &mut self,
        port: &AttachConfig,
        steered: &mut Steered,
    ) -> anyhow::Result<Vec<WorkerHandle>> {
        let origin = Origin {
            interface: Some(port.name().into()),
        };
        let handovers = steered.handovers(&self.config.tracker.hasher());
        let (mut handovers, mut sightings) =
            (handovers.into_iter(), steered.sightings().into_iter());
        let lanes = port.lanes.iter();
        lanes
            .map(|lane| self.worker(*lane, &origin, handovers.next(), sightings.next()))
            .collect()
    }

    fn worker(
        &mut self,
        lane: u32,
        origin: &Origin,
        handover: Option<Handover>,
        sightings: Option<Arc<Sightings>>,
    ) -> anyhow::Result<WorkerHandle> {
        let shard = self.pools.len();
        let sender = self.sender.clone();
        let (sink, pool) = ChunkSink::new(shard, CHUNKS, sender, self.wants, Delivery::Drop);
        // A page fault while packets come in would cost some of them.
        let tracker = TrackerConfig {
            paging: Paging::Now,
            ..self.config.tracker
        };
        let worker = WorkerConfig {
            queue: lane,
            core: self.core(lane, shard),
            stamped: self.config.stamped,
            filter: self.config.worker_filter(),
            extractor: self.config.extractor,
            handover,
            sightings,
        };
        let worker = WorkerHandle::start(worker, move || Shard::new(tracker, sink))
            .context("cannot start a worker")?;
        self.pools.push(pool);
        self.origins.push(origin.clone());
        Ok(worker)
    }

    /// The core of the worker: the one whose headers it gets, or one after the other.
    fn core(&self, lane: u32, shard: usize) -> Option<CoreId> {
        let cores = &self.cores;
        if self.config.mode.copies() {
            let cpu = cores.iter().find(|core| core.id == lane as usize);
            return cpu.copied();
        }
        cores.get(shard % cores.len().max(1)).copied()
    }
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}
