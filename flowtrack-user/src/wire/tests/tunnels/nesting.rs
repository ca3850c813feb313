//! Tunnels in tunnels.

use std::net::{IpAddr, Ipv4Addr};

use flowtrack_common::{TunnelId, TunnelKind, VlanStack};

use super::{
    super::{
        frames::{IPV4, IPV6, UDP, VLAN, ethernet, frame, ipv4, ipv6, udp},
        wrapped::{IP_IN_IP, gtpu, vxlan},
    },
    all, v4,
};
use crate::wire::{Packet, packets};

#[test]
fn tunnels_in_tunnels_are_followed_to_a_bound() {
    let nested = |tunnels: usize| (0..tunnels).fold(v4(), |inner, _| ipv4(IP_IN_IP, &inner));
    for tunnels in 0..12 {
        let found = all(&nested(tunnels));
        assert_eq!(found.len(), tunnels.min(8) + 1);
        for (depth, packet) in (0..).zip(&found) {
            let envelope = packet.unwrap().envelope;
            assert_eq!(envelope.depth, depth);
            assert_eq!(envelope.carries, usize::from(depth) < tunnels.min(8));
        }
    }
}

#[test]
fn each_packet_knows_the_vlans_and_the_tunnel_right_around_it() {
    let vxlan_inner = ethernet(&[VLAN, VLAN, IPV4], &v4());
    let gtp = ipv4(UDP, &udp(1, 4789, &vxlan(8, 3, &vxlan_inner)));
    let outer = ipv6(UDP, &udp(2152, 2152, &gtpu(4, &gtp)));
    let bytes = ethernet(&[VLAN, IPV6], &outer);
    let found: Vec<_> = packets(&frame(&bytes)).map(Result::unwrap).collect();
    let [first, second, third] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(first.envelope.vlans, VlanStack([100, 0]));
    assert_eq!(first.envelope.tunnel, None);
    assert_eq!(second.envelope.vlans, VlanStack::default());
    let tunnel = |packet: &Packet| packet.envelope.tunnel.unwrap();
    assert_eq!(tunnel(second).id.kind, TunnelKind::Gtpu);
    assert_eq!(
        (tunnel(second).src, tunnel(second).dst),
        (first.src, first.dst)
    );
    assert_eq!(third.envelope.vlans, VlanStack([100, 100]));
    assert_eq!(
        tunnel(third).id,
        TunnelId {
            kind: TunnelKind::Vxlan,
            id: 3
        }
    );
    assert_eq!(tunnel(third).src, IpAddr::from(Ipv4Addr::new(10, 0, 0, 1)));
    assert_eq!(
        found
            .iter()
            .map(|packet| packet.envelope.depth)
            .collect::<Vec<_>>(),
        [0, 1, 2]
    );
}
