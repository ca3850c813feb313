//! A software SPAN port: two hosts that talk to each other, and a third one that sees a copy of
//! each packet, as from the mirror port of a switch.
//!
//! In tap mode the stack of the tapped host sees nothing, so two sockets cannot talk across a
//! tapped link; across a mirrored one they can.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Result;

use crate::{
    command,
    link::{Link, veth},
    netns::NetNs,
};

/// Addresses of the client.
pub const CLIENT: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(10, 77, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1)),
];
/// Addresses of the server, IPv4 and IPv6.
pub const SERVER: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(10, 77, 0, 2)),
    IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 2)),
];

/// Client and server joined by a veth pair, whose packets in both directions are mirrored to the
/// probe.
#[derive(Debug)]
pub struct Span {
    /// Namespace of the client.
    pub client: NetNs,
    /// Namespace of the server.
    pub server: NetNs,
    /// Namespace of the probe.
    pub probe: NetNs,
    /// The mirror port: `t0`, in the server's namespace.
    pub mirror: Link,
    /// What the probe taps: `t1`, the other end of the mirror port's cable.
    pub tap: Link,
}

impl Span {
    /// Builds it; the tap has `queues` receive queues.
    pub fn new(queues: u32) -> Result<Self> {
        let client = NetNs::new("client")?;
        let server = NetNs::new("server")?;
        let probe = NetNs::new("probe")?;
        let (client_link, server_link) = veth((&client, "c0"), (&server, "s0"), 1)?;
        configure(&client_link, CLIENT, &server_link, SERVER)?;
        configure(&server_link, SERVER, &client_link, CLIENT)?;
        let (mirror, tap) = veth((&server, "t0"), (&probe, "t1"), queues)?;
        mirror_to(&server_link, &mirror)?;
        Ok(Self {
            client,
            server,
            probe,
            mirror,
            tap,
        })
    }
}

/// Gives `link` its addresses, and those of its neighbour, so that neither ARP nor neighbour
/// discovery shows up between the packets that a test counts.
fn configure(
    link: &Link,
    addresses: [IpAddr; 2],
    neighbour: &Link,
    neighbour_addresses: [IpAddr; 2],
) -> Result<()> {
    for address in addresses {
        let prefix = if address.is_ipv4() { 24 } else { 64 };
        link.add_address(&format!("{address}/{prefix}"))?;
    }
    let mac = neighbour.mac()?;
    for address in neighbour_addresses {
        link.add_neighbour(&address.to_string(), mac)?;
    }
    Ok(())
}

fn mirror_to(link: &Link, mirror: &Link) -> Result<()> {
    let tc = |arguments: &[&str]| {
        let mut tc = link.netns().command("tc");
        command::run(tc.args(arguments))
    };
    tc(&["qdisc", "add", "dev", link.name(), "clsact"])?;
    for direction in ["ingress", "egress"] {
        let mut arguments = vec!["filter", "add", "dev", link.name(), direction];
        arguments.extend(["protocol", "all", "u32", "match", "u32", "0", "0"]);
        arguments.extend(["action", "mirred", "egress", "mirror", "dev", mirror.name()]);
        tc(&arguments)?;
    }
    Ok(())
}
