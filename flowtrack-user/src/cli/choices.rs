//! Words that can be chosen from.

use clap::ValueEnum;

use crate::{
    control::{Mode, Stalled, Steering},
    flow::{ExtractorConfig, Fragments, IcmpFlows, TrackerConfig, Tunnels},
};

/// Whose flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Those of flowtrack.
    Flowtrack,
    /// Zeek's connections: the rows of its conn.log.
    Zeek,
    /// Those of NetFlow: only timeouts end them.
    Netflow,
}

impl Profile {
    /// When a flow is over.
    pub(super) fn tracker(self) -> TrackerConfig {
        match self {
            Self::Flowtrack => TrackerConfig::default(),
            Self::Zeek => TrackerConfig::zeek(),
            Self::Netflow => TrackerConfig::netflow(),
        }
    }

    /// What makes a flow.
    pub(super) fn extractor(self) -> ExtractorConfig {
        match self {
            Self::Flowtrack => ExtractorConfig::default(),
            Self::Zeek => ExtractorConfig::zeek(),
            Self::Netflow => ExtractorConfig::netflow(),
        }
    }
}

/// Words for what `$meant` has variants of, with the same names.
macro_rules! words {
    (
        $(#[doc = $doc:literal])+
        $name:ident: $meant:ident { $($(#[doc = $variant_doc:literal])+ $variant:ident,)+ }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        pub enum $name {
            $($(#[doc = $variant_doc])+ $variant,)+
        }

        impl $name {
            /// What the word means.
            pub const fn meant(self) -> $meant {
                match self {
                    $(Self::$variant => $meant::$variant,)+
                }
            }
        }
    };
}

words! {
    /// What becomes of the packets of an interface.
    ModeArg: Mode {
        /// All of them are taken away from the host.
        Tap,
        /// They go on to the host; their headers are copied.
        Observe,
        /// They are forwarded between two interfaces; their headers are copied.
        Inline,
    }
}

words! {
    /// What becomes of packets in tunnels.
    TunnelsArg: Tunnels {
        /// The outer packet and each inner one count, each in its own flow.
        All,
        /// The same, but an outer packet counts only if it is UDP.
        Zeek,
        /// Only the innermost packet counts.
        Inner,
        /// Only the outer packet counts.
        Outer,
    }
}

words! {
    /// What becomes of IP fragments.
    FragmentsArg: Fragments {
        /// Later fragments count in the flow of the first one, while that is remembered.
        Follow,
        /// All but the first fragment count in a flow with ports 0.
        Apart,
        /// A datagram counts once, when all of it is there.
        Reassemble,
    }
}

words! {
    /// What makes a flow of ICMP messages.
    IcmpArg: IcmpFlows {
        /// The type of a query, its answers, and their identifier.
        Queries,
        /// The same without the identifier.
        Types,
        /// Nothing but the two hosts.
        Hosts,
    }
}

/// What else can tell flows apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyPart {
    /// The VLANs around the packet.
    Vlan,
    /// The tunnel around the packet: its kind and its identifier.
    Tunnel,
}

words! {
    /// What becomes of a queue that stands still.
    StalledArg: Stalled {
        /// Its driver is woken up, and then it is reported.
        Report,
        /// The same, and then its packets go to the host, until its worker moves again.
        Pass,
    }
}

words! {
    /// How both directions of a flow come to one shard.
    SteeringArg: Steering {
        /// By the NIC where it can put them on one queue, else by handing packets over.
        Auto,
        /// The RSS of the NIC is made symmetric until the end; it is an error if that cannot be.
        Rss,
        /// The headers of a packet are handed over to the queue that its flow belongs to.
        HandOver,
        /// Nothing is done for it: each queue has records of what it saw.
        Off,
    }
}
