//! flowtrack as a process: started, stopped, and what it left.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use anyhow::{Context as _, Result};
pub(crate) use flowtrack_tests::command::flowtrack;
use flowtrack_tests::{link::Link, wait::wait_until};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

const START_TIMEOUT: Duration = Duration::from_secs(10);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// A running `flowtrack run`. It is killed when it is dropped.
pub(crate) struct Probe {
    child: Child,
    folder: TempDir,
    events: bool,
}

/// What flowtrack left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) ledger: Value,
    pub(crate) records: Vec<Value>,
    pub(crate) events: Vec<Value>,
    pub(crate) stderr: String,
}

impl Probe {
    /// Starts it on `link` with further arguments, and waits until it captures.
    pub(crate) fn start(link: &Link, arguments: &[&str]) -> Result<Self> {
        Self::spawn(link, arguments, false)
    }

    /// The same, and it writes events too: for each packet one, which is a lot under load.
    pub(crate) fn start_with_events(link: &Link) -> Result<Self> {
        Self::spawn(link, &[], true)
    }

    fn spawn(link: &Link, arguments: &[&str], events: bool) -> Result<Self> {
        let folder = TempDir::new()?;
        let at = |name: &str| folder.path().join(name).display().to_string();
        let mut command = link.netns().command(flowtrack()?);
        command
            .args(["run", link.name(), "--quiet"])
            .args(["-o", &format!("json:{}", at("records"))])
            .args(["--ledger", &at("ledger")])
            .args(arguments)
            .stderr(File::create(folder.path().join("stderr"))?);
        if events {
            command.args(["-o", &format!("events:{}", at("events"))]);
        }
        let child = command.spawn().context("cannot start flowtrack")?;
        let probe = Self {
            child,
            folder,
            events,
        };
        probe.wait_to_say("capturing on")?;
        Ok(probe)
    }

    /// Waits until it has said `text`.
    pub(crate) fn wait_to_say(&self, text: &str) -> Result<()> {
        wait_until(&format!("flowtrack to say '{text}'"), START_TIMEOUT, || {
            Ok(self.stderr()?.contains(text))
        })
        .with_context(|| format!("it said: {}", self.stderr().unwrap_or_default()))
    }

    /// Waits until it has written `count` records.
    pub(crate) fn wait_for_records(&self, count: usize) -> Result<()> {
        let path = self.folder.path().join("records");
        wait_until(&format!("{count} records"), START_TIMEOUT, || {
            Ok(fs::read_to_string(&path)?.lines().count() >= count)
        })
    }

    /// What it has said so far.
    pub(crate) fn stderr(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.path().join("stderr"))?)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(self.pid()?, signal)?)
    }

    /// Its process number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Result<Pid> {
        Ok(Pid::from_raw(self.id().try_into()?))
    }

    /// Stops it by SIGINT and takes what it left.
    pub(crate) fn stop(self) -> Result<Outcome> {
        self.signal(Signal::SIGINT)?;
        self.outcome()
    }

    /// Waits for its end and takes what it left.
    pub(crate) fn outcome(mut self) -> Result<Outcome> {
        let mut status = None;
        wait_until("flowtrack to end", STOP_TIMEOUT, || {
            status = self.child.try_wait()?;
            Ok(status.is_some())
        })?;
        Ok(Outcome {
            status: status.context("no exit status")?,
            ledger: serde_json::from_str(&fs::read_to_string(self.folder.path().join("ledger"))?)?,
            records: lines(&self.folder.path().join("records"))?,
            events: if self.events {
                lines(&self.folder.path().join("events"))?
            } else {
                Vec::new()
            },
            stderr: self.stderr()?,
        })
    }

    /// Kills it with SIGKILL and waits until it is gone.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(path: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(path)?;
    text.lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}

impl Outcome {
    /// A number of the ledger's total, by its path: `/xdp/redirected/packets`.
    pub(crate) fn total(&self, path: &str) -> u64 {
        self.ledger["total"]
            .pointer(path)
            .and_then(Value::as_u64)
            .unwrap_or_else(|| {
                panic!(
                    "the ledger has no number {path}: {:#}",
                    self.ledger["total"]
                )
            })
    }

    /// Packets received on each queue.
    pub(crate) fn received_by_queue(&self) -> Vec<u64> {
        let queues = self.ledger["queues"]
            .as_array()
            .expect("the ledger has queues");
        queues
            .iter()
            .filter_map(|queue| queue["received"].as_u64())
            .collect()
    }

    /// Asserts that the ledger closes on each queue, and that nothing was lost: `sent` packets are in
    /// records, or were refused by the parser.
    pub(crate) fn assert_all_recorded(&self, sent: usize) {
        self.assert_closed();
        let refused: u64 = self.ledger["total"]["wire"]["refused"]
            .as_object()
            .map_or(0, |reasons| {
                reasons.values().filter_map(Value::as_u64).sum()
            });
        assert_eq!(
            self.total("/xsk/rx_dropped") + self.total("/xsk/rx_ring_full"),
            0
        );
        assert_eq!(
            self.total("/records/packets") + refused,
            sent as u64,
            "{}",
            self.stderr
        );
        assert_eq!(self.packets_in_records(), self.total("/records/packets"));
        assert_eq!(self.status.code(), Some(0), "{}", self.stderr);
    }

    /// Asserts that every packet that XDP saw is accounted for, on each queue.
    pub(crate) fn assert_closed(&self) {
        let queues = self.ledger["queues"]
            .as_array()
            .expect("the ledger has queues");
        for row in queues.iter().chain([&self.ledger["total"]]) {
            let residual = row["residual"].as_object().expect("a row has a residual");
            assert!(residual.values().all(|packets| packets == 0), "{row:#}");
        }
    }

    /// The sum over both sides of all records.
    pub(crate) fn packets_in_records(&self) -> u64 {
        let sides = self
            .records
            .iter()
            .flat_map(|record| [&record["initiator"], &record["responder"]]);
        sides.filter_map(|side| side["packets"].as_u64()).sum()
    }

    /// The only record.
    pub(crate) fn only_record(&self) -> &Value {
        assert_eq!(self.records.len(), 1, "{:#?}", self.records);
        &self.records[0]
    }
}

/// Runs flowtrack with `arguments` to its end, as a user does: exit status, standard output, standard
/// error.
pub(crate) fn run(
    command: &mut Command,
    arguments: &[&str],
) -> Result<(Option<i32>, String, String)> {
    let output = command
        .args(arguments)
        .output()
        .context("cannot start flowtrack")?;
    Ok((
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    ))
}
