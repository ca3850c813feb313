//! What must hold before anything is touched.

use std::{io, net::IpAddr};

use super::Mode;
use crate::sys::{
    capability::{self, Capability},
    interface::{self, LinkState},
    netlink,
};

/// Capture cannot start, and nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PreflightError {
    /// The process may not do what is needed.
    #[error("missing {}; run it as root, or `setcap {}+ep` on the binary", reasons(.0), names(.0))]
    Capabilities(Vec<Capability>),
    /// A question to the kernel failed.
    #[error("cannot find out about {interface}")]
    Kernel {
        /// The interface.
        interface: String,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// The interface does not exist.
    #[error("there is no interface {0}; `ip link` lists those that there are")]
    UnknownInterface(String),
    /// It would cut the host off.
    #[error(
        "{interface} {carries}: {mode} mode takes all packets away from the host, which could no longer \
         be reached through it. Use {}, or --take-over if that is what you want",
        instead(*.mode)
    )]
    InUse {
        /// The interface.
        interface: String,
        /// What would take the packets.
        mode: Mode,
        /// What it carries.
        carries: String,
    },
    /// One of two interfaces would forward what the other one cannot carry.
    #[error(
        "{} carries packets of {} bytes and {} of {}: inline mode forwards whole packets; give both the \
         same MTU, `ip link set {} mtu {}`",
        .0.0, .0.1, .1.0, .1.1, .1.0, .0.1
    )]
    Mtu((String, u32), (String, u32)),
    /// One of two interfaces forwards nothing.
    #[error(
        "{0} is down: nothing can be forwarded through it; `ip link set {0} up`, and the other end too"
    )]
    Down(String),
    /// Packets do not arrive on it, or twice.
    #[error("{0} is the loopback interface, where each packet would be seen twice: tap a real one")]
    Loopback(String),
    /// Its packets arrive on its ports.
    #[error(
        "{interface} is a {kind}: its packets arrive on its ports, and no socket of its own gets them. \
         Name the ports instead, or use --mode observe"
    )]
    Aggregate {
        /// The interface.
        interface: String,
        /// `bond` or `team`.
        kind: String,
    },
}

/// Checks that `interface` can be captured, and safely; returns its index.
pub(super) fn check(interface: &str, mode: Mode, take_over: bool) -> Result<u32, PreflightError> {
    let kernel = |source| PreflightError::Kernel {
        interface: interface.to_owned(),
        source,
    };
    let index = interface::index(interface)
        .map_err(kernel)?
        .ok_or_else(|| PreflightError::UnknownInterface(interface.to_owned()))?;
    let missing = capability::missing(&capability::CAPTURE).map_err(kernel)?;
    if !missing.is_empty() {
        return Err(PreflightError::Capabilities(missing));
    }
    if interface == "lo" {
        return Err(PreflightError::Loopback(interface.to_owned()));
    }
    let kind = netlink::link(index).map_err(kernel)?.kind;
    if let Some(kind) = kind.filter(|kind| mode == Mode::Tap && is_aggregate(kind)) {
        return Err(PreflightError::Aggregate {
            interface: interface.to_owned(),
            kind,
        });
    }
    if mode != Mode::Observe && !take_over {
        let addresses = interface::addresses(interface).map_err(kernel)?;
        let uppers = interface::uppers(interface);
        if let Some(carries) = carries(&addresses, interface::has_default_route(interface), &uppers)
        {
            return Err(PreflightError::InUse {
                interface: interface.to_owned(),
                mode,
                carries,
            });
        }
    }
    Ok(index)
}

/// Checks that packets can be forwarded between two interfaces.
pub(super) fn check_pair(one: &str, other: &str) -> Result<(), PreflightError> {
    for interface in [one, other] {
        if interface::link_state(interface) != LinkState::Up {
            return Err(PreflightError::Down(interface.to_owned()));
        }
    }
    match (interface::mtu(one), interface::mtu(other)) {
        (Some(mtu), Some(other_mtu)) if mtu != other_mtu => Err(PreflightError::Mtu(
            (one.to_owned(), mtu),
            (other.to_owned(), other_mtu),
        )),
        _ => Ok(()),
    }
}

/// Whether a kind of interface bundles others, so that an XDP program of it runs on these.
fn is_aggregate(kind: &str) -> bool {
    matches!(kind, "bond" | "team")
}

/// What would be cut off, in words.
fn carries(addresses: &[IpAddr], default_route: bool, uppers: &[String]) -> Option<String> {
    let mut carried = Vec::new();
    if !addresses.is_empty() {
        let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
        carried.push(format!("the address {}", addresses.join(", ")));
    }
    if default_route {
        carried.push("the default route".to_owned());
    }
    if !uppers.is_empty() {
        carried.push(format!("the interface {}", uppers.join(", ")));
    }
    (!carried.is_empty()).then(|| format!("carries {}", carried.join(" and ")))
}

/// What to use in place of a mode that cuts the host off.
fn instead(mode: Mode) -> &'static str {
    match mode {
        Mode::Inline => "interfaces that the host does not use itself",
        Mode::Tap | Mode::Observe => "--mode observe, which lets them go on, a mirror port",
    }
}

fn reasons(missing: &[Capability]) -> String {
    let reason = |capability: &Capability| format!("{} ({})", capability.name, capability.why);
    missing.iter().map(reason).collect::<Vec<_>>().join(", ")
}

fn names(missing: &[Capability]) -> String {
    missing
        .iter()
        .map(|capability| capability.name.to_lowercase())
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_cut_off_is_named() {
        let address = ["192.0.2.1".parse().unwrap()];
        let bridge = ["br0".to_owned()];
        assert_eq!(carries(&[], false, &[]), None);
        let words = |addresses, route, uppers| carries(addresses, route, uppers).unwrap();
        assert_eq!(words(&address, false, &[]), "carries the address 192.0.2.1");
        assert_eq!(words(&[], true, &[]), "carries the default route");
        assert_eq!(words(&[], false, &bridge), "carries the interface br0");
        assert_eq!(
            words(&address, true, &bridge),
            "carries the address 192.0.2.1 and the default route and the interface br0"
        );
    }

    #[test]
    fn a_bond_is_refused_and_a_veth_is_not() {
        for (kind, expected) in [
            ("bond", true),
            ("team", true),
            ("veth", false),
            ("bridge", false),
        ] {
            assert_eq!(is_aggregate(kind), expected, "{kind}");
        }
    }

    #[test]
    fn an_unknown_interface_is_named() {
        let error = check("no-such-if", Mode::Tap, false)
            .unwrap_err()
            .to_string();
        assert!(error.contains("no-such-if"), "{error}");
    }
}
