//! What the NIC does to packets before they are seen.

use super::{Finding, InterfaceFacts};

const SUBJECT: &str = "offloads";

/// A feature that changes what is seen.
struct Offload {
    /// As the kernel calls it.
    feature: &'static str,
    /// As `ethtool -K` takes it.
    option: &'static str,
    found: &'static str,
    why: &'static str,
}

const OFFLOADS: [Offload; 5] = [
    Offload {
        feature: "rx-lro",
        option: "lro",
        found: "TCP segments are merged before XDP (LRO)",
        why: "Packets of the wire are counted as one, and many drivers refuse a native XDP program with it.",
    },
    Offload {
        feature: "rx-gro-hw",
        option: "rx-gro-hw",
        found: "TCP segments are merged before XDP (GRO-HW)",
        why: "Packets of the wire are counted as one, and many drivers refuse a native XDP program with it.",
    },
    Offload {
        feature: "rx-vlan-hw-parse",
        option: "rxvlan",
        found: "VLAN tags are taken off before XDP",
        why: "The XDP program gets packets without their tag: records have no VLAN, and --key vlan has no effect.",
    },
    Offload {
        feature: "rx-vlan-stag-hw-parse",
        option: "rx-vlan-stag-hw-parse",
        found: "service VLAN tags (802.1ad) are taken off before XDP",
        why: "The XDP program gets packets without their outer tag.",
    },
    Offload {
        feature: "rx-fcs",
        option: "rx-fcs",
        found: "frames keep their check sequence",
        why: "Each packet is counted with four bytes more than it has.",
    },
];

/// Merging in the network stack, which only a generic program is behind.
const GRO: Offload = Offload {
    feature: "rx-gro",
    option: "gro",
    found: "packets are merged before generic XDP (GRO)",
    why: "The XDP program runs in generic mode here, behind that: packets of the wire are counted as one.",
};

pub(super) fn findings(interface: &InterfaceFacts) -> Vec<Finding> {
    if interface.features.is_empty() {
        return Vec::new();
    }
    let generic = interface.xdp.is_some_and(|xdp| !xdp.native());
    let offloads = OFFLOADS.iter().chain(generic.then_some(&GRO));
    let active = offloads.filter_map(|offload| {
        let feature = interface.feature(offload.feature)?;
        let option = format!("ethtool -K {} {} off", interface.name, offload.option);
        let fixed = if feature.changeable {
            ""
        } else {
            ", and that cannot be switched"
        };
        let finding = Finding::warning(SUBJECT, format!("{}{fixed}", offload.found))
            .why(offload.why)
            .fix_if(feature.changeable.then_some(option));
        feature.active.then_some(finding)
    });
    let mut findings: Vec<_> = active.collect();
    if findings.is_empty() {
        findings.push(Finding::ok(
            SUBJECT,
            "packets are seen as they were on the wire",
        ));
    }
    findings
}
