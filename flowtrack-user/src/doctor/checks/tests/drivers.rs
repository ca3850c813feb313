use super::nic::{ALL_ACTIONS, Case, assert_all_found, channels, drive, features};
use crate::{
    doctor::Severity::{Note, Ok, Warning},
    sys::{
        ethtool::{channels::Channels, driver::Driver},
        netlink::XdpFeatures,
    },
};

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
            (
                Warning,
                "driver",
                "ice 1.14.9 does not come with this kernel",
                None,
            ),
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
