//! Who else uses the interface: the host, a bridge or bond, another XDP program.

use std::net::IpAddr;

use super::{
    super::facts::{Process, Program},
    Finding, InterfaceFacts,
};
use crate::sys::netlink::XdpMode;

const USE: &str = "use";
const PROGRAM: &str = "XDP program";

pub(super) fn findings(interface: &InterfaceFacts) -> Vec<Finding> {
    let mut findings: Vec<_> = aggregate(interface).into_iter().collect();
    findings.push(in_use(interface));
    let programs = interface.programs.as_ref();
    findings.extend(programs.map(|programs| match programs.first() {
        Some(program) => occupied(interface, program),
        None => Finding::ok(PROGRAM, "no other XDP program is on it"),
    }));
    findings
}

/// A bond, a team or a bridge, whose packets arrive on its ports.
fn aggregate(interface: &InterfaceFacts) -> Option<Finding> {
    let kind = interface.kind.as_deref()?;
    let ports = match interface.ports.join(" ") {
        ports if ports.is_empty() => None,
        ports => Some(format!("flowtrack run {ports}")),
    };
    match kind {
        "bond" | "team" => Some(
            Finding::problem(USE, format!("it is a {kind}"))
                .why(
                    "An XDP program of it runs on its ports, and a socket of it gets no packets from these: tap mode \
                     sees nothing. Name the ports instead.",
                )
                .fix_if(ports),
        ),
        "bridge" => Some(
            Finding::warning(USE, "it is a bridge")
                .why(
                    "Only packets to the host itself arrive on it, and not those that pass through. The ports \
                     have them all.",
                )
                .fix_if(ports),
        ),
        _ => None,
    }
}

/// What tapping would cut off.
fn in_use(interface: &InterfaceFacts) -> Finding {
    let mut carried = Vec::new();
    if !interface.addresses.is_empty() {
        let addresses: Vec<_> = interface.addresses.iter().map(IpAddr::to_string).collect();
        carried.push(format!("carries the address {}", addresses.join(", ")));
    }
    if interface.default_route {
        carried.push("carries the default route".to_owned());
    }
    match &interface.master {
        Some(master) => carried.push(format!("is a port of {master}")),
        None if !interface.uppers.is_empty() => {
            carried.push(format!(
                "carries the interface {}",
                interface.uppers.join(", ")
            ));
        }
        None => {}
    }
    if carried.is_empty() {
        return Finding::ok(USE, "the host does not use it: it can be tapped");
    }
    Finding::warning(USE, format!("it {}", carried.join(" and ")))
        .why(
            "Tap mode takes all packets away from the host, so `run` refuses this interface. Observe mode lets \
             them pass.",
        )
        .fix(format!("flowtrack run {} --mode observe", interface.name))
}

fn occupied(interface: &InterfaceFacts, program: &Program) -> Finding {
    let name = program.name.as_deref().unwrap_or("of unknown name");
    let owners: Vec<_> = program
        .owners
        .iter()
        .map(|Process { id, name }| format!("process {id} ({name})"))
        .collect();
    let (mode, option) = match program.mode {
        XdpMode::Native => ("native", "xdpdrv"),
        XdpMode::Generic => ("generic", "xdpgeneric"),
        XdpMode::Offloaded => ("offloaded", "xdpoffload"),
    };
    let found = format!(
        "the program {name} (number {}, {mode}) is on it",
        program.id
    );
    let why = "An interface takes one XDP program.";
    if owners.is_empty() {
        return Finding::problem(PROGRAM, format!("{found}; nobody is seen to hold it"))
            .why(format!(
                "{why} It was left behind, or its owner is not visible from here."
            ))
            .fix(format!("ip link set dev {} {option} off", interface.name));
    }
    Finding::problem(PROGRAM, format!("{found}, held by {}", owners.join(", ")))
        .why(format!("{why} It goes when its owner ends."))
}
