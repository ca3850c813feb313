//! The XDP program on an interface.

use aya_log::EbpfLogger;
use flowtrack_common::abi::{self, CaptureSettings, Verdicts};

use super::{AttachConfig, AttachError};
use crate::{
    capture::xdp::{AttachMode, Program, ProgramError},
    control::Mode,
    filter::Filter,
    sys::promisc::Promiscuous,
};

/// The program on an interface. When it is dropped, the program is taken off.
pub(in crate::control) struct End {
    pub(in crate::control) index: u32,
    pub(in crate::control) mode: AttachMode,
    program: Program,
    log: Option<EbpfLogger<&'static dyn log::Log>>,
    _promiscuous: Option<Promiscuous>,
}

/// Loads the program for `config`, ready to be attached.
pub(super) fn load(config: &AttachConfig) -> Result<Program, ProgramError> {
    let mut program = Program::load(config.stamped, config.snap)?;
    if let Some(filter) = config.filter.as_ref().and_then(Filter::kernel) {
        program.set_filter(Some(&filter))?;
    }
    program.set(config.settings)?;
    Ok(program)
}

impl End {
    /// Attaches `program` to the interface of `index`.
    pub(super) fn attach(
        mut program: Program,
        index: u32,
        mode: Mode,
    ) -> Result<Self, AttachError> {
        // Where packets go on to the host, it gets those that it would get anyway.
        let promiscuous = (mode != Mode::Observe)
            .then(|| Promiscuous::new(index).map_err(AttachError::Promiscuous))
            .transpose()?;
        let mode = program.attach(index)?;
        // Capture does not depend on what the program logs.
        let log = EbpfLogger::init(program.ebpf())
            .inspect_err(|error| log::debug!("the XDP program has no log: {error}"))
            .ok();
        Ok(Self {
            index,
            mode,
            program,
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

    /// What was decided about the packets of each CPU, where headers are copied, else of each queue; the
    /// last one stands for all queues beyond the map.
    pub(super) fn verdicts(&self, mode: Mode) -> Result<Vec<Verdicts>, ProgramError> {
        if mode.copies() {
            return self.program.verdicts_by_cpu();
        }
        (0..=abi::OTHER_QUEUES)
            .map(|queue| self.program.verdicts(queue))
            .collect()
    }

    /// What was decided about the packets of a queue.
    pub(super) fn queue_verdicts(&self, queue: u32) -> Result<Verdicts, ProgramError> {
        self.program.verdicts(queue)
    }

    /// Changes what the program does with packets, from the next one on.
    pub(super) fn set(&mut self, settings: CaptureSettings) -> Result<(), ProgramError> {
        self.program.set(settings)
    }

    /// Leaves the packets of a queue to the kernel, or captures them again.
    pub(super) fn bypass(&mut self, queue: u32, bypass: bool) -> Result<(), ProgramError> {
        self.program.bypass(queue, bypass)
    }

    /// Takes the program off; its counters stay.
    pub(super) fn detach(&mut self) {
        self.program.detach();
    }
}
