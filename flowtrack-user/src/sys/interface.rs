//! Facts about an interface.
#![forbid(unsafe_code)]

use std::{fs, io, net::IpAddr};

use nix::{errno::Errno, ifaddrs::getifaddrs, net::if_::if_nametoindex};

use super::{ethtool, ioctl};

/// Whether an interface can receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// There is no such interface.
    Gone,
    /// It is down, or has no carrier.
    Down,
    /// It can receive.
    Up,
}

/// The index of the interface; `None` if there is none of that name.
pub fn index(name: &str) -> io::Result<Option<u32>> {
    match if_nametoindex(name) {
        Ok(index) => Ok(Some(index)),
        Err(Errno::ENODEV | Errno::ENXIO) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether the interface can receive.
pub fn link_state(name: &str) -> LinkState {
    let ready = libc::IFF_UP | libc::IFF_RUNNING;
    match ioctl::flags(name) {
        Ok(flags) if flags & ready == ready => LinkState::Up,
        Ok(_) => LinkState::Down,
        Err(_) => LinkState::Gone,
    }
}

/// Longest packet that the interface carries, without its link-layer header; `None` if it does not tell.
pub fn mtu(name: &str) -> Option<u32> {
    let text = fs::read_to_string(format!("/sys/class/net/{name}/mtu")).ok()?;
    text.trim().parse().ok()
}

/// Number of receive queues in use.
pub fn receive_queues(name: &str) -> u32 {
    if let Ok(Some(channels)) = ethtool::channels::read(name)
        && channels.receive() > 0
    {
        return channels.receive();
    }
    // A driver without the question has as many as sysfs lists.
    let queues = fs::read_dir(format!("/sys/class/net/{name}/queues")).map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"rx-"))
            .count()
    });
    u32::try_from(queues).unwrap_or(1).max(1)
}

/// How far an interface leaves its packets to a thread that polls for them, until the thread has been
/// away for too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deferral {
    /// Polls that may find nothing before the interrupt is switched on again (`napi_defer_hard_irqs`).
    pub hard_irqs: u64,
    /// Nanoseconds after which the kernel polls by itself (`gro_flush_timeout`).
    pub flush_timeout: u64,
}

/// Reads it; 0 is what a kernel before 5.8 has in place of it.
pub fn deferral(name: &str) -> Deferral {
    let value = |file| {
        let text = fs::read_to_string(format!("/sys/class/net/{name}/{file}"));
        text.ok().and_then(|text| text.trim().parse().ok())
    };
    Deferral {
        hard_irqs: value("napi_defer_hard_irqs").unwrap_or(0),
        flush_timeout: value("gro_flush_timeout").unwrap_or(0),
    }
}

/// IP addresses of the interface by which the host can be reached. Link-local IPv6 addresses come by
/// themselves, on a mirror port too, and do not count.
pub fn addresses(name: &str) -> io::Result<Vec<IpAddr>> {
    let entries = getifaddrs()?.filter(|entry| entry.interface_name == name);
    let address = |storage: nix::sys::socket::SockaddrStorage| {
        let v4 = storage.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        v4.or_else(|| storage.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
    };
    Ok(entries
        .filter_map(|entry| address(entry.address?))
        .filter(|address| !matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()))
        .collect())
}

/// Interfaces that are built on this one: a bridge or bond that it is a port of, VLANs, macvlans.
pub fn uppers(name: &str) -> Vec<String> {
    let entries = fs::read_dir(format!("/sys/class/net/{name}"))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .filter_map(|entry| {
            Some(
                entry
                    .file_name()
                    .to_str()?
                    .strip_prefix("upper_")?
                    .to_owned(),
            )
        })
        .collect()
}

/// Whether a default route of the host goes through the interface.
pub fn has_default_route(name: &str) -> bool {
    // A kernel without IPv6 has no table for it.
    let table = |path| fs::read_to_string(path).unwrap_or_default();
    default_route_v4(&table("/proc/net/route"), name)
        || default_route_v6(&table("/proc/net/ipv6_route"), name)
}

/// Columns: interface, destination, gateway, flags, use counts, metric, mask, ...
fn default_route_v4(table: &str, name: &str) -> bool {
    table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>()).any(|columns| {
        matches!(columns[..], [interface, "00000000", _, _, _, _, _, "00000000", ..] if interface == name)
    })
}

/// Columns: destination, its prefix length, source, its prefix length, next hop, metric, use counts,
/// flags, interface.
fn default_route_v6(table: &str, name: &str) -> bool {
    let any = "0".repeat(32);
    table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).any(|columns| {
        matches!(columns[..], [destination, "00", .., interface] if destination == any && interface == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_route_is_found_in_the_kernels_tables() {
        let v4 = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
                  eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                  eth1\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        assert!(default_route_v4(v4, "eth0"));
        assert!(!default_route_v4(v4, "eth1"));
        let any = "0".repeat(32);
        let v6 = format!(
            "{any} 00 {any} 00 fe800000000000000000000000000001 00000400 1 0 00000003 eth0\n\
             fe800000000000000000000000000000 40 {any} 00 {any} 00000100 1 0 00000001 eth1\n"
        );
        assert!(default_route_v6(&v6, "eth0"));
        assert!(!default_route_v6(&v6, "eth1"));
    }

    #[test]
    fn the_loopback_interface_is_there_and_another_is_not() {
        assert!(index("lo").unwrap().is_some());
        assert!(index("no-such-if").unwrap().is_none());
        assert_eq!(link_state("no-such-if"), LinkState::Gone);
        assert!(receive_queues("lo") >= 1);
    }
}
