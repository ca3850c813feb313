//! Pieces of datagrams, in any order.

mod datagrams;
mod follow;
mod pieces;
mod reassemble;

use std::net::Ipv4Addr;

use flowtrack_common::{Envelope, L4Proto, Timestamp};

use super::DatagramKey;
use crate::wire::{Fragment, Packet, Transport};

/// A fragment of a datagram, the first if `offset` is 0.
fn fragment(offset: u32, len: u32, more: bool) -> Fragment {
    Fragment {
        id: 1,
        offset,
        len,
        more,
        header_at: 0,
        header_len: 20,
    }
}

/// A packet that is this fragment.
fn packet(fragment: Fragment) -> Packet {
    Packet {
        src: Ipv4Addr::new(10, 0, 0, 1).into(),
        dst: Ipv4Addr::new(10, 0, 0, 2).into(),
        l4: L4Proto::Udp,
        ip_len: fragment.header_len + fragment.len,
        ttl: 64,
        transport: Transport::Fragment {
            payload_len: fragment.len,
        },
        truncated: false,
        envelope: Envelope::default(),
        fragment: Some(fragment),
        quoted: None,
    }
}

/// The datagram number `id`.
fn datagram(id: u32) -> DatagramKey {
    let fragment = Fragment {
        id,
        ..fragment(0, 8, true)
    };
    DatagramKey::new(&packet(fragment), &fragment)
}

const fn at(secs: u64) -> Timestamp {
    Timestamp::new(1000 + secs, 0)
}
