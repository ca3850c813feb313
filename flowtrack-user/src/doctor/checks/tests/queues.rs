use super::nic::{Case, assert_all_found, interrupt, rss};
use crate::{
    doctor::{
        Severity::{Note, Ok, Warning},
        facts::HostFacts,
    },
    sys::ethtool::{
        rings::Rings,
        rss::{FlowType, HashFields, HashFunction, Rss, Symmetry},
    },
};

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
