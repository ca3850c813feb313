//! What can be set of what makes a flow.

/// What makes a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtractorConfig {
    /// What becomes of packets in tunnels.
    pub tunnels: Tunnels,
    /// What becomes of IP fragments.
    pub fragments: Fragments,
    /// What becomes of ICMP messages.
    pub icmp: IcmpFlows,
    /// What makes a flow of SCTP.
    pub sctp: SctpFlows,
    /// Packets in different VLANs belong to different flows.
    pub key_vlan: bool,
    /// Packets in different tunnels, by kind and identifier, belong to different flows.
    pub key_tunnel: bool,
    /// Refuse packets whose IP, TCP, UDP or ICMP checksum is wrong.
    pub verify_checksums: bool,
    /// Key of the hash by which datagrams are remembered that come in fragments; a random one if there is
    /// none.
    pub hash_key: Option<u64>,
}

impl ExtractorConfig {
    /// Flows as Zeek has them: the rows of its `conn.log`.
    pub fn zeek() -> Self {
        Self {
            tunnels: Tunnels::Zeek,
            fragments: Fragments::Reassemble,
            icmp: IcmpFlows::Types,
            sctp: SctpFlows::Hosts,
            ..Self::default()
        }
    }

    /// Flows as `NetFlow` has them, of what is in the tunnels.
    pub fn netflow() -> Self {
        Self {
            tunnels: Tunnels::Inner,
            fragments: Fragments::Apart,
            icmp: IcmpFlows::Hosts,
            ..Self::default()
        }
    }
}

/// What becomes of packets in tunnels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tunnels {
    /// The outer packet counts in its flow, and each inner packet in its own.
    #[default]
    All,
    /// As `All`, but outer packets count only where UDP carries the tunnel: as Zeek has it. A GRE or
    /// IP-in-IP packet in which nothing is found counts nowhere.
    Zeek,
    /// Only the innermost packet counts.
    Inner,
    /// Only the outer packet counts: tunnels are not looked into.
    Outer,
}

/// What becomes of IP fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fragments {
    /// Later fragments count in the flow of the first one, as long as that is remembered; else in a
    /// flow with ports 0.
    #[default]
    Follow,
    /// All fragments but the first count in a flow with ports 0.
    Apart,
    /// A datagram counts once, as one packet, when it is whole; until then it is nowhere: as Zeek has
    /// it.
    Reassemble,
}

/// What becomes of ICMP messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IcmpFlows {
    /// A flow for each type of query, with its answers, and for each identifier.
    #[default]
    Queries,
    /// The same, whatever the identifier: as Zeek has it.
    Types,
    /// One flow for each pair of hosts: as in NetFlow collectors that know no types.
    Hosts,
}

/// What makes a flow of SCTP packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SctpFlows {
    /// The ports, as for TCP and UDP.
    #[default]
    Ports,
    /// Nothing but the two hosts: Zeek does not look into it.
    Hosts,
}
