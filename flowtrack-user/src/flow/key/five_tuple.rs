//! The five-tuple.

use std::net::{IpAddr, Ipv4Addr};

use flowtrack_common::{CompactKey, FlowKey, L4Proto, TunnelId, VlanStack};

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

    /// Addresses, ports and protocol of IPv4, where nothing else is part of the key.
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
        let [p0, p1, p2, p3] = self.compact_ports()?;
        let l4 = self.l4.number();
        Some(CompactKey([
            s0, s1, s2, s3, d0, d1, d2, d3, p0, p1, p2, p3, l4,
        ]))
    }

    #[inline]
    fn from_compact(CompactKey(bytes): CompactKey) -> Option<Self> {
        let [s0, s1, s2, s3, d0, d1, d2, d3, p0, p1, p2, p3, number] = bytes;
        let l4 = L4Proto::from_number(number);
        let (src_port, dst_port, icmp_id) = if has_types(l4) {
            (p0.into(), p1.into(), u16::from_be_bytes([p2, p3]))
        } else {
            (
                u16::from_be_bytes([p0, p1]),
                u16::from_be_bytes([p2, p3]),
                0,
            )
        };
        Some(Self {
            src: Ipv4Addr::new(s0, s1, s2, s3).into(),
            dst: Ipv4Addr::new(d0, d1, d2, d3).into(),
            src_port,
            dst_port,
            icmp_id,
            l4,
            vlans: VlanStack::default(),
            tunnel: None,
        })
    }
}

impl FiveTuple {
    /// Both ports, or both types of ICMP and the identifier. `None` for what no packet has.
    #[inline]
    fn compact_ports(&self) -> Option<[u8; 4]> {
        let (first, second) = if has_types(self.l4) {
            let types = [self.src_port, self.dst_port].map(u8::try_from);
            let [Ok(src), Ok(dst)] = types else {
                return None;
            };
            ([src, dst], self.icmp_id.to_be_bytes())
        } else {
            let is_named = match self.l4 {
                L4Proto::Other(number) => L4Proto::from_number(number) == self.l4,
                _ => true,
            };
            (is_named && self.icmp_id == 0)
                .then_some((self.src_port.to_be_bytes(), self.dst_port.to_be_bytes()))?
        };
        let ([p0, p1], [p2, p3]) = (first, second);
        Some([p0, p1, p2, p3])
    }
}

/// Whether the ports are types, and there may be an identifier.
const fn has_types(l4: L4Proto) -> bool {
    matches!(l4, L4Proto::Icmp | L4Proto::IcmpV6)
}
