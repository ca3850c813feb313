//! The XDP program on an interface, or on the two that are forwarded between, with a socket or a ring of
//! headers behind it for each worker.

mod end;

use std::{
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

use aya::maps::MapError;
use flowtrack_common::abi::{CaptureSettings, Verdicts};

use self::end::End;
use super::Mode;
use crate::{
    capture::{
        headers::RingConfig,
        xdp::{AttachMode, Program, ProgramError, SocketConfig, SocketError, SocketReport},
    },
    filter::Filter,
    sys::{self, interface, netlink},
    worker::WorkerHandle,
};

/// What an attachment is made with.
#[derive(Clone, Debug)]
pub(super) struct AttachConfig {
    /// One interface, or the two that are forwarded between.
    pub(super) interfaces: Vec<String>,
    pub(super) mode: Mode,
    /// The receive queue of each worker, or its CPU where headers are copied.
    pub(super) lanes: Vec<u32>,
    /// Bytes of each packet that are copied where headers are.
    pub(super) snap: u32,
    pub(super) stamped: bool,
    pub(super) ring_size: u32,
    pub(super) burst: usize,
    pub(super) require_zero_copy: bool,
    pub(super) busy_poll: Option<u16>,
    /// What the XDP program does with packets, from the first one on.
    pub(super) settings: CaptureSettings,
    pub(super) filter: Option<Filter>,
}

impl AttachConfig {
    /// What records and messages call it.
    pub(super) fn name(&self) -> String {
        self.interfaces.join("+")
    }
}

/// Verdicts about the packets that each worker gets, and about all others of each interface.
#[derive(Clone, Debug)]
pub(super) struct VerdictSums {
    pub(super) workers: Vec<Verdicts>,
    pub(super) others: Vec<Verdicts>,
    /// All packets that the program has seen on each interface.
    pub(super) seen: Vec<u64>,
}

impl VerdictSums {
    /// None yet.
    pub(super) fn new(config: &AttachConfig) -> Self {
        Self {
            workers: vec![Verdicts::default(); config.lanes.len()],
            others: vec![Verdicts::default(); config.interfaces.len()],
            seen: vec![0; config.interfaces.len()],
        }
    }
}

/// The interface could not be attached to.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The XDP program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// A ring of headers.
    #[error("cannot make the ring of headers of CPU {cpu}")]
    Ring {
        /// Its CPU.
        cpu: u32,
        /// The reason.
        #[source]
        source: MapError,
    },
    /// A worker has panicked.
    #[error("worker {0} is gone")]
    Worker(u32),
    /// The driver sends nothing that a program on another interface hands over.
    #[error(
        "{0} sends no packets that a program redirects to it (its driver has no ndo_xdp_xmit, or not as it \
         is set up): inline mode needs that; on veth `ethtool -K PEER gro on` at the other end switches it on"
    )]
    NoTransmit(String),
    /// What the driver can do is not known.
    #[error("cannot find out what the driver of {interface} can do")]
    Features {
        /// The interface.
        interface: String,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// Promiscuous mode.
    #[error("cannot put the interface into promiscuous mode")]
    Promiscuous(#[source] io::Error),
}

/// The program on its interfaces. When it is dropped, the program is taken off.
pub(super) struct Attachment {
    pub(super) ends: Vec<End>,
    /// What was obtained for each worker; none where headers are copied.
    pub(super) sockets: Vec<SocketReport>,
    /// Second descriptors of the sockets, for whoever does not wait for the workers.
    descriptors: Vec<OwnedFd>,
    mode: Mode,
    lanes: Vec<u32>,
    /// Verdicts before this attachment.
    before: VerdictSums,
}

impl Attachment {
    /// Opens a socket or a ring for each worker and only then attaches the program: it finds all of them
    /// in place, their fill rings full. `indices` are those of the interfaces, `before` is what was
    /// counted in earlier attachments.
    pub(super) fn new(
        config: &AttachConfig,
        indices: &[u32],
        workers: &[WorkerHandle],
        before: VerdictSums,
    ) -> Result<Self, AttachError> {
        let programs = indices.iter().map(|_| end::load(config));
        let mut programs = programs.collect::<Result<Vec<_>, _>>()?;
        if config.mode == Mode::Inline {
            for (program, peer) in programs.iter_mut().zip(indices.iter().rev()) {
                program.set_peer(*peer)?;
            }
        }
        let attached = open(config, &mut programs, workers).and_then(|sockets| {
            let ends = programs
                .into_iter()
                .zip(indices)
                .map(|(program, index)| End::attach(program, *index, config.mode));
            let ends = ends.collect::<Result<Vec<_>, _>>()?;
            if config.mode == Mode::Inline {
                check_transmit(&config.interfaces, &ends)?;
            }
            Ok((sockets, ends))
        });
        let (opened, ends) = attached.inspect_err(|_| close_sources(workers))?;
        let (descriptors, sockets) = opened.into_iter().unzip();
        Ok(Self {
            ends,
            sockets,
            descriptors,
            mode: config.mode,
            lanes: config.lanes.clone(),
            before,
        })
    }

    /// Hands what the XDP program has logged to our own log.
    pub(super) fn flush_log(&mut self) {
        self.ends.iter_mut().for_each(End::flush_log);
    }

    /// All verdicts, those of earlier attachments included.
    pub(super) fn verdicts(&self) -> Result<VerdictSums, ProgramError> {
        let mut sums = self.before.clone();
        let interfaces = sums.others.iter_mut().zip(&mut sums.seen);
        for (end, (others, seen)) in self.ends.iter().zip(interfaces) {
            for (lane, verdicts) in (0..).zip(end.verdicts(self.mode)?) {
                *seen += verdicts.seen().packets;
                let worker = self.lanes.iter().position(|number| *number == lane);
                let sum = worker.and_then(|worker| sums.workers.get_mut(worker));
                *sum.unwrap_or(others) += verdicts;
            }
        }
        Ok(sums)
    }

    /// Changes what the program does with packets, from the next one on.
    pub(super) fn set(&mut self, settings: CaptureSettings) -> Result<(), ProgramError> {
        self.ends.iter_mut().try_for_each(|end| end.set(settings))
    }

    /// Packets that the program has captured of `queue` in this attachment.
    pub(super) fn captured(&self, queue: u32) -> Result<u64, ProgramError> {
        self.ends.iter().try_fold(0, |sum, end| {
            Ok(sum + end.queue_verdicts(queue)?.captured().packets)
        })
    }

    /// Leaves the packets of `queue` to the kernel, or captures them again.
    pub(super) fn bypass(&mut self, queue: u32, bypass: bool) -> Result<(), ProgramError> {
        self.ends
            .iter_mut()
            .try_for_each(|end| end.bypass(queue, bypass))
    }

    /// Whether packets lie in the ring of a queue.
    pub(super) fn has_packets(&self, queue: usize) -> bool {
        let descriptor = self.descriptors.get(queue);
        // Without an answer nothing is claimed to be wrong.
        descriptor.is_some_and(|fd| sys::socket::has_packets(fd.as_fd()).unwrap_or(false))
    }

    /// Wakes up the driver of a queue.
    pub(super) fn kick(&self, queue: usize) -> io::Result<()> {
        match self.descriptors.get(queue) {
            Some(fd) => sys::socket::wake_rx(fd.as_fd()),
            None => Ok(()),
        }
    }

    /// Takes the program off; its counters stay.
    pub(super) fn detach(&mut self) {
        self.ends.iter_mut().for_each(End::detach);
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.detach();
    }
}

/// Checks that each interface sends what the program on the other one redirects to it. Some drivers can do
/// that only with a program of their own, so this is asked when they have one. Where the program on the other
/// one is generic, the network stack sends.
fn check_transmit(interfaces: &[String], ends: &[End]) -> Result<(), AttachError> {
    let others = ends.iter().rev();
    for ((interface, end), other) in interfaces.iter().zip(ends).zip(others) {
        let features = netlink::xdp_features(end.index);
        let features = features.map_err(|source| AttachError::Features {
            interface: interface.clone(),
            source,
        })?;
        // A kernel before 6.3 does not tell.
        let refused = features.is_some_and(|features| !features.redirect_target());
        if other.mode == AttachMode::Native && refused {
            return Err(AttachError::NoTransmit(interface.clone()));
        }
    }
    Ok(())
}

/// Opens what the programs hand packets to.
fn open(
    config: &AttachConfig,
    programs: &mut [Program],
    workers: &[WorkerHandle],
) -> Result<Vec<(OwnedFd, SocketReport)>, AttachError> {
    if config.mode.copies() {
        open_rings(config, programs, workers)?;
        return Ok(Vec::new());
    }
    let mut reports = Vec::new();
    for (program, interface) in programs.iter_mut().zip(&config.interfaces) {
        reports.extend(open_sockets(config, interface, program, workers)?);
    }
    Ok(reports)
}

fn open_sockets(
    config: &AttachConfig,
    interface: &str,
    program: &mut Program,
    workers: &[WorkerHandle],
) -> Result<Vec<(OwnedFd, SocketReport)>, AttachError> {
    let open = |(worker, queue): (&WorkerHandle, u32)| {
        let (fd, report) = worker
            .open(SocketConfig {
                interface: interface.to_owned(),
                queue,
                ring_size: config.ring_size,
                burst: config.burst,
                require_zero_copy: config.require_zero_copy,
                busy_poll: config.busy_poll,
            })
            .ok_or(AttachError::Worker(queue))??;
        program.set_socket(queue, fd.as_raw_fd())?;
        Ok((fd, report))
    };
    let queues = interface::receive_queues(interface) as usize;
    let lanes = config.lanes.iter().copied();
    workers.iter().zip(lanes).take(queues).map(open).collect()
}

/// A ring for each CPU, which the programs of all interfaces share: so the two directions of a flow are in
/// their order.
fn open_rings(
    config: &AttachConfig,
    programs: &[Program],
    workers: &[WorkerHandle],
) -> Result<(), AttachError> {
    let maps: Vec<_> = programs.iter().map(Program::headers).collect();
    for (worker, cpu) in workers.iter().zip(config.lanes.iter().copied()) {
        let ring = RingConfig {
            cpu,
            packets: config.ring_size,
            snap: config.snap,
            burst: config.burst,
        };
        worker
            .open_ring(ring, maps.clone())
            .ok_or(AttachError::Worker(cpu))?
            .map_err(|source| AttachError::Ring { cpu, source })?;
    }
    Ok(())
}

/// Lets all workers take what is left in their sockets or rings and close them, all at the same time.
pub(super) fn close_sources(workers: &[WorkerHandle]) {
    let closing: Vec<_> = workers.iter().map(WorkerHandle::close).collect();
    for closed in closing {
        // A worker that has panicked does not answer, and its socket is closed.
        let _ = closed.recv();
    }
}
