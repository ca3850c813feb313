//! The XDP program on an interface.

use aya_log::EbpfLogger;
use flowtrack_common::abi::{self, CaptureSettings, Verdicts};

use super::{AttachConfig, AttachError};
use crate::{
    capture::xdp::{AttachMode, Program, ProgramError},
    control::Mode,
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
    program.set(CaptureSettings {
        mode: config.mode.number(),
        ..CaptureSettings::default()
    })?;
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

    /// Takes the program off; its counters stay.
    pub(super) fn detach(&mut self) {
        self.program.detach();
    }
}
