//! A network namespace for one bench, with a veth pair in it.
#![forbid(unsafe_code)]

use std::{fs, panic, process::Command, thread};

use anyhow::{Context as _, ensure};
use nix::{
    net::if_::if_nametoindex,
    sched::{CloneFlags, unshare},
};

/// The end that is sent on.
pub(super) const SENDER: &str = "bench0";
/// The end that is captured on.
pub(super) const TAPPED: &str = "bench1";

/// Does `work` on a thread of its own in a new namespace, where [`SENDER`] and [`TAPPED`] are the ends
/// of a veth pair of one queue. Threads that `work` starts are in it as well; it is gone with the last.
pub(super) fn with_pair<T: Send>(
    work: impl FnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    let result = thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET)
                .context("cannot make a network namespace; it takes root")?;
            make_pair()?;
            work()
        });
        thread.join()
    });
    result.unwrap_or_else(|payload| panic::resume_unwind(payload))
}

/// The index of an interface of the namespace.
pub(super) fn index(name: &str) -> anyhow::Result<u32> {
    if_nametoindex(name).with_context(|| format!("no interface {name}"))
}

/// Packets that came to [`TAPPED`] and were thrown away in front of its XDP program.
pub(super) fn dropped() -> anyhow::Result<u64> {
    // Of the thread, since the process is in another namespace.
    const TABLE: &str = "/proc/thread-self/net/dev";
    const RX_DROPPED: usize = 3;
    let table = fs::read_to_string(TABLE).with_context(|| format!("cannot read {TABLE}"))?;
    table
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(TAPPED)?.strip_prefix(':'))
        .and_then(|row| row.split_whitespace().nth(RX_DROPPED)?.parse().ok())
        .with_context(|| format!("no row of {TAPPED} in {TABLE}"))
}

fn make_pair() -> anyhow::Result<()> {
    ip(&format!(
        "link add {SENDER} numrxqueues 1 numtxqueues 1 type veth peer name {TAPPED} \
         numrxqueues 1 numtxqueues 1"
    ))?;
    for end in [SENDER, TAPPED] {
        // Nothing but what the bench sends: no IPv6 address of its own and thus no discovery.
        ip(&format!("link set dev {end} addrgenmode none"))?;
        ip(&format!("link set dev {end} up"))?;
    }
    Ok(())
}

fn ip(line: &str) -> anyhow::Result<()> {
    let output = Command::new("ip")
        .args(line.split_whitespace())
        .output()
        .context("cannot start ip: is iproute2 installed?")?;
    ensure!(
        output.status.success(),
        "`ip {line}` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(())
}
