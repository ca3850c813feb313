//! The XDP program on an interface, with a socket behind each of its queues.

use std::io;

use aya_log::EbpfLogger;
use flowtrack_common::abi::{self, Verdicts};

use crate::{
    capture::xdp::{AttachMode, Program, ProgramError, SocketConfig, SocketError, SocketReport},
    sys::{interface, promisc::Promiscuous},
    worker::WorkerHandle,
};

/// What an attachment is made with.
#[derive(Clone, Debug)]
pub(super) struct AttachConfig {
    pub(super) interface: String,
    pub(super) stamped: bool,
    pub(super) ring_size: u32,
    pub(super) burst: usize,
    pub(super) require_zero_copy: bool,
    pub(super) busy_poll: Option<u16>,
}

/// Verdicts of each queue that has a worker, and of all others together.
#[derive(Clone, Debug)]
pub(super) struct VerdictSums {
    pub(super) queues: Vec<Verdicts>,
    pub(super) others: Verdicts,
}

impl VerdictSums {
    /// None yet, of `workers` queues.
    pub(super) fn new(workers: usize) -> Self {
        Self {
            queues: vec![Verdicts::default(); workers],
            others: Verdicts::default(),
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
    /// A worker has panicked.
    #[error("the worker of queue {0} is gone")]
    Worker(usize),
    /// Promiscuous mode.
    #[error("cannot put the interface into promiscuous mode")]
    Promiscuous(#[source] io::Error),
}

/// The program on an interface. When it is dropped, the program is taken off.
pub(super) struct Attachment {
    program: Program,
    /// Verdicts of each queue before this attachment, and of all queues without a worker.
    before: VerdictSums,
    pub(super) index: u32,
    pub(super) mode: AttachMode,
    pub(super) sockets: Vec<SocketReport>,
    log: Option<EbpfLogger<&'static dyn log::Log>>,
    _promiscuous: Promiscuous,
}

impl Attachment {
    /// Opens a socket for each worker and only then attaches the program: it finds all sockets in
    /// place, their fill rings full. `before` is what was counted in earlier attachments.
    pub(super) fn new(
        config: &AttachConfig,
        index: u32,
        workers: &[WorkerHandle],
        before: VerdictSums,
    ) -> Result<Self, AttachError> {
        let mut program = Program::load(config.stamped, 0)?;
        let queues = interface::receive_queues(&config.interface) as usize;
        let used = workers.get(..queues).unwrap_or(workers);
        let attached = open_sockets(config, &mut program, used)
            .and_then(|sockets| {
                Ok((
                    sockets,
                    Promiscuous::new(index).map_err(AttachError::Promiscuous)?,
                ))
            })
            .and_then(|(sockets, promiscuous)| Ok((sockets, promiscuous, program.attach(index)?)));
        let (sockets, promiscuous, mode) = attached.inspect_err(|_| close_sockets(workers))?;
        // Capture does not depend on what the program logs.
        let log = EbpfLogger::init(program.ebpf())
            .inspect_err(|error| log::debug!("the XDP program has no log: {error}"))
            .ok();
        Ok(Self {
            program,
            before,
            index,
            mode,
            sockets,
            log,
            _promiscuous: promiscuous,
        })
    }

    /// Hands what the XDP program has logged to our own log.
    pub(super) fn flush_log(&mut self) {
        if let Some(log) = &mut self.log {
            log.flush();
        }
    }

    /// All verdicts, those of earlier attachments included.
    pub(super) fn verdicts(&self) -> Result<VerdictSums, ProgramError> {
        let mut sums = self.before.clone();
        for slot in 0..=abi::OTHER_QUEUES {
            let verdicts = self.program.verdicts(slot)?;
            match sums.queues.get_mut(slot as usize) {
                Some(queue) => *queue += verdicts,
                None => sums.others += verdicts,
            }
        }
        Ok(sums)
    }

    /// Takes the program off; its counters stay.
    pub(super) fn detach(&mut self) {
        self.program.detach();
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.detach();
    }
}

fn open_sockets(
    config: &AttachConfig,
    program: &mut Program,
    workers: &[WorkerHandle],
) -> Result<Vec<SocketReport>, AttachError> {
    let open = |(number, worker): (usize, &WorkerHandle)| {
        let queue = u32::try_from(number).unwrap_or(u32::MAX);
        let (fd, report) = worker
            .open(SocketConfig {
                interface: config.interface.clone(),
                queue,
                ring_size: config.ring_size,
                burst: config.burst,
                require_zero_copy: config.require_zero_copy,
                busy_poll: config.busy_poll,
            })
            .ok_or(AttachError::Worker(number))??;
        program.set_socket(queue, fd)?;
        Ok(report)
    };
    workers.iter().enumerate().map(open).collect()
}

/// Lets all workers take what is left in their sockets and close them, all at the same time.
pub(super) fn close_sockets(workers: &[WorkerHandle]) {
    let closing: Vec<_> = workers.iter().map(WorkerHandle::close).collect();
    for closed in closing {
        // A worker that has panicked does not answer, and its socket is closed.
        let _ = closed.recv();
    }
}
