//! Whether packets can arrive at all.

use super::{Finding, InterfaceFacts};
use crate::sys::interface::LinkState;

const SUBJECT: &str = "link";

pub(super) fn findings(interface: &InterfaceFacts) -> Vec<Finding> {
    let name = &interface.name;
    let mut findings = Vec::new();
    if interface.loopback {
        let found = "it is the loopback interface, which flowtrack refuses";
        return vec![
            Finding::problem(SUBJECT, found)
                .why("Each packet would be seen twice, sent and received."),
        ];
    }
    if !interface.ethernet {
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
