//! The compact forms of keys.

use std::net::{IpAddr, Ipv4Addr};

use flowtrack_common::{CompactKey, FlowKey, L4Proto, TunnelId, TunnelKind, VlanStack};
use proptest::prelude::*;

use super::{FiveTuple, IpPair};

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![9 => any::<Ipv4Addr>().prop_map(IpAddr::V4), 1 => any::<IpAddr>()]
}

fn l4() -> impl Strategy<Value = L4Proto> {
    let number = prop_oneof![prop::sample::select(vec![1, 6, 17, 58, 132]), any::<u8>(),];
    prop_oneof![
        9 => number.prop_map(L4Proto::from_number),
        // With the number of a protocol that has a name, too.
        1 => any::<u8>().prop_map(L4Proto::Other),
    ]
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![0u16..256, any::<u16>()]
}

fn vlans() -> impl Strategy<Value = VlanStack> {
    prop_oneof![4 => Just(VlanStack::default()), 1 => any::<[u16; 2]>().prop_map(VlanStack)]
}

fn tunnel() -> impl Strategy<Value = Option<TunnelId>> {
    let kind = TunnelKind::Vxlan;
    prop::option::weighted(0.2, any::<u32>().prop_map(move |id| TunnelId { kind, id }))
}

prop_compose! {
    fn five_tuple()(
        (src, dst) in (address(), address()),
        (src_port, dst_port) in (port(), port()),
        icmp_id in prop_oneof![Just(0), any::<u16>()],
        l4 in l4(),
        vlans in vlans(),
        tunnel in tunnel(),
    ) -> FiveTuple {
        FiveTuple { src, dst, src_port, dst_port, icmp_id, l4, vlans, tunnel }
    }
}

/// A key of TCP over IPv4.
fn tcp() -> FiveTuple {
    FiveTuple {
        src: Ipv4Addr::new(192, 0, 2, 1).into(),
        dst: Ipv4Addr::new(192, 0, 2, 2).into(),
        src_port: 49_152,
        dst_port: 443,
        icmp_id: 0,
        l4: L4Proto::Tcp,
        vlans: VlanStack::default(),
        tunnel: None,
    }
}

#[test]
fn keys_of_plain_ipv4_fit() {
    let plain = tcp();
    let ping = FiveTuple {
        src_port: 8,
        dst_port: 0,
        icmp_id: 0xbeef,
        l4: L4Proto::Icmp,
        ..plain
    };
    let esp = FiveTuple {
        src_port: 0,
        dst_port: 0,
        l4: L4Proto::Other(50),
        ..plain
    };
    for key in [plain, ping, esp] {
        let compact = key.compact().expect("it fits");
        assert_eq!(FiveTuple::from_compact(compact), Some(key));
    }
    assert_eq!(
        plain.compact(),
        Some(CompactKey([192, 0, 2, 1, 192, 0, 2, 2, 192, 0, 1, 187, 6])),
    );
}

#[test]
fn keys_with_anything_more_do_not_fit() {
    let plain = tcp();
    let keys = [
        FiveTuple {
            src: "2001:db8::1".parse().unwrap(),
            ..plain
        },
        FiveTuple {
            dst: "::ffff:192.0.2.2".parse().unwrap(),
            ..plain
        },
        FiveTuple {
            vlans: VlanStack([7, 0]),
            ..plain
        },
        FiveTuple {
            vlans: VlanStack([0, 7]),
            ..plain
        },
        FiveTuple {
            tunnel: Some(TunnelId {
                kind: TunnelKind::Gre,
                id: 0,
            }),
            ..plain
        },
        FiveTuple {
            icmp_id: 1,
            ..plain
        },
        FiveTuple {
            l4: L4Proto::Other(6),
            ..plain
        },
        FiveTuple {
            l4: L4Proto::Icmp,
            src_port: 8,
            dst_port: 256,
            ..plain
        },
    ];
    for key in keys {
        assert_eq!(key.compact(), None, "{key:?}");
    }
}

proptest! {
    #[test]
    fn a_key_comes_back_from_its_compact_form(key in five_tuple()) {
        if let Some(compact) = key.compact() {
            prop_assert_eq!(FiveTuple::from_compact(compact), Some(key));
        }
    }

    #[test]
    fn a_compact_form_is_that_of_its_key(bytes: [u8; 13]) {
        let compact = CompactKey(bytes);
        let key = FiveTuple::from_compact(compact).expect("every one has a key");
        prop_assert_eq!(key.compact(), Some(compact));
    }

    #[test]
    fn a_pair_comes_back_from_its_compact_form(
        src in address(),
        dst in address(),
        vlans in vlans(),
        tunnel in tunnel(),
    ) {
        let pair = IpPair { src, dst, vlans, tunnel };
        let fits = src.is_ipv4() && dst.is_ipv4() && vlans.is_empty() && tunnel.is_none();
        prop_assert_eq!(pair.compact().is_some(), fits);
        if let Some(compact) = pair.compact() {
            prop_assert_eq!(IpPair::from_compact(compact), Some(pair));
        }
    }

    #[test]
    fn bytes_beyond_two_addresses_are_no_pair(addresses: [u8; 8], more: [u8; 5]) {
        let mut bytes = [0; 13];
        bytes[..8].copy_from_slice(&addresses);
        bytes[8..].copy_from_slice(&more);
        let pair = IpPair::from_compact(CompactKey(bytes));
        prop_assert_eq!(pair.is_some(), more == [0; 5]);
    }
}
