//! Where flows are found.

use flowtrack_common::{CompactKey, VlanStack};

use super::*;
use crate::flow::{
    FiveTuple,
    tests::script::{START, udp},
};

fn store() -> FlowStore<FiveTuple> {
    FlowStore::try_new(&TrackerConfig::default()).unwrap()
}

/// The key of a flow, compact or not.
fn key(number: u16, wide: bool) -> FiveTuple {
    let mut key = udp(number, START).packet.key;
    if wide {
        key.vlans = VlanStack([7, 0]);
    }
    key
}

fn insert(flows: &mut FlowStore<FiveTuple>, key: FiveTuple) -> SlotId {
    let lookup = flows.lookup(&key);
    let inserted = flows.insert_packed(&lookup, key, Packed::default(), 0);
    inserted.unwrap()
}

#[test]
fn a_flow_is_found_by_its_key_alone_even_where_hashes_are_the_same() {
    for wide in [false, true] {
        let mut flows = store();
        let (own, other) = (key(1, wide), key(2, wide));
        let id = insert(&mut flows, own);
        let lookup = flows.lookup(&own);
        assert_eq!(flows.find(&lookup, &own), Some(id));
        let same_hash = Lookup {
            hash: lookup.hash,
            ..flows.lookup(&other)
        };
        assert_eq!(flows.find(&same_hash, &other), None, "wide: {wide}");
    }
}

#[test]
fn a_wide_key_is_not_taken_for_a_compact_one() {
    let mut flows = store();
    let (wide, plain) = (key(1, true), key(1, false));
    insert(&mut flows, wide);
    let hash = flows.lookup(&wide).hash;
    // The first wide key has the number 0, and a record has zeros where that stands.
    for bytes in [
        [0; 13],
        plain.compact().map_or([0; 13], |CompactKey(bytes)| bytes),
    ] {
        let compact = Some(Words::of(bytes));
        assert_eq!(flows.find(&Lookup { hash, compact }, &plain), None);
    }
}

#[test]
fn a_compact_key_is_not_taken_for_a_wide_one() {
    let mut flows = store();
    let (wide, plain) = (key(1, true), key(1, false));
    insert(&mut flows, plain);
    let hash = flows.lookup(&plain).hash;
    assert_eq!(
        flows.find(
            &Lookup {
                hash,
                compact: None
            },
            &wide
        ),
        None
    );
}
