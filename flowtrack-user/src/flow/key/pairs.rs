//! Pairs of addresses: all that two ends say to each other is one flow.

use std::net::{IpAddr, Ipv4Addr};

use flowtrack_common::{CompactKey, FlowKey, TunnelId, VlanStack};

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

    /// The addresses of IPv4, where nothing else is part of the key.
    #[inline]
    fn compact(&self) -> Option<CompactKey> {
        let (IpAddr::V4(src), IpAddr::V4(dst)) = (self.src, self.dst) else {
            return None;
        };
        if !self.vlans.is_empty() || self.tunnel.is_some() {
            return None;
        }
        let [s0, s1, s2, s3] = src.octets();
        let [d0, d1, d2, d3] = dst.octets();
        Some(CompactKey([s0, s1, s2, s3, d0, d1, d2, d3, 0, 0, 0, 0, 0]))
    }

    #[inline]
    fn from_compact(CompactKey(bytes): CompactKey) -> Option<Self> {
        let [s0, s1, s2, s3, d0, d1, d2, d3, 0, 0, 0, 0, 0] = bytes else {
            return None;
        };
        Some(Self {
            src: Ipv4Addr::new(s0, s1, s2, s3).into(),
            dst: Ipv4Addr::new(d0, d1, d2, d3).into(),
            vlans: VlanStack::default(),
            tunnel: None,
        })
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
