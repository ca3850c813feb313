//! A memory of the datagrams that fragments were seen of.

use std::{net::IpAddr, time::Duration};

use ahash::RandomState;
use flowtrack_common::{L4Proto, Timestamp, TunnelId, VlanStack};

use crate::wire::{Fragment, Packet};

/// Time without a fragment after which a datagram is forgotten. Hosts give one up after 15 to 60
/// seconds (RFC 1122, section 3.3.2; RFC 8200, section 4.5).
const TIMEOUT: Duration = Duration::from_secs(30);
/// Places that a datagram can take; when all are taken, the one that was silent longest goes.
const WAYS: usize = 4;

/// Which datagram a fragment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::flow) struct DatagramKey {
    src: IpAddr,
    dst: IpAddr,
    id: u32,
    /// IPv4 only: the identifier is unique for a protocol (RFC 791). In IPv6 it is for two addresses,
    /// and later fragments need not name the protocol that is found in the first (RFC 8200).
    l4: Option<L4Proto>,
    vlans: VlanStack,
    tunnel: Option<TunnelId>,
}

impl DatagramKey {
    /// The datagram that `packet` is a fragment of. Networks that are told apart by VLAN or by tunnel
    /// have identifiers of their own, whether or not they tell flows apart.
    pub(in crate::flow) fn new(packet: &Packet, fragment: &Fragment) -> Self {
        Self {
            src: packet.src,
            dst: packet.dst,
            id: fragment.id,
            l4: packet.src.is_ipv4().then_some(packet.l4),
            vlans: packet.envelope.vlans,
            tunnel: packet.envelope.tunnel.map(|tunnel| tunnel.id),
        }
    }
}

/// What is known of a bounded number of datagrams.
#[derive(Clone, Debug)]
pub(super) struct Datagrams<T> {
    slots: Box<[Option<Slot<T>>]>,
    hasher: RandomState,
}

#[derive(Clone, Debug)]
struct Slot<T> {
    key: DatagramKey,
    seen: Timestamp,
    value: T,
}

impl<T: Clone + Default> Datagrams<T> {
    /// A memory of `sets` times four datagrams.
    pub(super) fn new(sets: usize, hasher: RandomState) -> Self {
        Self {
            slots: vec![None; sets * WAYS].into_boxed_slice(),
            hasher,
        }
    }

    /// What is known of a datagram that is seen at `now`: at first, nothing. `None` only of a memory
    /// that has no room at all.
    pub(super) fn get(&mut self, key: DatagramKey, now: Timestamp) -> Option<&mut T> {
        let ways = self.ways(&key)?;
        let way = match ways.iter().position(|place| is(place.as_ref(), &key, now)) {
            Some(way) => way,
            None => oldest(ways)?,
        };
        let place = ways.get_mut(way)?;
        if !is(place.as_ref(), &key, now) {
            *place = None;
        }
        let slot = place.get_or_insert(Slot {
            key,
            seen: now,
            value: T::default(),
        });
        slot.seen = slot.seen.max(now);
        Some(&mut slot.value)
    }

    /// Forgets a datagram.
    pub(super) fn forget(&mut self, key: &DatagramKey) {
        for slot in self.ways(key).into_iter().flatten() {
            if slot.as_ref().is_some_and(|slot| slot.key == *key) {
                *slot = None;
            }
        }
    }

    /// The places that a datagram can take.
    fn ways(&mut self, key: &DatagramKey) -> Option<&mut [Option<Slot<T>>]> {
        let sets = (self.slots.len() / WAYS) as u64;
        let set = self.hasher.hash_one(key).checked_rem(sets)?;
        self.slots
            .chunks_exact_mut(WAYS)
            .nth(usize::try_from(set).ok()?)
    }
}

/// Whether a place has this datagram, and not an earlier one of the same name.
fn is<T>(place: Option<&Slot<T>>, key: &DatagramKey, now: Timestamp) -> bool {
    place.is_some_and(|slot| {
        // The clock may have been set back since.
        let since = now.saturating_since(slot.seen);
        let ahead = slot.seen.saturating_since(now);
        slot.key == *key && since.max(ahead) <= TIMEOUT
    })
}

/// A free place, or the one that was silent longest.
fn oldest<T>(ways: &[Option<Slot<T>>]) -> Option<usize> {
    let seen = |slot: &Option<Slot<T>>| slot.as_ref().map(|slot| slot.seen);
    (0..ways.len()).min_by_key(|way| ways.get(*way).and_then(seen))
}
