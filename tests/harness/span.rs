//! A software SPAN port: two hosts that talk to each other, and a third one that sees a copy of
//! each packet, as from the mirror port of a switch.
//!
//! In tap mode the stack of the tapped host sees nothing, so two sockets cannot talk across a
//! tapped link; across a mirrored one they can.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader,
    programs::{SchedClassifier, TcAttachType},
};
use flowtrack::capture::xdp::OBJECT;
use flowtrack_common::abi::{SPAN_PROGRAM, SPAN_SETTINGS_GLOBAL, SpanSettings};

use crate::{
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

/// Which receive queue of the tap a packet arrives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steering {
    /// As a NIC with symmetric RSS does it: by a hash of addresses, ports and protocol that is the
    /// same for both directions of a flow.
    Symmetric,
    /// What the client sends on queue 0, what the server sends on queue 1: the directions of a flow
    /// never meet.
    ByDirection,
    /// By the source address: the directions of most flows do not meet, the fragments of a datagram do.
    BySource,
}

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
    _mirroring: Ebpf,
}

impl Span {
    /// Builds it; the tap has `queues` receive queues, filled as `steering` says.
    pub fn new(queues: u32, steering: Steering) -> Result<Self> {
        let client = NetNs::new("client")?;
        let server = NetNs::new("server")?;
        let probe = NetNs::new("probe")?;
        let (client_link, server_link) = veth((&client, "c0"), (&server, "s0"), 1)?;
        configure(&client_link, CLIENT, &server_link, SERVER)?;
        configure(&server_link, SERVER, &client_link, CLIENT)?;
        let (mirror, tap) = veth((&server, "t0"), (&probe, "t1"), queues)?;
        let mirroring = mirror_to(&server_link, &mirror, steering)?;
        Ok(Self {
            client,
            server,
            probe,
            mirror,
            tap,
            _mirroring: mirroring,
        })
    }
}

/// Gives `link` its addresses, and those of its neighbour, so that neither ARP nor neighbour
/// discovery, nor a report of its multicast groups, shows up between the packets that a test counts.
fn configure(
    link: &Link,
    addresses: [IpAddr; 2],
    neighbour: &Link,
    neighbour_addresses: [IpAddr; 2],
) -> Result<()> {
    link.turn_arp_off()?;
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

/// Puts the SPAN program of flowtrack's eBPF object on both directions of `link`: what crosses it
/// is sent out through `mirror` too. It stays there for as long as the value lives.
pub fn mirror_to(link: &Link, mirror: &Link, steering: Steering) -> Result<Ebpf> {
    let settings = SpanSettings {
        port: mirror.index()?,
        queues: mirror.queues(),
        steering: match steering {
            Steering::Symmetric => SpanSettings::SYMMETRIC,
            Steering::ByDirection => SpanSettings::BY_DIRECTION,
            Steering::BySource => SpanSettings::BY_SOURCE,
        },
    };
    let mut ebpf = EbpfLoader::new()
        .override_global(SPAN_SETTINGS_GLOBAL, &settings, true)
        .load(OBJECT)
        .context("cannot load the eBPF object")?;
    let program: &mut SchedClassifier = ebpf
        .program_mut(SPAN_PROGRAM)
        .with_context(|| format!("no program {SPAN_PROGRAM} in the eBPF object"))?
        .try_into()?;
    program
        .load()
        .context("the verifier refused the program of the SPAN port")?;
    link.netns().run(|| {
        for direction in [TcAttachType::Ingress, TcAttachType::Egress] {
            program.attach(link.name(), direction).with_context(|| {
                format!(
                    "cannot mirror {direction:?} of {}; it takes Linux 6.6 or later",
                    link.name()
                )
            })?;
        }
        Ok(())
    })?;
    Ok(ebpf)
}
