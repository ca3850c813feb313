//! Network namespaces.

use std::{
    fs::{self, File},
    panic,
    path::Path,
    process::{self, Command},
    sync::{
        Arc, Once,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use anyhow::{Context as _, Result};
use nix::sched::{CloneFlags, setns};

use crate::command;

/// Where `ip netns` mounts namespaces.
const FOLDER: &str = "/run/netns";
/// First part of the names of namespaces made here; the process number follows.
const PREFIX: &str = "ft-";

/// A network namespace with its loopback interface up; deleted with the last clone.
#[derive(Clone, Debug)]
pub struct NetNs(Arc<Mounted>);

/// A name under [`FOLDER`], removed on drop.
#[derive(Debug)]
struct Mounted {
    name: String,
}

impl NetNs {
    /// Makes a namespace named `ft-<process>-<number>-<label>`.
    pub fn new(label: &str) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        static LEFTOVERS: Once = Once::new();
        LEFTOVERS.call_once(remove_leftovers);

        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}-{label}", process::id());
        command::run(Command::new("ip").args(["netns", "add", &name]))
            .context("cannot make a network namespace; it takes root")?;
        let namespace = Self(Arc::new(Mounted { name }));
        command::run(namespace.ip().args(["link", "set", "lo", "up"]))?;
        Ok(namespace)
    }

    /// The name that `ip netns` knows it by.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// `program`, to be started inside the namespace, with a `/sys` that shows its interfaces.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", self.name()]).arg(program);
        command
    }

    /// `ip`, at work on the namespace.
    pub fn ip(&self) -> Command {
        let mut command = Command::new("ip");
        command.args(["-netns", self.name()]);
        command
    }

    /// Does `work` on a thread of its own inside the namespace. A socket stays in the namespace
    /// that it was made in, wherever it is used later.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let path = Path::new(FOLDER).join(self.name());
        let namespace =
            File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                setns(&namespace, CloneFlags::CLONE_NEWNET)
                    .with_context(|| format!("cannot enter {}", self.name()))?;
                work()
            });
            inside
                .join()
                .unwrap_or_else(|payload| panic::resume_unwind(payload))
        })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        delete(&self.name);
    }
}

/// Deletes the namespaces of processes that were killed before they could.
fn remove_leftovers() {
    let Ok(entries) = fs::read_dir(FOLDER) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next())
            .and_then(|process| process.parse::<u32>().ok());
        if owner.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            delete(&name);
        }
    }
}

fn delete(name: &str) {
    if let Err(error) = command::run(Command::new("ip").args(["netns", "delete", name])) {
        eprintln!("namespace {name} is left over: {error:#}");
    }
}
