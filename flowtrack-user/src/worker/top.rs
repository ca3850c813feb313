//! The largest live flows of a shard.

use arrayvec::ArrayVec;
use flowtrack_common::FlowStats;

use crate::flow::FiveTuple;

/// Flows that are kept.
const TOP: usize = 10;

/// A large flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopFlow {
    /// The flow, its initiator as source.
    pub key: FiveTuple,
    /// Bytes on the wire so far.
    pub bytes: u64,
    /// Packets so far.
    pub packets: u64,
}

/// The flows with the most bytes, the largest first.
#[derive(Clone, Debug, Default)]
pub struct TopFlows(ArrayVec<TopFlow, TOP>);

impl TopFlows {
    /// Takes a flow in if it is large enough.
    pub fn offer(&mut self, key: FiveTuple, stats: &FlowStats) {
        self.insert(TopFlow {
            key,
            bytes: stats.wire_bytes(),
            packets: stats.packets(),
        });
    }

    /// Bytes below which a flow is not large enough.
    pub fn least(&self) -> u64 {
        let full = self.0.get(TOP - 1);
        full.map_or(0, |least| least.bytes.saturating_add(1))
    }

    /// Takes in all of `other`.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|flow| self.insert(*flow));
    }

    /// The flows, the largest first.
    pub fn iter(&self) -> impl Iterator<Item = &TopFlow> {
        self.0.iter()
    }

    fn insert(&mut self, flow: TopFlow) {
        let at = self.0.partition_point(|other| other.bytes >= flow.bytes);
        if at < TOP {
            self.0.truncate(TOP - 1);
            self.0.insert(at, flow);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use flowtrack_common::{L4Proto, SideStats, VlanStack};

    use super::*;

    #[test]
    fn keeps_the_largest_in_order() {
        let key = |port| FiveTuple {
            src: Ipv4Addr::LOCALHOST.into(),
            dst: Ipv4Addr::LOCALHOST.into(),
            src_port: port,
            dst_port: 1,
            icmp_id: 0,
            l4: L4Proto::Udp,
            vlans: VlanStack::default(),
            tunnel: None,
        };
        let mut top = TopFlows::default();
        for port in [5, 30, 1, 12, 7, 25, 3, 18, 40, 2, 11, 9] {
            let initiator = SideStats {
                wire_bytes: u64::from(port),
                ..SideStats::default()
            };
            top.offer(
                key(port),
                &FlowStats {
                    initiator,
                    ..FlowStats::default()
                },
            );
        }
        let bytes: Vec<_> = top.iter().map(|flow| flow.bytes).collect();
        assert_eq!(bytes, [40, 30, 25, 18, 12, 11, 9, 7, 5, 3]);
    }
}
