//! The five-tuple of a packet.

use flowtrack_common::{Envelope, FlowKey, L4Proto, Orientation, TunnelId, VlanStack};

use super::{ExtractorConfig, IcmpFlows};
use crate::{
    flow::FiveTuple,
    wire::{IcmpMessage, Packet, Ports, Quoted, Transport},
};

/// What a transport header adds to the addresses of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) struct Ends {
    src_port: u16,
    dst_port: u16,
    icmp_id: u16,
    /// Packets of the opposite direction belong to the flow.
    answerable: bool,
}

impl Ends {
    /// Nothing.
    pub(in crate::flow) const NONE: Self = Self {
        src_port: 0,
        dst_port: 0,
        icmp_id: 0,
        answerable: true,
    };

    /// What the header of a packet adds; `None` if it is not in the packet.
    #[inline]
    pub(super) fn of(transport: &Transport, icmp: IcmpFlows) -> Option<Self> {
        match transport {
            Transport::Tcp { ports, .. } | Transport::Datagram { ports, .. } => {
                Some(Self::ports(*ports))
            }
            Transport::Icmp { message, .. } => Some(Self::message(*message, icmp)),
            Transport::Other { .. } => Some(Self::NONE),
            Transport::Fragment { .. } => None,
        }
    }

    /// What the header of a packet adds that an ICMP error quotes.
    pub(super) fn quoted(quoted: &Quoted, icmp: IcmpFlows) -> Self {
        match quoted.message {
            Some(message) => Self::message(message, icmp),
            None => Self::ports(quoted.ports),
        }
    }

    const fn ports(ports: Ports) -> Self {
        Self {
            src_port: ports.src,
            dst_port: ports.dst,
            ..Self::NONE
        }
    }

    fn message(message: IcmpMessage, icmp: IcmpFlows) -> Self {
        if icmp == IcmpFlows::Hosts {
            return Self::NONE;
        }
        Self {
            src_port: message.kind.into(),
            dst_port: message.counterpart.unwrap_or(message.code).into(),
            icmp_id: match icmp {
                IcmpFlows::Queries => message.id,
                IcmpFlows::Types | IcmpFlows::Hosts => 0,
            },
            // A message that has no answer has no opposite direction either.
            answerable: message.counterpart.is_some(),
        }
    }
}

impl ExtractorConfig {
    /// The key of a packet's flow, and how the packet relates to it.
    #[inline]
    pub(super) fn key(self, packet: &Packet, l4: L4Proto, ends: Ends) -> (FiveTuple, Orientation) {
        let (vlans, tunnel) = self.envelope_parts(&packet.envelope);
        let key = FiveTuple {
            src: packet.src,
            dst: packet.dst,
            src_port: ends.src_port,
            dst_port: ends.dst_port,
            icmp_id: ends.icmp_id,
            l4,
            vlans,
            tunnel,
        };
        canonical(key, ends.answerable)
    }

    /// The same for the packet that an ICMP error quotes: it came in the same networks.
    pub(super) fn quoted_key(
        self,
        quoted: &Quoted,
        envelope: &Envelope,
    ) -> (FiveTuple, Orientation) {
        let ends = Ends::quoted(quoted, self.icmp);
        let (vlans, tunnel) = self.envelope_parts(envelope);
        let key = FiveTuple {
            src: quoted.src,
            dst: quoted.dst,
            src_port: ends.src_port,
            dst_port: ends.dst_port,
            icmp_id: ends.icmp_id,
            l4: quoted.l4,
            vlans,
            tunnel,
        };
        canonical(key, ends.answerable)
    }

    /// What the envelope of a packet adds to its key.
    #[inline]
    pub(super) fn envelope_parts(self, envelope: &Envelope) -> (VlanStack, Option<TunnelId>) {
        let vlans = if self.key_vlan {
            envelope.vlans
        } else {
            VlanStack::default()
        };
        let tunnel = envelope.tunnel.filter(|_| self.key_tunnel);
        (vlans, tunnel.map(|tunnel| tunnel.id))
    }
}

/// The smaller end first, so that both directions give the same key.
fn canonical(key: FiveTuple, answerable: bool) -> (FiveTuple, Orientation) {
    if answerable && (key.dst, key.dst_port) < (key.src, key.src_port) {
        (key.reversed(), Orientation::Reverse)
    } else {
        (key, Orientation::Forward)
    }
}
