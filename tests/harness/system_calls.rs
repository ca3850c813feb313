//! System calls of a thread, as strace sees them.

use std::{
    fs::{self, File},
    process::{Child, Command},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::wait::wait_until;

const TIMEOUT: Duration = Duration::from_secs(10);

/// strace on one thread. It is taken off when it is dropped.
#[derive(Debug)]
pub struct Tracing {
    strace: Child,
    folder: TempDir,
    started: Instant,
}

/// What a thread has asked the kernel for.
#[derive(Debug)]
pub struct Calls {
    /// Lines of strace: `name(arguments) = result`.
    lines: Vec<String>,
    /// How long it was traced.
    pub time: Duration,
}

impl Tracing {
    /// Traces the thread `name` of a process from now on.
    pub fn start(process: u32, name: &str) -> Result<Self> {
        let thread = thread(process, name)?;
        let folder = TempDir::new()?;
        let said = folder.path().join("stderr");
        let strace = Command::new("strace")
            .args(["-p", &thread, "-o"])
            .arg(folder.path().join("calls"))
            .stderr(File::create(&said)?)
            .spawn()
            .context("cannot start strace; is it installed?")?;
        let tracing = Self {
            strace,
            folder,
            started: Instant::now(),
        };
        wait_until("strace to be attached", TIMEOUT, || {
            Ok(fs::read_to_string(&said)?.contains("attached"))
        })?;
        Ok(tracing)
    }

    /// Stops tracing; the thread goes on.
    pub fn stop(mut self) -> Result<Calls> {
        let time = self.started.elapsed();
        kill(Pid::from_raw(self.strace.id().try_into()?), Signal::SIGINT)?;
        self.strace.wait()?;
        let text = fs::read_to_string(self.folder.path().join("calls"))?;
        let lines = text.lines().filter(|line| is_call(line));
        Ok(Calls {
            lines: lines.map(str::to_owned).collect(),
            time,
        })
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}

impl Calls {
    /// Removes those that `is` is true for, and counts them.
    pub fn take(&mut self, is: impl Fn(&str) -> bool) -> u64 {
        let before = self.lines.len();
        self.lines.retain(|line| !is(line));
        (before - self.lines.len()) as u64
    }

    /// Those that have not been taken.
    pub fn rest(&self) -> &[String] {
        &self.lines
    }
}

/// Not one of strace's remarks (`---`, `+++`), and not the call that it came or went in the middle of.
fn is_call(line: &str) -> bool {
    !line.starts_with(['-', '+']) && !line.contains("resum") && !line.contains("<detached")
}

/// The number of the thread `name`.
pub(crate) fn thread(process: u32, name: &str) -> Result<String> {
    let tasks = fs::read_dir(format!("/proc/{process}/task"))?;
    let mut named = tasks.flatten().filter(|task| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim_end() == name)
    });
    let found = named.next();
    let task = found.with_context(|| format!("process {process} has no thread {name}"))?;
    ensure!(named.next().is_none(), "there are several threads {name}");
    Ok(task.file_name().to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_from_remarks_and_from_halves_of_calls() {
        assert!(is_call(
            "poll([{fd=8, events=POLLIN}], 1, 50) = 0 (Timeout)"
        ));
        assert!(!is_call("--- SIGSTOP {si_signo=SIGSTOP} ---"));
        assert!(!is_call("+++ exited with 0 +++"));
        assert!(!is_call(
            "restart_syscall(<... resuming interrupted poll ...>) = 0"
        ));
        assert!(!is_call(
            "poll([{fd=8, events=POLLIN}], 1, 50 <detached ...>"
        ));
    }

    #[test]
    fn calls_are_taken_once() {
        let mut calls = Calls {
            lines: vec!["a() = 0".into(), "b() = 0".into(), "a() = 1".into()],
            time: Duration::ZERO,
        };
        assert_eq!(calls.take(|line| line.starts_with("a(")), 2);
        assert_eq!(calls.take(|line| line.starts_with("a(")), 0);
        assert_eq!(calls.rest(), ["b() = 0"]);
    }
}
