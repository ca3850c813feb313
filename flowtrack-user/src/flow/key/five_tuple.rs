//! The five-tuple.

use std::net::IpAddr;

use flowtrack_common::{FlowKey, L4Proto, TunnelId, VlanStack};

/// Addresses, ports and protocol of a flow.
///
/// For ICMP the source port is the type and the destination port that of the answer, or the code
/// where there is no answer. For protocols without ports, and for IP fragments other than the first,
/// both are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiveTuple {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Identifier of an ICMP query and its answer, else 0.
    pub icmp_id: u16,
    /// Transport protocol.
    pub l4: L4Proto,
    /// VLANs, if they are part of the key.
    pub vlans: VlanStack,
    /// Tunnel, if it is part of the key and the packets are in one.
    pub tunnel: Option<TunnelId>,
}

impl FlowKey for FiveTuple {
    fn reversed(self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            src_port: self.dst_port,
            dst_port: self.src_port,
            ..self
        }
    }

    fn destination(&self) -> Option<IpAddr> {
        Some(self.dst)
    }

    fn ports(&self) -> Option<(u16, u16)> {
        Some((self.src_port, self.dst_port))
    }
}
