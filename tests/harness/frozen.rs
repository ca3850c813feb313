//! One thread of a process that stands still, while the others go on.

use std::marker::PhantomData;

use anyhow::{Context as _, Result, ensure};
use nix::{
    sys::{
        ptrace,
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};

use crate::system_calls::thread;

/// A thread that is stopped as by a debugger. It goes on when this is dropped.
///
/// The kernel takes orders for it from the thread alone that has stopped it.
#[derive(Debug)]
pub struct Frozen {
    thread: Pid,
    _here: PhantomData<*const ()>,
}

impl Frozen {
    /// Stops the thread `name` of a process.
    pub fn thread(process: u32, name: &str) -> Result<Self> {
        let thread = Pid::from_raw(thread(process, name)?.parse()?);
        ptrace::seize(thread, ptrace::Options::empty())
            .with_context(|| format!("cannot trace {name}; it takes CAP_SYS_PTRACE"))?;
        let frozen = Self {
            thread,
            _here: PhantomData,
        };
        ptrace::interrupt(thread)?;
        let status = waitpid(thread, Some(WaitPidFlag::__WALL))?;
        ensure!(status.pid() == Some(thread), "{name} has not stopped: {status:?}");
        Ok(frozen)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // A thread that has ended needs no help.
        let _ = ptrace::detach(self.thread, None);
    }
}
