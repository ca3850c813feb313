//! What is known of the host and of an interface. `None` is what could not be found out.

use std::{collections::BTreeMap, net::IpAddr};

use crate::sys::{
    capability::Capability,
    ethtool::{
        channels::Channels,
        driver::Driver,
        features::Feature,
        rings::Rings,
        rss::{FlowType, HashFields, Rss},
    },
    interface::LinkState,
    netlink::{XdpFeatures, XdpMode},
};

/// A version of the kernel, without what distributions add.
pub(super) type KernelVersion = (u32, u32);

/// Facts about the host.
#[derive(Clone, Debug, Default)]
pub(super) struct HostFacts {
    /// As `uname -r` prints it.
    pub(super) release: Option<String>,
    /// `net.core.bpf_jit_enable`.
    pub(super) jit: Option<u32>,
    /// Capabilities that capture needs and the process does not have.
    pub(super) missing: Option<Vec<Capability>>,
    /// Bytes that a process may lock; `u64::MAX` is any number.
    pub(super) memlock: Option<u64>,
    /// Huge pages of 2 MiB.
    pub(super) huge_pages: Option<HugePages>,
    /// What the kernel reads the time from.
    pub(super) clock_source: Option<String>,
    /// What it could read it from.
    pub(super) clock_sources: Vec<String>,
    /// Frequency governors, and how many cores have each.
    pub(super) governors: BTreeMap<String, usize>,
    /// Cores that this process may run on, in the order that workers are pinned in.
    pub(super) cores: Vec<u32>,
    /// Cores of each NUMA node.
    pub(super) nodes: BTreeMap<u32, Vec<u32>>,
    /// Whether irqbalance is running.
    pub(super) irqbalance: bool,
    /// What could not be found out, and why.
    pub(super) unknown: Vec<String>,
}

impl HostFacts {
    /// Major and minor version of the kernel.
    pub(super) fn kernel(&self) -> Option<KernelVersion> {
        let mut numbers = self
            .release
            .as_deref()?
            .split(['.', '-', '+'])
            .map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}

/// Huge pages that are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HugePages {
    pub(super) total: u64,
    pub(super) free: u64,
}

/// What frames of an interface look like (`ARPHRD_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Ethernet,
    Loopback,
    Other,
}

/// Facts about an interface.
#[derive(Clone, Debug)]
pub(super) struct InterfaceFacts {
    pub(super) name: String,
    pub(super) state: LinkState,
    /// It is set up, whether or not it has a carrier.
    pub(super) is_set_up: bool,
    pub(super) framing: Framing,
    pub(super) driver: Option<Driver>,
    /// `veth`, `bond` and the like; `None` for hardware.
    pub(super) kind: Option<String>,
    /// The bridge or bond that it is a port of.
    pub(super) master: Option<String>,
    /// Ports of a bridge or bond.
    pub(super) ports: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) default_route: bool,
    pub(super) uppers: Vec<String>,
    pub(super) mtu: Option<u32>,
    pub(super) queues: u32,
    pub(super) channels: Option<Channels>,
    pub(super) rings: Option<Rings>,
    pub(super) xdp: Option<XdpFeatures>,
    pub(super) programs: Option<Vec<Program>>,
    pub(super) features: BTreeMap<String, Feature>,
    pub(super) rss: Option<Rss>,
    pub(super) hash_fields: Vec<(FlowType, HashFields)>,
    /// NUMA node of the NIC.
    pub(super) node: Option<u32>,
    /// Interrupts of its receive queues.
    pub(super) interrupts: Vec<Interrupt>,
    /// What could not be found out, and why.
    pub(super) unknown: Vec<String>,
}

impl InterfaceFacts {
    /// Whether a feature is on; `None` if the driver does not have it.
    pub(super) fn feature(&self, name: &str) -> Option<Feature> {
        self.features.get(name).copied()
    }

    pub(super) fn driver_name(&self) -> &str {
        self.driver.as_ref().map_or("", |driver| &driver.name)
    }
}

/// An XDP program on the interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// The kernel's number of it.
    pub(super) id: u32,
    pub(super) mode: XdpMode,
    pub(super) name: Option<String>,
    /// Processes that hold it or its link, as far as they may be looked at.
    pub(super) owners: Vec<Process>,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) id: u32,
    pub(super) name: String,
}

/// An interrupt of the NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interrupt {
    pub(super) number: u32,
    pub(super) name: String,
    /// Cores that it may go to.
    pub(super) cores: Vec<u32>,
}
