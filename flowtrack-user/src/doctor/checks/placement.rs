//! Which cores do the work: those near the NIC, and not all the same one.

use std::collections::BTreeSet;

use super::{super::facts::Interrupt, Finding, HostFacts, InterfaceFacts, several};

const NODE: &str = "NUMA node";
const INTERRUPTS: &str = "interrupts";

pub(super) fn findings(interface: &InterfaceFacts, host: &HostFacts) -> Vec<Finding> {
    let mut findings: Vec<_> = node(interface, host).into_iter().collect();
    findings.extend(far_interrupts(interface, host));
    findings.extend(spread(interface));
    findings.extend(balancer(interface, host));
    findings
}

/// Whether the cores that workers will be pinned to are on the node of the NIC.
fn node(interface: &InterfaceFacts, host: &HostFacts) -> Option<Finding> {
    if host.nodes.len() < 2 {
        return None;
    }
    let Some(node) = interface.node else {
        return Some(Finding::note(NODE, "the interface has none"));
    };
    let near = host.nodes.get(&node)?;
    let mut workers = host.cores.iter().take(interface.queues as usize);
    if workers.all(|core| near.contains(core)) {
        return Some(Finding::ok(
            NODE,
            format!("the NIC and the cores of its workers are on node {node}"),
        ));
    }
    let list: Vec<_> = near.iter().map(u32::to_string).collect();
    Some(
        Finding::warning(
            NODE,
            format!("the NIC is on node {node}, and workers would run on others"),
        )
        .why("Each packet would cross from one node to the other.")
        .fix(format!(
            "taskset -c {} flowtrack run {}",
            list.join(","),
            interface.name
        )),
    )
}

/// Interrupts that go only to cores of other nodes than that of the NIC.
fn far_interrupts(interface: &InterfaceFacts, host: &HostFacts) -> Option<Finding> {
    let node = interface.node.filter(|_| host.nodes.len() > 1)?;
    let near = host.nodes.get(&node)?;
    let is_far = |interrupt: &&Interrupt| !interrupt.cores.iter().any(|core| near.contains(core));
    let mut far = interface.interrupts.iter().filter(is_far);
    let first = far.next()?;
    let found = several(1 + far.count(), "interrupt");
    let core = near.first()?;
    Some(
        Finding::warning(INTERRUPTS, format!("{found} of its queues on cores of another node than {node}"))
            .why("The XDP program runs where the interrupt goes to: each packet crosses from one node to the other.")
            .fix(format!("echo {core} > /proc/irq/{}/smp_affinity_list", first.number)),
    )
}

/// Whether the interrupts of several queues all go to one core.
fn spread(interface: &InterfaceFacts) -> Option<Finding> {
    let interrupts = &interface.interrupts;
    let first = interrupts.first()?;
    let cores: BTreeSet<_> = interrupts
        .iter()
        .flat_map(|interrupt| &interrupt.cores)
        .collect();
    let found = format!(
        "{} of its queues, on {}",
        several(interrupts.len(), "interrupt"),
        several(cores.len(), "core")
    );
    if interrupts.len() < 2 || cores.len() > 1 {
        return Some(Finding::ok(INTERRUPTS, found));
    }
    Some(
        Finding::warning(INTERRUPTS, found)
            .why("One core runs the XDP program for all queues.")
            .fix(format!(
                "echo 0 > /proc/irq/{}/smp_affinity_list     # another core for each of the others",
                first.number
            )),
    )
}

fn balancer(interface: &InterfaceFacts, host: &HostFacts) -> Option<Finding> {
    if !host.irqbalance || interface.interrupts.is_empty() {
        return None;
    }
    Some(
        Finding::note(INTERRUPTS, "irqbalance is running")
            .why("It moves interrupts between cores, also onto those that workers are pinned to.")
            .fix("systemctl stop irqbalance"),
    )
}
