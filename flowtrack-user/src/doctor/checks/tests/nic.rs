//! A NIC with nothing to complain about, and what is said when that changes.

use std::collections::BTreeMap;

use super::{Expected, assert_found, hosts};
use crate::{
    doctor::{
        checks,
        facts::{Framing, HostFacts, InterfaceFacts, Interrupt},
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
        netlink::XdpFeatures,
    },
};

pub(super) const ALL_ACTIONS: u64 = 0x7f;

/// A NIC with nothing to complain about.
pub(super) fn healthy() -> InterfaceFacts {
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

pub(super) fn channels(combined: u32, max_combined: u32) -> Channels {
    Channels {
        combined,
        max_combined,
        ..Channels::default()
    }
}

pub(super) fn features(features: &[(&str, bool, bool)]) -> BTreeMap<String, Feature> {
    let feature = |&(name, active, changeable): &(&str, bool, bool)| {
        (name.to_owned(), Feature { active, changeable })
    };
    features.iter().map(feature).collect()
}

pub(super) fn rss(function: HashFunction, pattern: &[u8]) -> Rss {
    Rss {
        function,
        key: pattern.iter().copied().cycle().take(40).collect(),
        table: vec![0, 1, 2, 3],
        symmetry: Symmetry::None,
    }
}

pub(super) fn interrupt(number: u32, core: u32) -> Interrupt {
    Interrupt {
        number,
        name: format!("ice-eth1-TxRx-{number}"),
        cores: vec![core],
    }
}

pub(super) fn drive(interface: &mut InterfaceFacts, name: &str) {
    interface.driver = Some(Driver {
        name: name.to_owned(),
        ..Driver::default()
    });
}

pub(super) type Case = (fn(&mut InterfaceFacts, &mut HostFacts), Expected);

pub(super) fn assert_all_found(cases: impl IntoIterator<Item = Case>) {
    for (change, expected) in cases {
        let (mut interface, mut host) = (healthy(), hosts::healthy());
        change(&mut interface, &mut host);
        assert_found(&checks::interface(&interface, &host), expected);
    }
}
