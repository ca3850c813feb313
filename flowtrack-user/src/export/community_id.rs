//! Community ID, version 1: a name of a flow that is the same in all tools that know it
//! (<https://github.com/corelight/community-id-spec>).

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flowtrack_common::{FlowKey as _, L4Proto};
use sha1::{Digest as _, Sha1};

use crate::flow::FiveTuple;

/// As in all tools that were not told another one.
const SEED: u16 = 0;

/// The Community ID of a flow, the same for both directions; VLANs, tunnels and ICMP identifiers have
/// no part in it.
///
/// `None` where ports belong to it and are not known: in later IP fragments, and in flows of ICMP
/// without its types.
pub fn community_id(key: &FiveTuple) -> Option<String> {
    let ports = (key.src_port, key.dst_port);
    let one_way = match key.l4 {
        // Of a message of ICMP too: an answer to an echo is (0, 8), and ICMPv6 has no type 0.
        L4Proto::Tcp | L4Proto::Udp | L4Proto::Sctp | L4Proto::Icmp | L4Proto::IcmpV6
            if ports == (0, 0) =>
        {
            return None;
        }
        L4Proto::Icmp | L4Proto::IcmpV6 => is_one_way(key)?,
        _ => false,
    };
    let ordered = one_way || (key.src, key.src_port) <= (key.dst, key.dst_port);
    let key = if ordered { *key } else { key.reversed() };

    let mut hash = Sha1::new();
    hash.update(SEED.to_be_bytes());
    for address in [key.src, key.dst] {
        match address {
            IpAddr::V4(address) => hash.update(address.octets()),
            IpAddr::V6(address) => hash.update(address.octets()),
        }
    }
    hash.update([key.l4.number(), 0]);
    if !matches!(key.l4, L4Proto::Other(_)) {
        hash.update(key.src_port.to_be_bytes());
        hash.update(key.dst_port.to_be_bytes());
    }
    Some(format!("1:{}", STANDARD.encode(hash.finalize())))
}

/// Whether an ICMP message has no answer, and so stays in its own direction; `None` if it has one that
/// the ports do not name.
fn is_one_way(key: &FiveTuple) -> Option<bool> {
    match counterpart(key.l4, key.src_port) {
        Some(answer) => (key.dst_port == answer).then_some(false),
        None => Some(true),
    }
}

/// The other type of a query and its answer, in the specification's table: that of Zeek. It stays as
/// it is, whatever else flowtrack comes to know as an answer.
const fn counterpart(l4: L4Proto, kind: u16) -> Option<u16> {
    Some(match (l4, kind) {
        (L4Proto::Icmp, 0) => 8,
        (L4Proto::Icmp, 8) => 0,
        (L4Proto::Icmp, 9 | 13 | 15 | 17)
        | (L4Proto::IcmpV6, 128 | 130 | 133 | 135 | 139 | 144) => kind + 1,
        (L4Proto::Icmp, 10 | 14 | 16 | 18)
        | (L4Proto::IcmpV6, 129 | 131 | 134 | 136 | 140 | 145) => kind - 1,
        _ => return None,
    })
}
