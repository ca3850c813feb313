//! Whether both directions of a flow arrive on the same queue.

use super::{Finding, HostFacts, InterfaceFacts};
use crate::{
    control::steering::toeplitz,
    sys::ethtool::rss::{HashFunction, Rss},
};

const SUBJECT: &str = "steering";
const WHY: &str = "`run` asks the NIC for a hash that is the same for both directions of a flow, and hands packets from \
                   one worker to another where it does not get one, which costs time.";

pub(super) fn findings(interface: &InterfaceFacts, host: &HostFacts) -> Vec<Finding> {
    if interface.queues < 2 {
        return vec![Finding::ok(
            SUBJECT,
            "one queue: both directions of a flow meet",
        )];
    }
    let mut findings = vec![match &interface.rss {
        Some(rss) => hash(interface, host, rss),
        None => Finding::note(
            SUBJECT,
            "the driver does not tell how it spreads packets over its queues",
        )
        .why(WHY),
    }];
    findings.extend(fields(interface));
    findings
}

fn hash(interface: &InterfaceFacts, host: &HostFacts, rss: &Rss) -> Finding {
    if rss.symmetry.is_symmetric() {
        return Finding::ok(SUBJECT, "the NIC hashes both directions of a flow alike");
    }
    let name = &interface.name;
    match rss.function {
        HashFunction::Toeplitz if toeplitz::is_symmetric(&rss.key) => {
            Finding::ok(SUBJECT, "the key of the NIC's Toeplitz hash is symmetric")
        }
        HashFunction::Toeplitz if !rss.key.is_empty() => {
            let newer = host.kernel().is_some_and(|version| version >= (6, 8));
            let command = if newer {
                format!(
                    "ethtool -X {name} xfrm symmetric-xor     # or, where the driver cannot: hkey {}",
                    key(rss)
                )
            } else {
                format!("ethtool -X {name} hkey {}", key(rss))
            };
            Finding::note(
                SUBJECT,
                "the NIC hashes the directions of a flow differently (Toeplitz)",
            )
            .why(WHY)
            .fix(command)
        }
        function => Finding::note(
            SUBJECT,
            format!("cannot tell whether the NIC's hash is symmetric ({function:?})"),
        )
        .why(WHY),
    }
}

/// A symmetric key of the length that the NIC has, as `ethtool` takes it.
fn key(rss: &Rss) -> String {
    let bytes = ["6d", "5a"].into_iter().cycle().take(rss.key.len());
    bytes.collect::<Vec<_>>().join(":")
}

/// Fields that are hashed without their counterpart.
fn fields(interface: &InterfaceFacts) -> Option<Finding> {
    let odd: Vec<_> = interface
        .hash_fields
        .iter()
        .filter(|(_, fields)| !fields.pairs())
        .map(|(flow, _)| format!("{flow:?}"))
        .collect();
    if odd.is_empty() {
        return None;
    }
    let found = format!("of {} one end is hashed without the other", odd.join(", "));
    Some(Finding::warning(SUBJECT, found).why(WHY).fix(format!(
        "ethtool -N {} rx-flow-hash tcp4 sdfn     # tcp6, udp4, udp6 likewise",
        interface.name
    )))
}
