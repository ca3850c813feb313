//! Facts about an interface.

use std::io;

use super::{Unknown, files, interrupts, programs};
use crate::{
    doctor::facts::{Framing, InterfaceFacts},
    sys::{
        ethtool::{
            channels, driver, features, rings,
            rss::{self, FlowType},
        },
        interface, netlink,
    },
};

const INTERFACES: &str = "/sys/class/net";
/// `ARPHRD_ETHER` and `ARPHRD_LOOPBACK`.
const ETHERNET: u32 = 1;
const LOOPBACK: u32 = 772;
/// Interfaces that take no packets from a wire of their own.
const WITHOUT_WIRE: [&str; 7] = ["bond", "team", "bridge", "dummy", "ifb", "vlan", "nlmon"];
const FLOW_TYPES: [FlowType; 4] = [
    FlowType::TcpV4,
    FlowType::UdpV4,
    FlowType::TcpV6,
    FlowType::UdpV6,
];

/// The interfaces that could be tapped: Ethernet ones with a wire, or what stands for one.
pub(in crate::doctor) fn tappable() -> Vec<String> {
    let mut names = files::entries(INTERFACES);
    names.retain(|name| {
        let kind: io::Result<u32> = files::number(format!("{INTERFACES}/{name}/type"));
        kind.is_ok_and(|kind| kind == ETHERNET) && !is_without_wire(name)
    });
    names.sort();
    names
}

fn is_without_wire(name: &str) -> bool {
    let index = interface::index(name).ok().flatten();
    let link = index.and_then(|index| netlink::link(index).ok());
    let kind = link.and_then(|link| link.kind);
    kind.is_some_and(|kind| WITHOUT_WIRE.contains(&kind.as_str()))
}

/// Finds them out; `None` if there is no such interface.
pub(in crate::doctor) fn gather(name: &str) -> io::Result<Option<InterfaceFacts>> {
    let Some(index) = interface::index(name)? else {
        return Ok(None);
    };
    let mut unknown = Unknown::default();
    let kind: io::Result<u32> = files::number(format!("{INTERFACES}/{name}/type"));
    let kind = unknown.answer("the kind of the link", kind);
    let link = unknown.answer("its XDP program", netlink::link(index));
    let flags = files::read(format!("{INTERFACES}/{name}/flags"));
    let programs = link.as_ref().map(|link| programs::gather(&link.programs));
    let master = files::link_name(format!("{INTERFACES}/{name}/master"));
    Ok(Some(InterfaceFacts {
        name: name.to_owned(),
        state: interface::link_state(name),
        is_set_up: flags.is_ok_and(|flags| is_set_up(&flags)),
        framing: match kind {
            Some(LOOPBACK) => Framing::Loopback,
            // What could not be found out is said, and no reason to warn.
            Some(ETHERNET) | None => Framing::Ethernet,
            Some(_) => Framing::Other,
        },
        driver: known(&mut unknown, "its driver", driver::read(name)),
        kind: link.and_then(|link| link.kind),
        master,
        ports: ports(name),
        addresses: unknown
            .answer("its addresses", interface::addresses(name))
            .unwrap_or_default(),
        default_route: interface::has_default_route(name),
        uppers: interface::uppers(name),
        mtu: files::number(format!("{INTERFACES}/{name}/mtu")).ok(),
        queues: interface::receive_queues(name),
        channels: known(&mut unknown, "its channels", channels::read(name)),
        rings: known(&mut unknown, "its ring sizes", rings::read(name)),
        xdp: known(
            &mut unknown,
            "its XDP features",
            netlink::xdp_features(index),
        ),
        programs,
        features: known(&mut unknown, "its features", features::read(name)).unwrap_or_default(),
        rss: known(&mut unknown, "its receive hash", rss::read(name)),
        hash_fields: FLOW_TYPES
            .into_iter()
            .filter_map(|flow| Some((flow, rss::hash_fields(name, flow).ok()??)))
            .collect(),
        // -1 is a host of one node.
        node: files::number(format!("{INTERFACES}/{name}/device/numa_node")).ok(),
        interrupts: interrupts::gather(name),
        unknown: unknown.0,
    }))
}

/// What the driver says, if it knows the question.
fn known<T>(unknown: &mut Unknown, what: &str, answer: io::Result<Option<T>>) -> Option<T> {
    unknown.answer(what, answer).flatten()
}

/// `IFF_UP`, in hexadecimal as sysfs has it.
fn is_set_up(flags: &str) -> bool {
    let digits = flags.trim_start_matches("0x");
    u32::from_str_radix(digits, 16).is_ok_and(|flags| flags & 1 == 1)
}

/// Interfaces that this one is built on.
fn ports(name: &str) -> Vec<String> {
    let entries = files::entries(format!("{INTERFACES}/{name}"));
    let ports = entries
        .iter()
        .filter_map(|entry| entry.strip_prefix("lower_"));
    ports.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_known_and_not_to_be_tapped() {
        let facts = gather("lo").unwrap().unwrap();
        assert_eq!(facts.framing, Framing::Loopback);
        assert_eq!(facts.unknown, Vec::<String>::new());
        assert!(!tappable().contains(&"lo".to_owned()));
    }

    #[test]
    fn an_interface_that_is_not_there_is_none() {
        assert!(gather("no-such-if").unwrap().is_none());
    }

    #[test]
    fn an_interface_is_set_up_by_the_first_of_its_flags() {
        for (flags, expected) in [("0x1003", true), ("0x1002", false), ("", false)] {
            assert_eq!(is_set_up(flags), expected, "{flags:?}");
        }
    }
}
