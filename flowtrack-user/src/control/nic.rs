//! The NIC rows of the ledger: what the kernel and the driver count of an interface, before any program
//! sees it.
//!
//! Their counters never begin at 0, so what is shown is the difference since flowtrack attached.

mod names;

use std::collections::BTreeMap;

use serde::Serialize;

use self::names::{Driver, driver};
use crate::{
    capture::xdp::AttachMode,
    sys::{ethtool, interface, netlink},
};

/// The kernel's counters of packets that came and did not get further. Some NICs count the same packet in two
/// of them.
const LOST: [&str; 6] = [
    "rx_dropped",
    "rx_errors",
    "rx_fifo_errors",
    "rx_missed_errors",
    "rx_over_errors",
    "rx_nohandler",
];
const PACKETS: &str = "rx_packets";
const BYTES: &str = "rx_bytes";

/// What the NIC counted since flowtrack attached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NicRow {
    /// Its driver; empty if it has none.
    pub driver: String,
    /// Packets that it received (`rx_packets`).
    pub packets: u64,
    /// Their bytes (`rx_bytes`), as the driver counts them: veth leaves Ethernet headers out, others put the
    /// check sequence in.
    pub bytes: u64,
    /// Packets that came and did not get further, by the kernel's name of the counter; without zeros. A packet
    /// may be in two of them, and `rx_dropped` has also packets that the socket dropped or the host threw away.
    pub dropped: BTreeMap<String, u64>,
    /// Counters of the driver that tell more, by its name for them, summed over the queues (`#` in the name);
    /// without zeros. They repeat parts of `dropped`.
    pub driver_counters: BTreeMap<String, u64>,
    /// Whether this driver counts a packet as received exactly if it then meets the native XDP program, or is
    /// thrown away in front of it and counted.
    pub comparable: bool,
    /// Of `packets`, those that the driver threw away in front of the program.
    pub refused: u64,
}

impl NicRow {
    /// Packets that the NIC received, that the driver did not throw away, and that are not among the `seen` by the
    /// XDP program. Negative if the program has seen more. `None` if that cannot be known: the driver does
    /// not count so, or GRO may have merged packets in front of a generic program.
    pub fn unexplained(&self, seen: u64, mode: AttachMode) -> Option<i64> {
        if !self.comparable || mode != AttachMode::Native {
            return None;
        }
        let reached = self.packets.saturating_sub(self.refused);
        Some(reached.cast_signed().wrapping_sub(seen.cast_signed()))
    }
}

/// Values by name.
type Counters = BTreeMap<String, u64>;

/// The counters of an interface at one moment.
#[derive(Clone, Debug)]
pub struct NicLook {
    index: u32,
    counters: Counters,
}

/// The counters of an interface from one moment on.
#[derive(Debug)]
pub struct NicCounters {
    interface: String,
    driver: String,
    names: Driver,
    /// The interface that they were last read of; a name may come back with another one.
    index: Option<u32>,
    last: Counters,
    sum: Counters,
}

impl NicCounters {
    /// From now on. An interface that is not there yet begins with 0.
    pub fn baseline(interface: &str) -> Self {
        let driver_name = ethtool::driver::read(interface).ok().flatten();
        let driver_name = driver_name.map(|driver| driver.name).unwrap_or_default();
        let names = driver(&driver_name);
        let index = interface::index(interface).ok().flatten();
        Self {
            last: read(interface, index, &names),
            index,
            interface: interface.to_owned(),
            driver: driver_name,
            names,
            sum: Counters::new(),
        }
    }

    /// The counters as they are; `None` if the interface is away.
    pub fn look(&self) -> Option<NicLook> {
        let index = interface::index(&self.interface).ok().flatten()?;
        let counters = read(&self.interface, Some(index), &self.names);
        Some(NicLook { index, counters })
    }

    /// What was counted up to this look. While the interface is away it stays what it was, and when it is back
    /// the counters go on from there.
    pub fn since(&mut self, look: Option<NicLook>) -> NicRow {
        if let Some(now) = look.map(|look| self.recognize(look)) {
            self.add(now);
        }
        self.row()
    }

    /// Leaves out what was counted up to this look: nobody was there to see it.
    pub fn skip(&mut self, look: Option<NicLook>) {
        if let Some(now) = look.map(|look| self.recognize(look)) {
            self.last = now;
        }
    }

    /// The counters of a look; those of another interface have begun at 0.
    fn recognize(&mut self, look: NicLook) -> Counters {
        if self.index != Some(look.index) {
            self.last.clear();
            self.index = Some(look.index);
        }
        look.counters
    }

    /// Adds what is new in `now`. A counter that went back has begun again.
    fn add(&mut self, now: Counters) {
        for (name, &value) in &now {
            let last = self.last.get(name).copied().unwrap_or(0);
            let new = value.checked_sub(last).unwrap_or(value);
            let sum = self.sum.entry(name.clone()).or_default();
            *sum = sum.saturating_add(new);
        }
        self.last = now;
    }

    fn row(&self) -> NicRow {
        let value = |name: &str| self.sum.get(name).copied().unwrap_or(0);
        let total = |names: &[&str]| -> u64 { names.iter().map(|name| value(name)).sum() };
        let shown = |wanted: &dyn Fn(&str) -> bool| {
            let counters = self
                .sum
                .iter()
                .filter(|&(name, &value)| value > 0 && wanted(name));
            counters
                .map(|(name, &value)| (name.clone(), value))
                .collect()
        };
        NicRow {
            driver: self.driver.clone(),
            packets: value(PACKETS),
            bytes: value(BYTES),
            dropped: shown(&|name| LOST.contains(&name)),
            driver_counters: shown(&|name| !is_standard(name)),
            comparable: self.names.comparable,
            refused: total(self.names.refused).saturating_sub(total(self.names.refused_by_program)),
        }
    }
}

/// All counters that are of interest; those that cannot be read are left out.
fn read(interface: &str, index: Option<u32>, names: &Driver) -> Counters {
    let link = index.and_then(|index| netlink::link(index).ok());
    let standard = link.into_iter().flat_map(|link| link.received);
    let mut counters: Counters = standard
        .filter(|(name, _)| is_standard(name))
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let statistics = ethtool::statistics::read(interface).ok().flatten();
    for (name, value) in statistics.into_iter().flatten() {
        // Some drivers repeat the kernel's own.
        if let Some(name) = names.of_interest(&name).filter(|name| !is_standard(name)) {
            let sum = counters.entry(name).or_default();
            *sum = sum.saturating_add(value);
        }
    }
    counters
}

/// Whether it is a counter of the kernel, which all interfaces have.
fn is_standard(name: &str) -> bool {
    LOST.contains(&name) || name == PACKETS || name == BYTES
}

#[cfg(test)]
mod tests;
