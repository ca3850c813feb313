//! veth pairs.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context as _, Result};
use nix::{
    ifaddrs::{InterfaceAddress, getifaddrs},
    net::if_::{InterfaceFlags, if_nametoindex},
};

use crate::{command, netns::NetNs, wait::wait_until};

const UP_TIMEOUT: Duration = Duration::from_secs(5);

/// One end of a veth pair.
#[derive(Clone, Debug)]
pub struct Link {
    netns: NetNs,
    name: String,
    queues: u32,
}

/// Packets and bytes that the kernel has counted on a link.
///
/// When the other end has an XDP program, veth counts the bytes of packets from the stack without
/// their Ethernet headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets that came and were thrown away.
    pub rx_dropped: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets that were to be sent and were thrown away.
    pub tx_dropped: u64,
}

/// Joins two namespaces with a veth pair of `queues` queues each way and returns both ends, up.
///
/// What crosses it is what was sent and nothing else: no IPv6 address of its own and thus no
/// neighbour discovery, and frames as a wire would carry them, with checksums, with VLAN tags in
/// them and at most one MTU long.
pub fn veth(one: (&NetNs, &str), other: (&NetNs, &str), queues: u32) -> Result<(Link, Link)> {
    let ends = [one, other].map(|(netns, name)| Link {
        netns: netns.clone(),
        name: name.to_owned(),
        queues,
    });
    let queues = queues.to_string();
    let shape = ["numrxqueues", &queues, "numtxqueues", &queues];
    let mut add = one.0.ip();
    add.args(["link", "add", one.1]).args(shape);
    add.args(["type", "veth", "peer", "name", other.1])
        .args(shape);
    command::run(add.args(["netns", other.0.name()]))?;
    for end in &ends {
        end.set(&["addrgenmode", "none"])?;
        end.turn_offloads_off()?;
        end.up()?;
    }
    for end in &ends {
        wait_until(&format!("{} to come up", end.name), UP_TIMEOUT, || {
            end.is_running()
        })?;
    }
    let [one, other] = ends;
    Ok((one, other))
}

impl Link {
    /// Name of the interface.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace that it is in.
    pub fn netns(&self) -> &NetNs {
        &self.netns
    }

    /// Number of queues each way.
    pub fn queues(&self) -> u32 {
        self.queues
    }

    /// Interface index in its namespace.
    pub fn index(&self) -> Result<u32> {
        self.netns.run(|| {
            if_nametoindex(self.name.as_str())
                .with_context(|| format!("no interface {}", self.name))
        })
    }

    /// Its MAC address.
    pub fn mac(&self) -> Result<[u8; 6]> {
        self.entry()?
            .address
            .and_then(|address| address.as_link_addr()?.addr())
            .with_context(|| format!("{} has no MAC address", self.name))
    }

    /// Gives it another MAC address.
    pub fn set_mac(&self, mac: [u8; 6]) -> Result<()> {
        let text = mac.map(|byte| format!("{byte:02x}")).join(":");
        self.set(&["address", &text])
    }

    /// Longest packet, without the Ethernet header, that it carries.
    pub fn set_mtu(&self, mtu: u32) -> Result<()> {
        self.set(&["mtu", &mtu.to_string()])
    }

    /// Sets it administratively up.
    pub fn up(&self) -> Result<()> {
        self.set(&["up"])
    }

    /// Sets it administratively down; the other end loses its carrier.
    pub fn down(&self) -> Result<()> {
        self.set(&["down"])
    }

    /// Deletes the pair.
    pub fn delete(&self) -> Result<()> {
        command::run(self.netns.ip().args(["link", "delete", &self.name]))?;
        Ok(())
    }

    /// Adds an address with its prefix length, such as `10.0.0.1/24`, usable at once.
    pub fn add_address(&self, address: &str) -> Result<()> {
        let mut ip = self.netns.ip();
        ip.args(["address", "add", address, "dev", &self.name]);
        if address.contains(':') {
            ip.arg("nodad");
        }
        command::run(&mut ip)?;
        Ok(())
    }

    /// Takes an address away.
    pub fn remove_address(&self, address: &str) -> Result<()> {
        let mut ip = self.netns.ip();
        command::run(ip.args(["address", "del", address, "dev", &self.name]))?;
        Ok(())
    }

    /// Keeps it from asking for neighbours, and from joining the IPv6 multicast groups in which it
    /// would be asked for itself. To be called before it gets addresses.
    pub fn turn_arp_off(&self) -> Result<()> {
        self.set(&["arp", "off"])
    }

    /// Tells the link the MAC address of a neighbour, which thus need not be asked for.
    pub fn add_neighbour(&self, address: &str, mac: [u8; 6]) -> Result<()> {
        let mac = mac.map(|byte| format!("{byte:02x}")).join(":");
        let mut ip = self.netns.ip();
        ip.args(["neighbour", "add", address, "lladdr", &mac]);
        command::run(ip.args(["dev", &self.name, "nud", "permanent"]))?;
        Ok(())
    }

    /// Lets it receive frames that an XDP program on the other end redirects to that end, as any NIC does.
    pub fn take_redirected(&self) -> Result<()> {
        let mut ethtool = self.netns.command("ethtool");
        command::run(ethtool.args(["-K", &self.name, "gro", "on"]))?;
        Ok(())
    }

    /// The contrary of [`Link::take_redirected`], as veth is without being told.
    pub fn refuse_redirected(&self) -> Result<()> {
        let mut ethtool = self.netns.command("ethtool");
        command::run(ethtool.args(["-K", &self.name, "gro", "off"]))?;
        Ok(())
    }

    /// Whether both ends are up.
    pub fn is_running(&self) -> Result<bool> {
        Ok(self.entry()?.flags.contains(InterfaceFlags::IFF_RUNNING))
    }

    /// What the kernel has counted so far.
    pub fn counters(&self) -> Result<Counters> {
        // Of the thread, since the process is in another namespace.
        const TABLE: &str = "/proc/thread-self/net/dev";
        let table = self.netns.run(|| Ok(fs::read_to_string(TABLE)?))?;
        let row = table
            .lines()
            .find_map(|line| {
                line.trim_start()
                    .strip_prefix(&self.name)?
                    .strip_prefix(':')
            })
            .with_context(|| format!("no row of {} in {TABLE}", self.name))?;
        let cells: Vec<u64> = row
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .with_context(|| format!("unexpected row in {TABLE}: {row}"))?;
        let cell = |column: usize| cells.get(column).copied().unwrap_or_default();
        Ok(Counters {
            rx_bytes: cell(0),
            rx_packets: cell(1),
            rx_dropped: cell(3),
            tx_bytes: cell(8),
            tx_packets: cell(9),
            tx_dropped: cell(11),
        })
    }

    fn turn_offloads_off(&self) -> Result<()> {
        const OFF: [&str; 5] = ["tx", "tso", "gso", "txvlan", "rxvlan"];
        let mut ethtool: Command = self.netns.command("ethtool");
        ethtool.args(["-K", &self.name]);
        for feature in OFF {
            ethtool.args([feature, "off"]);
        }
        command::run(&mut ethtool)?;
        Ok(())
    }

    fn set(&self, change: &[&str]) -> Result<()> {
        let mut ip = self.netns.ip();
        command::run(ip.args(["link", "set", "dev", &self.name]).args(change))?;
        Ok(())
    }

    /// The link-layer entry of the interface list.
    fn entry(&self) -> Result<InterfaceAddress> {
        self.netns.run(|| {
            getifaddrs()
                .context("cannot list interfaces")?
                .find(|entry| {
                    entry.interface_name == self.name
                        && entry
                            .address
                            .is_some_and(|address| address.as_link_addr().is_some())
                })
                .with_context(|| format!("no interface {}", self.name))
        })
    }
}
