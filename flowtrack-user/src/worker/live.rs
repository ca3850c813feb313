//! The pinned loop of a receive queue or of a CPU: source, parser, tracker, one burst after the other.
#![forbid(unsafe_code)]

use std::{
    io, mem,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};
use flowtrack_common::{EndReason, Timestamp};

use super::{
    Handover, Shard, ShardCounts, SharedCounts, Sightings, WorkerConfig, handle::Command,
    source::Source, timer::Timer,
};
use crate::{
    capture::{
        BURST,
        headers::HeaderRing,
        xdp::{RING_DELAY, SocketConfig, SocketError, SocketReport, SocketStats, XskSocket},
    },
    flow::{FiveTuple, Intake, IntakeCounts, MAX_OBSERVATIONS, Observation, SampleRate},
    sys::clock::{self, TaiClock},
};

/// Longest wait for packets; a command waits as long.
const IDLE_WAIT: Duration = Duration::from_millis(50);
/// The same where others wait for its packets: they have to know that there are none.
const HANDOVER_WAIT: Duration = Duration::from_millis(1);
/// From one look at the socket's counters to the next.
const STATS_INTERVAL: Duration = Duration::from_millis(10);
/// The counters are published so often while packets arrive, and whenever there are none: that costs as
/// much as a packet or two.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(1);
/// Nothing arrives for this long after the program was detached: all has been received.
const DRAIN_SILENCE: Duration = Duration::from_millis(20);

pub(super) struct Worker {
    commands: Receiver<Command>,
    source: Option<Source>,
    stamped: bool,
    tai: TaiClock,
    intake: Intake,
    burst: Vec<Observation<FiveTuple>>,
    shard: Shard,
    handover: Option<Handover>,
    sightings: Option<Arc<Sightings>>,
    counts: ShardCounts,
    shared: Arc<SharedCounts>,
    /// N of 1/N of the flows that come here, as the control plane says.
    rate: Arc<AtomicU32>,
    /// The same, as the shard knows it.
    sampled: u32,
    /// Of sockets that were closed.
    closed_stats: SocketStats,
    stats_timer: Timer,
    publish_timer: Timer,
    /// The socket is to be polled, and no packet has shown yet that it can be.
    polling_unproven: bool,
    /// The ring of headers had no room for some, since the counters were looked at.
    ring_was_full: bool,
}

impl Worker {
    pub(super) fn new(
        config: WorkerConfig,
        shard: Shard,
        commands: Receiver<Command>,
        shared: Arc<SharedCounts>,
        rate: Arc<AtomicU32>,
    ) -> Self {
        Self {
            commands,
            source: None,
            stamped: config.stamped,
            tai: TaiClock::measure(),
            intake: Intake::filtered(config.extractor, config.filter.clone()),
            burst: Vec::with_capacity(BURST * MAX_OBSERVATIONS),
            shard,
            handover: config.handover,
            sightings: config.sightings,
            counts: ShardCounts::default(),
            shared,
            rate,
            sampled: SampleRate::ALL.n(),
            closed_stats: SocketStats::default(),
            stats_timer: Timer::new(STATS_INTERVAL),
            publish_timer: Timer::new(PUBLISH_INTERVAL),
            polling_unproven: false,
            ring_was_full: false,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.handle(command),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => break,
            }
            self.watch_rate();
            match self.receive() {
                Some(now) => self.housekeep(now),
                None => self.idle(),
            }
        }
        self.drain();
        if let Some(handover) = &mut self.handover {
            handover.finish(&mut self.shard);
        }
        self.shard.finish(EndReason::Shutdown);
        self.publish();
    }

    /// Sees whether another share of the flows comes from now on. What lies in the ring came at the rate
    /// before; the shard marks flows for a while longer than they were sampled, never for less.
    fn watch_rate(&mut self) {
        let n = self.rate.load(Relaxed);
        if n != self.sampled {
            self.sampled = n;
            self.shard
                .sample(SampleRate::one_in(n).unwrap_or_default(), clock::now());
        }
    }

    /// Takes a burst through the pipeline. `None` if there was nothing; else the time of its latest
    /// packet.
    fn receive(&mut self) -> Option<Timestamp> {
        let Self {
            source,
            intake,
            burst,
            sightings,
            counts,
            tai,
            ..
        } = self;
        let mut now = Timestamp::EPOCH;
        let received = source.as_mut()?.receive(*tai, |frame| {
            now = now.max(frame.ts);
            if !intake.wants(frame) {
                return;
            }
            intake.frame(frame, |mut observation| {
                if let Observation::Packet(meta) = &mut observation {
                    // What lies in other buffers, or was not copied, was received as well.
                    meta.packet.truncated = false;
                    if let Some(sightings) = sightings {
                        sightings.note(&meta.packet.key);
                    }
                }
                burst.push(observation);
            });
        });
        if received.packets == 0 {
            counts.waits += 1;
            return None;
        }
        counts.bursts += 1;
        counts.received += received.packets;
        counts.headers_lost += received.lost;
        self.ring_was_full |= received.lost > 0;
        match &mut self.handover {
            None => self.shard.burst(burst),
            Some(handover) => {
                handover.give(burst, now);
                handover.take_in(&mut self.shard, clock::now());
            }
        }
        self.burst.clear();
        Some(now)
    }

    /// What there is to do beside the packets. While there are some, `now` is the time of the latest one:
    /// no clock is read.
    fn housekeep(&mut self, now: Timestamp) {
        self.shard.tick(now);
        if self.stats_timer.is_due(now) {
            self.poll_stats();
        }
        if self.publish_timer.is_due(now) {
            self.publish();
        }
    }

    /// Nothing has arrived: time goes on all the same.
    fn idle(&mut self) {
        let now = clock::now();
        // What arrived before the clock was read is there to be received.
        if let Some(now) = self.receive() {
            self.housekeep(now);
            return;
        }
        let more = self.pass_time(now);
        self.housekeep(now);
        if more {
            return;
        }
        if !self.polls() {
            // Before it sleeps, all that it has counted can be seen.
            self.publish();
        }
        let waited = self.wait();
        if let Err(error) = waited {
            // An interface that is gone: the control plane sees that and closes the socket.
            log::debug!("cannot wait for packets: {error}");
            thread::sleep(IDLE_WAIT);
        }
    }

    /// It is `now` and no packet is waiting: flows expire by that. Returns whether there may be more to do.
    fn pass_time(&mut self, now: Timestamp) -> bool {
        let silent_until = now.saturating_sub(RING_DELAY);
        let Some(handover) = &mut self.handover else {
            return self.shard.idle(silent_until);
        };
        handover.advance(silent_until);
        let more = handover.take_in(&mut self.shard, now);
        self.shard.idle(handover.time()) || more
    }

    /// Whether it polls the driver where others wait.
    fn polls(&mut self) -> bool {
        let socket = self.source.as_mut().and_then(Source::socket);
        socket.is_some_and(|socket| socket.polls())
    }

    /// Waits for packets, or for a command where there is no source of them.
    fn wait(&mut self) -> io::Result<()> {
        let longest = self.handover.as_ref().map_or(IDLE_WAIT, |_| HANDOVER_WAIT);
        let Some(source) = &mut self.source else {
            match self.commands.recv_timeout(longest) {
                Ok(command) => self.handle(command),
                // The loop sees that nobody is there any more.
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            return Ok(());
        };
        source.wait(longest)
    }

    /// Reads what changes slowly: the socket's counters and the distance of the clocks.
    fn poll_stats(&mut self) {
        self.tai = TaiClock::measure();
        self.poll_source_stats();
        if self.handover.as_mut().is_some_and(Handover::has_lost) {
            self.shard.capture_lost();
        }
    }

    fn poll_source_stats(&mut self) {
        let Some(stats) = self.source.as_ref().and_then(|source| source.stats().ok()) else {
            return;
        };
        self.check_polling();
        let lost = self.counts.rx_dropped + self.counts.rx_ring_full;
        self.counts.rx_dropped = self.closed_stats.rx_dropped + stats.rx_dropped;
        self.counts.rx_ring_full = self.closed_stats.rx_ring_full + stats.rx_ring_full;
        self.counts.rx_fill_ring_empty =
            self.closed_stats.rx_fill_ring_empty + stats.rx_fill_ring_empty;
        self.counts.rx_invalid_descs = self.closed_stats.rx_invalid_descs + stats.rx_invalid_descs;
        let ring_was_full = mem::take(&mut self.ring_was_full);
        if ring_was_full || self.counts.rx_dropped + self.counts.rx_ring_full > lost {
            self.lose();
        }
    }

    /// Packets of this queue are missing.
    fn lose(&mut self) {
        match &mut self.handover {
            Some(handover) => handover.lose(),
            None => self.shard.capture_lost(),
        }
    }

    /// Packets show whether the driver can be polled. One that cannot is waited for: polling would only
    /// keep the core busy.
    fn check_polling(&mut self) {
        if !self.polling_unproven || self.counts.received == 0 {
            return;
        }
        self.polling_unproven = false;
        if let Some(socket) = self.source.as_mut().and_then(Source::socket)
            && !socket.can_be_polled()
        {
            socket.stop_polling();
            log::warn!(
                "busy polling has no effect, interrupts are waited for: the kernel does not know which \
                 NAPI instance to poll (since Linux 6.13 it asks the driver, and only in zero-copy mode)"
            );
        }
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Open(config, reply) => {
                self.reopen();
                // Whoever asked waits for the answer.
                let _ = reply.send(self.open(&config));
            }
            Command::OpenRing(config, maps, reply) => {
                self.reopen();
                let opened = HeaderRing::open(&config, &maps).map(|ring| {
                    self.source = Some(Source::Headers(ring));
                });
                let _ = reply.send(opened);
            }
            Command::Close(reply) => {
                self.close();
                self.publish();
                let _ = reply.send(());
            }
        }
    }

    fn open(&mut self, config: &SocketConfig) -> Result<(OwnedFd, SocketReport), SocketError> {
        let socket = XskSocket::open(config)?;
        let fd = socket.fd().try_clone_to_owned();
        let facts = (fd.map_err(SocketError::Descriptor)?, socket.report());
        self.polling_unproven = socket.polls();
        let stamped = self.stamped;
        self.source = Some(Source::Socket { socket, stamped });
        Ok(facts)
    }

    /// Whatever was on its way since the last source was closed, this worker did not see.
    fn reopen(&mut self) {
        self.close();
        self.lose();
    }

    fn close(&mut self) {
        self.drain();
        self.source = None;
        self.closed_stats = SocketStats {
            rx_dropped: self.counts.rx_dropped,
            rx_ring_full: self.counts.rx_ring_full,
            rx_fill_ring_empty: self.counts.rx_fill_ring_empty,
            rx_invalid_descs: self.counts.rx_invalid_descs,
        };
    }

    /// Takes what the kernel has put into the ring, until nothing more comes.
    fn drain(&mut self) {
        if self.source.is_none() {
            return;
        }
        let mut last = Instant::now();
        while last.elapsed() < DRAIN_SILENCE {
            if self.receive().is_some() {
                last = Instant::now();
            } else if self
                .source
                .as_mut()
                .is_some_and(|source| source.wait(DRAIN_SILENCE / 4).is_err())
            {
                break;
            }
        }
        self.poll_stats();
    }

    fn publish(&mut self) {
        let Self {
            intake,
            shard,
            handover,
            counts,
            shared,
            ..
        } = self;
        let IntakeCounts {
            filtered,
            accepted,
            tunnelled,
            refused_inside,
            refused,
        } = intake.counts();
        counts.filtered = *filtered;
        counts.accepted = *accepted;
        counts.tunnelled = *tunnelled;
        counts.refused_inside = *refused_inside;
        for (count, (_, packets)) in counts.refused.iter_mut().zip(refused.iter()) {
            *count = packets;
        }
        shard.count(counts);
        if let Some(handover) = handover {
            handover.count(counts);
        }
        shared.store(counts);
    }
}
