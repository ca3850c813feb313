//! Pairs of addresses: all that two ends say to each other is one flow.

use std::net::IpAddr;

use flowtrack_common::{FlowKey, TunnelId, VlanStack};

/// Two IP addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpPair {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// VLANs, if they are part of the key.
    pub vlans: VlanStack,
    /// Tunnel, if it is part of the key and the packets are in one.
    pub tunnel: Option<TunnelId>,
}

/// Two MAC addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacPair {
    /// Source address.
    pub src: [u8; 6],
    /// Destination address.
    pub dst: [u8; 6],
    /// VLANs, if they are part of the key.
    pub vlans: VlanStack,
}

impl FlowKey for IpPair {
    fn reversed(self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            ..self
        }
    }

    fn destination(&self) -> Option<IpAddr> {
        Some(self.dst)
    }
}

impl FlowKey for MacPair {
    fn reversed(self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            ..self
        }
    }
}
