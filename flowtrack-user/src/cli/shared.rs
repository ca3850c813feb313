//! Options of both `run` and `read`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, value_parser};
use flowtrack_common::L4Proto;

use super::{
    IdleTimeout, TimeoutScope,
    choices::{FragmentsArg, IcmpArg, KeyPart, Profile, TunnelsArg},
    values::positive_duration,
};
use crate::{
    export::{OutputFormat, OutputSpec, Target},
    filter::Filter,
    flow::{ExtractorConfig, PortTimeout, SctpFlows, TooManyPorts, TrackerConfig, Tunnels},
};

/// What `run` and `read` have in common.
#[derive(Debug, Args)]
pub struct SharedArgs {
    /// Where to write: json:PATH, events:PATH or zeek:PATH; - is standard output. May be repeated.
    #[arg(short, long = "output", value_name = "OUTPUT")]
    pub outputs: Vec<OutputSpec>,

    /// Take only the packets that EXPR wants, in the language of tcpdump (pcap-filter(7)): for example
    /// 'tcp port 443 and not net 10.0.0.0/8'. Looks at the outer headers of a frame; host names are not
    /// looked up. What it does not want is counted.
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<Filter>,

    /// Write the ledger as JSON at the end; - is standard output.
    #[arg(long, value_name = "PATH")]
    pub ledger: Option<PathBuf>,

    /// Flows that each table holds.
    #[arg(long, value_name = "N", default_value_t = 262_144, value_parser = value_parser!(u32).range(1..=1 << 28))]
    pub max_flows: u32,

    /// Key of all hashes; a random one if none is given. With the same key `read` writes the same lines for
    /// the same packets, with one shard in the same order, even where there is not room for all flows. Keep
    /// it secret: whoever knows it can send packets that are slow to look up.
    #[arg(long, value_name = "N")]
    pub hash_key: Option<u64>,

    /// What makes a flow and when it is over; the options below change parts of it.
    #[arg(long, value_enum, default_value_t = Profile::Flowtrack)]
    pub profile: Profile,

    /// What becomes of packets in tunnels [default: all; zeek in profile zeek, inner in netflow].
    #[arg(long, value_enum, value_name = "WHICH")]
    pub tunnels: Option<TunnelsArg>,

    /// What becomes of IP fragments [default: follow; reassemble in profile zeek, apart in netflow].
    #[arg(long, value_enum, value_name = "HOW")]
    pub fragments: Option<FragmentsArg>,

    /// What makes a flow of ICMP messages [default: queries; types in profile zeek, hosts in
    /// netflow].
    #[arg(long, value_enum, value_name = "WHAT")]
    pub icmp: Option<IcmpArg>,

    /// What else tells flows apart, beside addresses, ports and protocol; for example vlan,tunnel.
    #[arg(long, value_enum, value_name = "PARTS", value_delimiter = ',')]
    pub key: Vec<KeyPart>,

    /// Refuse packets with a wrong IP, TCP, UDP or ICMP checksum. Not where the host itself sends:
    /// its network card fills them in later.
    #[arg(long)]
    pub verify_checksums: bool,

    /// When a silent flow is over, for example udp=30s, tcp/22=1h for a port of the responder (tcp, udp
    /// and sctp have ports) or all=10s. May be repeated, a later one wins; the profile zeek has more
    /// patience with some ports and less with others. Protocols and defaults: tcp-opening=5s, tcp=5m, tcp-closing=5m,
    /// tcp-linger=5s, udp=1m, icmp=1m, other=1m.
    #[arg(long = "idle-timeout", value_name = "PROTO=DURATION")]
    pub idle_timeouts: Vec<IdleTimeout>,

    /// Write a record of a flow each time that it was active for so long, for example 1m.
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    pub active_timeout: Option<Duration>,

    /// Tell of anomalies in the events: gaps, retransmissions, a table that fills up and the like.
    #[arg(long)]
    pub emit_anomalies: bool,
}

impl SharedArgs {
    /// Size and timeouts of the trackers.
    pub fn tracker(&self) -> Result<TrackerConfig, TooManyPorts> {
        let profile = self.profile.tracker();
        let mut config = TrackerConfig {
            max_flows: self.max_flows as usize,
            hash_key: self.hash_key,
            active_timeout: self.active_timeout.or(profile.active_timeout),
            emit_anomalies: self.emit_anomalies || profile.emit_anomalies,
            ..profile
        };
        for IdleTimeout { scope, timeout } in self.idle_timeouts.iter().copied() {
            match scope {
                TimeoutScope::All => config.timeouts.set_all(timeout),
                TimeoutScope::Class(class) => config.timeouts.set(class, timeout),
                TimeoutScope::Port(l4, port) => {
                    config
                        .timeouts
                        .set_port(PortTimeout { l4, port, timeout })?;
                }
            }
        }
        Ok(config)
    }

    /// What makes a flow.
    pub fn extractor(&self) -> ExtractorConfig {
        let profile = self.profile.extractor();
        ExtractorConfig {
            tunnels: self.tunnels.map_or(profile.tunnels, TunnelsArg::meant),
            fragments: self
                .fragments
                .map_or(profile.fragments, FragmentsArg::meant),
            icmp: self.icmp.map_or(profile.icmp, IcmpArg::meant),
            sctp: profile.sctp,
            key_vlan: profile.key_vlan || self.key.contains(&KeyPart::Vlan),
            key_tunnel: profile.key_tunnel || self.key.contains(&KeyPart::Tunnel),
            verify_checksums: profile.verify_checksums || self.verify_checksums,
            hash_key: self.hash_key,
        }
    }

    /// What was asked for and does nothing, a sentence each.
    pub fn without_effect(&self) -> Vec<String> {
        let extractor = self.extractor();
        let has_events = |output: &OutputSpec| output.format == OutputFormat::Events;
        let anomalies = self.emit_anomalies && !self.outputs.iter().any(has_events);
        let tunnel = self.key.contains(&KeyPart::Tunnel) && extractor.tunnels == Tunnels::Outer;
        let mut found = Vec::new();
        if anomalies {
            found.push("--emit-anomalies does nothing without an output events:PATH".to_owned());
        }
        if tunnel {
            found.push("--key tunnel does nothing with --tunnels outer".to_owned());
        }
        let tcp_ends_flows = self.profile.tracker().tcp_ends_flows;
        for IdleTimeout { scope, .. } in &self.idle_timeouts {
            let reason = match *scope {
                TimeoutScope::Class(class) if !tcp_ends_flows && class.is_of_tcp_state() => {
                    "flows of this profile have no TCP states"
                }
                TimeoutScope::Port(L4Proto::Sctp, _) if extractor.sctp == SctpFlows::Hosts => {
                    "flows of SCTP have no ports in this profile"
                }
                _ => continue,
            };
            found.push(format!("--idle-timeout {scope} does nothing: {reason}"));
        }
        found
    }

    /// Where the ledger goes.
    pub fn ledger(&self) -> Option<Target> {
        self.ledger.as_deref().map(Target::from)
    }

    /// Whether more than one thing is to be written to standard output.
    pub fn shares_stdout(&self) -> bool {
        let to_stdout = |target: &Target| *target == Target::Stdout;
        self.targets().filter(to_stdout).count() > 1
    }

    /// All that is written.
    pub(super) fn targets(&self) -> impl Iterator<Item = Target> {
        let outputs = self.outputs.iter().map(|output| output.target.clone());
        outputs.chain(self.ledger())
    }
}
