//! Receive queues and the cores for them, and how much waits in the NIC.

use flowtrack_common::abi::MAX_QUEUES;

use super::{Finding, HostFacts, InterfaceFacts, several};

const QUEUES: &str = "queues";
const RINGS: &str = "rings";
/// Descriptors that hold a burst of some tenths of a millisecond at 10 Gbit/s.
const ENOUGH: u32 = 2048;

pub(super) fn findings(interface: &InterfaceFacts, host: &HostFacts) -> Vec<Finding> {
    let mut findings = vec![queues(interface, host.cores.len())];
    findings.extend(rings(interface));
    findings
}

fn queues(interface: &InterfaceFacts, cores: usize) -> Finding {
    let count = interface.queues as usize;
    let found = format!(
        "{}, {} for them",
        several(count, "receive queue"),
        several(cores, "core")
    );
    if interface.queues > MAX_QUEUES {
        return Finding::warning(QUEUES, found)
            .why(format!(
                "Packets of queues beyond {MAX_QUEUES} are left to the kernel and counted."
            ))
            .fix_if(fewer(interface, MAX_QUEUES));
    }
    if count > cores {
        let cores = u32::try_from(cores).unwrap_or(u32::MAX).max(1);
        return Finding::warning(QUEUES, found)
            .why("A worker of each queue is pinned to a core: some of them share one, and lose packets first.")
            .fix_if(fewer(interface, cores));
    }
    Finding::ok(QUEUES, found)
}

/// How to have so many queues, if the driver lets it be chosen.
fn fewer(interface: &InterfaceFacts, count: u32) -> Option<String> {
    let channels = interface.channels?;
    let kind = if channels.combined > 0 {
        "combined"
    } else {
        "rx"
    };
    Some(format!("ethtool -L {} {kind} {count}", interface.name))
}

fn rings(interface: &InterfaceFacts) -> Option<Finding> {
    let rings = interface.rings?;
    let found = format!(
        "{} of at most {} receive descriptors",
        rings.receive, rings.max_receive
    );
    if rings.receive >= rings.max_receive || rings.receive >= ENOUGH {
        return Some(Finding::ok(RINGS, found));
    }
    Some(
        Finding::warning(RINGS, found)
            .why("A burst that finds no descriptor is lost in the NIC, before any program sees it.")
            .fix(format!(
                "ethtool -G {} rx {}",
                interface.name,
                rings.max_receive.min(2 * ENOUGH)
            )),
    )
}
