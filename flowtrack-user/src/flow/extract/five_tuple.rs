//! The five-tuple of a packet.

use std::{
    hint::select_unpredictable,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use flowtrack_common::{Envelope, L4Proto, Orientation, TunnelId, VlanStack};

use super::{ExtractorConfig, IcmpFlows, SctpFlows};
use crate::{
    flow::FiveTuple,
    wire::{Address, IcmpMessage, Packet, Plain, Ports, Quoted, Transport},
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

    pub(in crate::flow) const fn ports(ports: Ports) -> Self {
        Self {
            src_port: ports.src,
            dst_port: ports.dst,
            ..Self::NONE
        }
    }

    #[inline]
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
    /// What the transport header of a packet adds to its key; `None` if it is not in the packet.
    #[expect(clippy::inline_always, reason = "see `wire::straight`")]
    #[inline(always)]
    pub(super) fn ends(self, l4: L4Proto, transport: &Transport) -> Option<Ends> {
        match *transport {
            Transport::Tcp { ports, .. } | Transport::Datagram { ports, .. } => {
                Some(self.ports(l4, ports))
            }
            Transport::Icmp { message, .. } => Some(Ends::message(message, self.icmp)),
            Transport::Other { .. } => Some(Ends::NONE),
            Transport::Fragment { .. } => None,
        }
    }

    #[inline]
    fn ports(self, l4: L4Proto, ports: Ports) -> Ends {
        if l4 == L4Proto::Sctp && self.sctp == SctpFlows::Hosts {
            Ends::NONE
        } else {
            Ends::ports(ports)
        }
    }

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

    /// The same for a plain packet.
    #[expect(clippy::inline_always, reason = "see `wire::straight`")]
    #[inline(always)]
    pub(super) fn plain_key<A: Address>(self, packet: &Plain<A>) -> (FiveTuple, Orientation) {
        let [src, dst] = packet.addresses.map(A::ip);
        let ends = self
            .ends(packet.l4, &packet.transport)
            .unwrap_or(Ends::NONE);
        let key = FiveTuple {
            src,
            dst,
            src_port: ends.src_port,
            dst_port: ends.dst_port,
            icmp_id: ends.icmp_id,
            l4: packet.l4,
            vlans: self.vlans(packet.vlans),
            tunnel: None,
        };
        with_ends(key, packet.addresses, ends.answerable)
    }

    /// The same for the packet that an ICMP error quotes: it came in the same networks.
    pub(super) fn quoted_key(
        self,
        quoted: &Quoted,
        envelope: &Envelope,
    ) -> (FiveTuple, Orientation) {
        let ends = match quoted.message {
            Some(message) => Ends::message(message, self.icmp),
            None => self.ports(quoted.l4, quoted.ports),
        };
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
        let tunnel = envelope.tunnel.filter(|_| self.key_tunnel);
        (self.vlans(envelope.vlans), tunnel.map(|tunnel| tunnel.id))
    }

    /// The VLANs that are part of a key.
    #[inline]
    fn vlans(self, vlans: VlanStack) -> VlanStack {
        if self.key_vlan {
            vlans
        } else {
            VlanStack::default()
        }
    }
}

/// The smaller end first, so that both directions give the same key.
#[inline]
fn canonical(key: FiveTuple, answerable: bool) -> (FiveTuple, Orientation) {
    match (key.src, key.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            with_ends(key, [src, dst].map(Ipv4Addr::to_bits), answerable)
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            with_ends(key, [src, dst].map(Ipv6Addr::to_bits), answerable)
        }
        // No packet has addresses of both versions.
        _ => (key, Orientation::Forward),
    }
}

/// The key between two addresses, that with the smaller port first if they are the same. No processor
/// can guess the direction of the next packet, so there is no branch.
#[expect(clippy::inline_always, reason = "see `wire::straight`")]
#[inline(always)]
fn with_ends<A: Address>(
    key: FiveTuple,
    [src, dst]: [A; 2],
    answerable: bool,
) -> (FiveTuple, Orientation) {
    let FiveTuple {
        src_port, dst_port, ..
    } = key;
    let is_second_smaller = (dst, dst_port) < (src, src_port);
    let reverse = answerable & is_second_smaller;
    let key = FiveTuple {
        src: select_unpredictable(reverse, dst, src).ip(),
        dst: select_unpredictable(reverse, src, dst).ip(),
        src_port: select_unpredictable(reverse, dst_port, src_port),
        dst_port: select_unpredictable(reverse, src_port, dst_port),
        ..key
    };
    let orientation = if reverse {
        Orientation::Reverse
    } else {
        Orientation::Forward
    };
    (key, orientation)
}
