//! From facts to findings: functions without side effects, a subject a file.

mod clock;
mod driver;
mod kernel;
mod link;
mod memory;
mod mtu;
mod occupied;
mod offloads;
mod placement;
mod privileges;
mod queues;
mod steering;

use super::{
    facts::{Framing, HostFacts, InterfaceFacts},
    finding::Finding,
};

/// What is to be said of the host.
pub(super) fn host(host: &HostFacts) -> Vec<Finding> {
    let mut findings = kernel::findings(host);
    findings.extend(privileges::findings(host));
    findings.extend(memory::findings(host));
    findings.extend(clock::findings(host));
    findings.extend(unknown(&host.unknown));
    findings
}

/// What is to be said of an interface of this host.
pub(super) fn interface(interface: &InterfaceFacts, host: &HostFacts) -> Vec<Finding> {
    if interface.framing == Framing::Loopback {
        return vec![link::loopback()];
    }
    let mut findings = link::findings(interface);
    findings.extend(occupied::findings(interface));
    findings.extend(driver::findings(interface, host));
    findings.extend(mtu::findings(interface));
    findings.extend(queues::findings(interface, host));
    findings.extend(steering::findings(interface, host));
    findings.extend(offloads::findings(interface));
    findings.extend(placement::findings(interface, host));
    findings.extend(unknown(&interface.unknown));
    findings
}

fn unknown(facts: &[String]) -> impl Iterator<Item = Finding> {
    let note = |fact: &String| Finding::note("unknown", format!("cannot find out {fact}"));
    facts.iter().map(note)
}

/// `count` things, with the plural of `word`.
fn several(count: usize, word: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {word}{s}")
}

#[cfg(test)]
mod tests;
