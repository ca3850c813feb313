//! A thread of another process that stands still while the others go on.

use anyhow::{Context as _, Result};
use nix::{
    sys::{
        ptrace,
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};

use crate::system_calls::thread;

/// A thread that stands still until this is dropped. Only the thread that stopped it can let it go on.
#[derive(Debug)]
pub struct Stalled(Pid);

impl Stalled {
    /// Stops the thread `name` of a process.
    pub fn thread(process: u32, name: &str) -> Result<Self> {
        let thread = Pid::from_raw(thread(process, name)?.parse()?);
        ptrace::attach(thread).with_context(|| format!("cannot stop thread {name}"))?;
        let stalled = Self(thread);
        waitpid(thread, Some(WaitPidFlag::__WALL))?;
        Ok(stalled)
    }
}

impl Drop for Stalled {
    fn drop(&mut self) {
        // One that has ended stands still no more.
        let _ = ptrace::detach(self.0, None);
    }
}
