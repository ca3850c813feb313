//! The five-tuple of a packet.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::{BitXor, Mul},
};

use flowtrack_common::{Envelope, L4Proto, Orientation, TunnelId, VlanStack};

use super::{ExtractorConfig, IcmpFlows, SctpFlows};
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
    /// What the transport header of a packet adds to its key; `None` if it is not in the packet.
    #[inline]
    pub(super) fn ends(self, packet: &Packet) -> Option<Ends> {
        match packet.transport {
            Transport::Tcp { ports, .. } | Transport::Datagram { ports, .. } => {
                Some(self.ports(packet.l4, ports))
            }
            Transport::Icmp { message, .. } => Some(Ends::message(message, self.icmp)),
            Transport::Other { .. } => Some(Ends::NONE),
            Transport::Fragment { .. } => None,
        }
    }

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
#[inline]
fn canonical(key: FiveTuple, answerable: bool) -> (FiveTuple, Orientation) {
    let ports = [key.src_port, key.dst_port];
    let (src, dst, reverse) = match (key.src, key.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let addresses = [src.to_bits(), dst.to_bits()];
            let reverse = answerable & is_reverse(addresses, ports);
            let [src, dst] = swapped_if(reverse, addresses).map(Ipv4Addr::from_bits);
            (src.into(), dst.into(), reverse)
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let addresses = [src.to_bits(), dst.to_bits()];
            let reverse = answerable & is_reverse(addresses, ports);
            let [src, dst] = swapped_if(reverse, addresses).map(Ipv6Addr::from_bits);
            (src.into(), dst.into(), reverse)
        }
        // Of no packet that there is.
        (src, dst) if answerable && dst < src => (dst, src, true),
        (src, dst) => (src, dst, false),
    };
    let [src_port, dst_port] = swapped_if(reverse, ports);
    let key = FiveTuple {
        src,
        dst,
        src_port,
        dst_port,
        ..key
    };
    let orientation = if reverse {
        Orientation::Reverse
    } else {
        Orientation::Forward
    };
    (key, orientation)
}

/// Whether the second end is the smaller one.
#[inline]
fn is_reverse<A: Ord>([src, dst]: [A; 2], [src_port, dst_port]: [u16; 2]) -> bool {
    (dst, dst_port) < (src, src_port)
}

/// Two numbers, the other way round if `swap`. No processor can guess the direction of the next packet,
/// so there is no branch.
#[inline]
fn swapped_if<N>(swap: bool, [a, b]: [N; 2]) -> [N; 2]
where
    N: Copy + From<bool> + BitXor<Output = N> + Mul<Output = N>,
{
    let difference = (a ^ b) * N::from(swap);
    [a ^ difference, b ^ difference]
}
