use super::{Expected, assert_found, assert_healthy, hosts};
use crate::{
    doctor::{
        Severity::{Note, Ok, Problem, Warning},
        checks,
        facts::{Framing, HostFacts, InterfaceFacts, Interrupt, Process, Program},
    },
    sys::{
        ethtool::{
            channels::Channels,
            driver::Driver,
            features::Feature,
            rings::Rings,
            rss::{FlowType, HashFields, HashFunction, Rss, Symmetry},
        },
        interface::LinkState,
        netlink::{XdpFeatures, XdpMode},
    },
};

const ALL_ACTIONS: u64 = 0x7f;

/// A NIC with nothing to complain about.
fn healthy() -> InterfaceFacts {
    InterfaceFacts {
        name: "eth1".to_owned(),
        state: LinkState::Up,
        is_set_up: true,
        framing: Framing::Ethernet,
        driver: Some(Driver {
            name: "ice".to_owned(),
            version: "6.18.1-generic".to_owned(),
            ..Driver::default()
        }),
        kind: None,
        master: None,
        ports: Vec::new(),
        addresses: Vec::new(),
        default_route: false,
        uppers: Vec::new(),
        mtu: Some(1500),
        queues: 4,
        channels: Some(channels(4, 8)),
        rings: Some(Rings {
            receive: 4096,
            max_receive: 8160,
        }),
        xdp: Some(XdpFeatures::new(ALL_ACTIONS, Some(8), 0)),
        programs: Some(Vec::new()),
        features: features(&[("rx-lro", false, true), ("rx-gro", true, true)]),
        rss: Some(rss(HashFunction::Toeplitz, &[0x6d, 0x5a])),
        hash_fields: vec![(FlowType::TcpV4, HashFields::new(0xf0))],
        node: None,
        interrupts: (0..4).map(|core| interrupt(core, core)).collect(),
        unknown: Vec::new(),
    }
}

fn channels(combined: u32, max_combined: u32) -> Channels {
    Channels {
        combined,
        max_combined,
        ..Channels::default()
    }
}

fn features(features: &[(&str, bool, bool)]) -> std::collections::BTreeMap<String, Feature> {
    let feature = |&(name, active, changeable): &(&str, bool, bool)| {
        (name.to_owned(), Feature { active, changeable })
    };
    features.iter().map(feature).collect()
}

fn rss(function: HashFunction, pattern: &[u8]) -> Rss {
    Rss {
        function,
        key: pattern.iter().copied().cycle().take(40).collect(),
        table: vec![0, 1, 2, 3],
        symmetry: Symmetry::None,
    }
}

fn interrupt(number: u32, core: u32) -> Interrupt {
    Interrupt {
        number,
        name: format!("ice-eth1-TxRx-{number}"),
        cores: vec![core],
    }
}

fn drive(interface: &mut InterfaceFacts, name: &str) {
    interface.driver = Some(Driver {
        name: name.to_owned(),
        ..Driver::default()
    });
}

type Case = (fn(&mut InterfaceFacts, &mut HostFacts), Expected);

fn assert_all_found(cases: impl IntoIterator<Item = Case>) {
    for (change, expected) in cases {
        let (mut interface, mut host) = (healthy(), hosts::healthy());
        change(&mut interface, &mut host);
        assert_found(&checks::interface(&interface, &host), expected);
    }
}

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

#[test]
fn what_a_driver_cannot_do_is_said() {
    let cases: [Case; 14] = [
        (
            |nic, _| nic.xdp = None,
            (Note, "driver", "cannot tell", None),
        ),
        (
            |nic, _| nic.xdp = Some(XdpFeatures::default()),
            (Warning, "driver", "runs no XDP program: generic mode", None),
        ),
        (
            |nic, _| nic.xdp = Some(XdpFeatures::new(1, None, 0)),
            (Warning, "driver", "cannot redirect", None),
        ),
        (
            |nic, _| nic.xdp = Some(XdpFeatures::new(0x2f, None, 0)),
            (Ok, "driver", "also for packets in several buffers", None),
        ),
        (
            |nic, _| nic.xdp = Some(XdpFeatures::new(0x0f, None, 0)),
            (Ok, "driver", "not for packets in several buffers", None),
        ),
        (
            |nic, _| nic.xdp = Some(XdpFeatures::new(3, None, 0)),
            (Note, "inline mode", "cannot be forwarded", None),
        ),
        (
            |nic, _| nic.xdp = Some(XdpFeatures::new(3, None, 0)),
            (Note, "zero-copy", "copies each packet", None),
        ),
        (
            |nic, _| nic.xdp = Some(XdpFeatures::new(3, None, 3)),
            (Note, "hints", "time stamp, hash", None),
        ),
        (
            |nic, _| {
                drive(nic, "virtio_net");
                nic.features = features(&[("rx-gro-hw", true, false)]);
            },
            (Warning, "driver", "hypervisor", None),
        ),
        (
            |nic, _| {
                drive(nic, "ena");
                nic.channels = Some(channels(5, 8));
            },
            (
                Warning,
                "driver",
                "ena has 5 of 8 channels",
                Some("ethtool -L eth1 combined 4"),
            ),
        ),
        (
            |nic, _| {
                drive(nic, "bnxt_en");
                nic.channels = Some(Channels {
                    rx: 4,
                    ..channels(0, 8)
                });
            },
            (
                Warning,
                "driver",
                "separate channels",
                Some("rx 0 tx 0 combined 4"),
            ),
        ),
        (
            |nic, _| {
                nic.mtu = Some(9000);
                nic.xdp = Some(XdpFeatures::new(0x0f, Some(1), 0));
            },
            (
                Warning,
                "MTU",
                "refuses a native program",
                Some("ip link set eth1 mtu 1500"),
            ),
        ),
        (
            |nic, _| {
                nic.mtu = Some(9000);
                nic.xdp = Some(XdpFeatures::new(ALL_ACTIONS, Some(1), 0));
            },
            (Warning, "MTU", "drops what is larger", Some("mtu 1500")),
        ),
        (
            |nic, _| nic.mtu = Some(9000),
            (Note, "MTU", "several buffers", None),
        ),
    ];
    assert_all_found(cases);
}

#[test]
fn a_driver_with_known_faults_is_said() {
    let cases: [Case; 3] = [
        (
            |nic, host| {
                host.release = Some("6.8.0-45-generic".to_owned());
                nic.driver = Some(Driver {
                    name: "ice".to_owned(),
                    version: "6.8.0-45-generic".to_owned(),
                    ..Driver::default()
                });
            },
            (Warning, "driver", "before Linux 6.11", None),
        ),
        (
            |nic, _| {
                nic.driver = Some(Driver {
                    name: "ice".to_owned(),
                    version: "1.14.9".to_owned(),
                    ..Driver::default()
                });
            },
            (Warning, "driver", "ice 1.14.9 does not come with this kernel", None),
        ),
        (
            |nic, _| {
                drive(nic, "ice");
                nic.xdp = Some(XdpFeatures::new(0x27, None, 0));
            },
            (Ok, "driver", "ice has native XDP", None),
        ),
    ];
    assert_all_found(cases);
}

#[test]
fn what_changes_packets_before_they_are_seen_is_said() {
    let cases: [Case; 5] = [
        (
            |nic, _| nic.features = features(&[("rx-lro", true, true)]),
            (Warning, "offloads", "LRO", Some("ethtool -K eth1 lro off")),
        ),
        (
            |nic, _| nic.features = features(&[("rx-gro-hw", true, false)]),
            (Warning, "offloads", "cannot be switched", None),
        ),
        (
            |nic, _| nic.features = features(&[("rx-vlan-hw-parse", true, true)]),
            (
                Warning,
                "offloads",
                "VLAN tags",
                Some("ethtool -K eth1 rxvlan off"),
            ),
        ),
        (
            |nic, _| nic.features = features(&[("rx-fcs", true, true)]),
            (Warning, "offloads", "check sequence", Some("rx-fcs off")),
        ),
        (
            |nic, _| nic.xdp = Some(XdpFeatures::default()),
            (Warning, "offloads", "generic XDP (GRO)", Some("gro off")),
        ),
    ];
    assert_all_found(cases);
}

#[test]
fn queues_that_do_not_fit_the_cores_are_said() {
    let cases: [Case; 5] = [
        (
            |nic, _| nic.queues = 8,
            (
                Warning,
                "queues",
                "8 receive queues, 4 cores",
                Some("ethtool -L eth1 combined 4"),
            ),
        ),
        (
            |nic, _| {
                nic.queues = 8;
                nic.channels = None;
            },
            (Warning, "queues", "share one", None),
        ),
        (
            |nic, _| nic.queues = 129,
            (Warning, "queues", "beyond 128", Some("combined 128")),
        ),
        (
            |nic, _| {
                nic.rings = Some(Rings {
                    receive: 512,
                    max_receive: 8160,
                });
            },
            (
                Warning,
                "rings",
                "512 of at most 8160",
                Some("ethtool -G eth1 rx 4096"),
            ),
        ),
        (
            |nic, _| {
                nic.rings = Some(Rings {
                    receive: 511,
                    max_receive: 511,
                });
            },
            (Ok, "rings", "511", None),
        ),
    ];
    assert_all_found(cases);
}

#[test]
fn directions_of_a_flow_that_may_not_meet_are_said() {
    let cases: [Case; 9] = [
        (
            |nic, _| nic.rss = Some(rss(HashFunction::Toeplitz, &[1, 2, 3, 4, 5])),
            (
                Note,
                "steering",
                "asks the NIC for",
                Some("ethtool -X eth1 xfrm symmetric-xor"),
            ),
        ),
        (
            |nic, host| {
                host.release = Some("6.6.0".to_owned());
                nic.rss = Some(rss(HashFunction::Toeplitz, &[1, 2, 3, 4, 5]));
            },
            (
                Note,
                "steering",
                "asks the NIC for",
                Some("ethtool -X eth1 hkey 6d:5a:6d:5a:6d:5a:6d:5a:6d:5a:"),
            ),
        ),
        (
            |nic, _| {
                let rss = rss(HashFunction::Toeplitz, &[1, 2, 3, 4, 5]);
                nic.rss = Some(Rss {
                    symmetry: Symmetry::OrXor,
                    ..rss
                });
            },
            (Ok, "steering", "both directions of a flow alike", None),
        ),
        (
            |nic, _| nic.rss = Some(rss(HashFunction::Crc32, &[1])),
            (Note, "steering", "cannot tell", None),
        ),
        (
            |nic, _| nic.rss = None,
            (Note, "steering", "does not tell", None),
        ),
        (
            |nic, _| {
                nic.rss = None;
                nic.queues = 1;
            },
            (Ok, "steering", "one queue", None),
        ),
        (
            |nic, _| nic.hash_fields = vec![(FlowType::UdpV6, HashFields::new(0x70))],
            (
                Warning,
                "steering",
                "of UdpV6 one end",
                Some("rx-flow-hash"),
            ),
        ),
        (
            |nic, _| nic.interrupts = (0..4).map(|number| interrupt(number, 2)).collect(),
            (
                Warning,
                "interrupts",
                "4 interrupts of its queues, on 1 core",
                Some("/proc/irq/0/smp_affinity_list"),
            ),
        ),
        (
            |_, host| host.irqbalance = true,
            (
                Note,
                "interrupts",
                "irqbalance",
                Some("systemctl stop irqbalance"),
            ),
        ),
    ];
    assert_all_found(cases);
}

#[test]
fn a_nic_of_another_node_than_its_workers_is_said() {
    fn two_nodes(host: &mut HostFacts) {
        host.nodes = [(0, vec![0, 1, 2, 3]), (1, vec![4, 5, 6, 7])].into();
    }
    let cases: [Case; 4] = [
        (
            |nic, host| {
                two_nodes(host);
                nic.node = Some(1);
                nic.interrupts = vec![interrupt(30, 4), interrupt(31, 2), interrupt(32, 3)];
            },
            (
                Warning,
                "interrupts",
                "2 interrupts of its queues on cores of another node than 1",
                Some("echo 4 > /proc/irq/31/smp_affinity_list"),
            ),
        ),
        (
            |nic, host| {
                two_nodes(host);
                nic.node = Some(1);
            },
            (
                Warning,
                "NUMA node",
                "the NIC is on node 1",
                Some("taskset -c 4,5,6,7 flowtrack run eth1"),
            ),
        ),
        (
            |nic, host| {
                two_nodes(host);
                nic.node = Some(0);
            },
            (Ok, "NUMA node", "on node 0", None),
        ),
        (
            |_, host| two_nodes(host),
            (Note, "NUMA node", "has none", None),
        ),
    ];
    assert_all_found(cases);
}
