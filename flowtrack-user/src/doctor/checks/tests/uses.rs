use super::{
    assert_healthy, hosts,
    nic::{Case, assert_all_found, healthy},
};
use crate::{
    doctor::{
        Severity::{Note, Problem, Warning},
        checks,
        facts::{Framing, Process, Program},
    },
    sys::{interface::LinkState, netlink::XdpMode},
};

#[test]
fn of_a_healthy_interface_nothing_but_good_is_said() {
    assert_healthy(&checks::interface(&healthy(), &hosts::healthy()));
}

#[test]
fn who_uses_an_interface_is_said() {
    let cases: [Case; 13] = [
        (
            |nic, _| nic.framing = Framing::Loopback,
            (Problem, "link", "loopback", None),
        ),
        (
            |nic, _| nic.framing = Framing::Other,
            (Warning, "link", "no Ethernet header", None),
        ),
        (
            |nic, _| nic.state = LinkState::Down,
            (Warning, "link", "no carrier", None),
        ),
        (
            |nic, _| {
                nic.state = LinkState::Down;
                nic.is_set_up = false;
            },
            (Warning, "link", "it is down", Some("ip link set eth1 up")),
        ),
        (
            |nic, _| nic.addresses = vec!["192.0.2.1".parse().unwrap()],
            (
                Warning,
                "use",
                "the address 192.0.2.1",
                Some("--mode observe"),
            ),
        ),
        (
            |nic, _| nic.default_route = true,
            (
                Warning,
                "use",
                "default route",
                Some("flowtrack run eth1 --mode observe"),
            ),
        ),
        (
            |nic, _| nic.uppers = vec!["eth1.7".to_owned()],
            (
                Warning,
                "use",
                "carries the interface eth1.7",
                Some("--mode observe"),
            ),
        ),
        (
            |nic, _| {
                nic.master = Some("br0".to_owned());
                nic.uppers = vec!["br0".to_owned()];
            },
            (
                Warning,
                "use",
                "it is a port of br0",
                Some("--mode observe"),
            ),
        ),
        (
            |nic, _| {
                nic.kind = Some("bond".to_owned());
                nic.ports = vec!["eth2".to_owned(), "eth3".to_owned()];
            },
            (Problem, "use", "a bond", Some("flowtrack run eth2 eth3")),
        ),
        (
            |nic, _| nic.kind = Some("bridge".to_owned()),
            (Warning, "use", "to the host itself", None),
        ),
        (
            |nic, _| nic.programs = Some(vec![program(&[(77, "xdp-filter")])]),
            (
                Problem,
                "XDP program",
                "xdp_dispatcher (number 5, native) is on it, held by process 77 (xdp-filter)",
                None,
            ),
        ),
        (
            |nic, _| nic.programs = Some(vec![program(&[])]),
            (
                Problem,
                "XDP program",
                "nobody is seen to hold it",
                Some("ip link set dev eth1 xdpdrv off"),
            ),
        ),
        (
            |nic, _| nic.unknown = vec!["its driver: no".to_owned()],
            (Note, "unknown", "cannot find out its driver: no", None),
        ),
    ];
    assert_all_found(cases);
}

fn program(owners: &[(u32, &str)]) -> Program {
    let owner = |&(id, name): &(u32, &str)| Process {
        id,
        name: name.to_owned(),
    };
    Program {
        id: 5,
        mode: XdpMode::Native,
        name: Some("xdp_dispatcher".to_owned()),
        owners: owners.iter().map(owner).collect(),
    }
}
