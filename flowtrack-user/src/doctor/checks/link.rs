//! Whether packets can arrive at all.

use super::{Finding, Framing, InterfaceFacts};
use crate::sys::interface::LinkState;

const SUBJECT: &str = "link";

/// All that is to be said of the loopback interface.
pub(super) fn loopback() -> Finding {
    Finding::problem(
        SUBJECT,
        "it is the loopback interface, which flowtrack refuses",
    )
    .why("Each packet would be seen twice, sent and received.")
}

pub(super) fn findings(interface: &InterfaceFacts) -> Vec<Finding> {
    let name = &interface.name;
    let mut findings = Vec::new();
    if interface.framing == Framing::Other {
        findings.push(
            Finding::warning(SUBJECT, "its frames have no Ethernet header").why(
                "The program reads Ethernet frames: packets of this interface will be refused.",
            ),
        );
    }
    findings.push(if interface.state == LinkState::Up {
        Finding::ok(SUBJECT, "it is up and has a carrier")
    } else if interface.is_set_up {
        Finding::warning(SUBJECT, "it has no carrier")
            .why("No packets arrive before the other end is up and the cable is in place.")
    } else {
        Finding::warning(SUBJECT, "it is down")
            .why("No packets arrive. flowtrack waits for it, but sets nothing up.")
            .fix(format!("ip link set {name} up"))
    });
    findings
}
