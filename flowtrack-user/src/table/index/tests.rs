use std::collections::HashMap;

use proptest::{collection::vec, prelude::*};

use super::*;

#[derive(Clone, Debug)]
enum Op {
    Insert(u64),
    Remove(usize),
}

/// Hashes of few buckets and few tags: most look-ups meet an entry that is not theirs, and buckets
/// overflow, also from the last one to the first.
fn hash() -> impl Strategy<Value = u64> {
    let high = prop_oneof![Just(0), Just(u64::MAX), Just(1 << 63), any::<u64>()];
    (high, 0..3u64).prop_map(|(high, low)| high & !0xff | low)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => hash().prop_map(Op::Insert),
        1 => any::<usize>().prop_map(Op::Remove),
    ]
}

/// How many entries each bucket must have counted, by what lies where.
fn passed(index: &Index, hashes: &HashMap<u32, u64>) -> Vec<u32> {
    let mut passed = vec![0; index.buckets.len()];
    for (slot, &hash) in hashes {
        for at in index.probes(hash) {
            let bucket = &index.buckets[at];
            if bucket.tagged(tag(hash)).any(|found| found == *slot) {
                break;
            }
            passed[at] += 1;
        }
    }
    passed
}

proptest! {
    #[test]
    fn behaves_like_a_map_whatever_the_hashes(ops in vec(op(), 0..400), capacity in 1..300usize) {
        let mut index = Index::try_new(capacity).unwrap();
        let mut model = HashMap::<u32, u64>::new();
        for (slot, op) in (0..).zip(ops) {
            match op {
                Op::Insert(hash) => {
                    if index.insert(hash, slot) {
                        model.insert(slot, hash);
                    } else {
                        prop_assert!(model.len() >= index.buckets.len().min(PROBES) * ENTRIES);
                    }
                }
                Op::Remove(which) => {
                    let slots: Vec<u32> = model.keys().copied().collect();
                    if let Some(slot) = slots.get(which % slots.len().max(1)) {
                        let hash = model.remove(slot).unwrap();
                        prop_assert!(index.remove(hash, *slot));
                        prop_assert!(!index.remove(hash, *slot));
                    }
                }
            }
        }
        for (slot, hash) in &model {
            prop_assert_eq!(index.find(*hash, |found| found == *slot), Some(*slot));
        }
        let counted: Vec<u32> = index.buckets.iter().map(Bucket::passed).collect();
        prop_assert_eq!(counted, passed(&index, &model));
        for (slot, hash) in model {
            prop_assert!(index.remove(hash, slot));
        }
        for bucket in index.buckets.iter() {
            prop_assert_eq!(bucket.head, [0; 16]);
        }
    }

    #[test]
    fn a_look_up_asks_about_slots_of_the_same_tag_only(hashes in vec(hash(), 0..100)) {
        let mut index = Index::try_new(200).unwrap();
        for (slot, hash) in (0..).zip(&hashes) {
            prop_assert!(index.insert(*hash, slot));
        }
        for hash in &hashes {
            let mut asked = Vec::new();
            prop_assert_eq!(index.find(*hash, |slot| { asked.push(slot); false }), None);
            for (slot, other) in (0..).zip(&hashes) {
                prop_assert!(other != hash || asked.contains(&slot));
            }
            prop_assert!(asked.iter().all(|&slot| tag(hashes[slot as usize]) == tag(*hash)));
            for candidate in index.candidates(*hash) {
                prop_assert!(asked.contains(&candidate));
            }
        }
    }
}

#[test]
fn every_byte_of_a_hash_gives_a_tag_that_is_not_free() {
    let mut index = Index::try_new(1000).unwrap();
    for low in 0..=255u64 {
        assert!(index.insert(low, u32::try_from(low).unwrap()));
    }
    for low in 0..=255u64 {
        let slot = u32::try_from(low).unwrap();
        assert_eq!(index.find(low, |found| found == slot), Some(slot));
    }
}

#[test]
fn an_entry_is_refused_when_all_buckets_that_it_may_lie_in_are_full() {
    let mut index = Index::try_new(10_000).unwrap();
    let room = u32::try_from(PROBES * ENTRIES).unwrap();
    for slot in 0..room {
        assert!(index.insert(0, slot), "{slot}");
    }
    let before: Vec<_> = index.buckets.iter().map(|b| (b.head, b.slots)).collect();
    assert!(!index.insert(0, room));
    let after: Vec<_> = index.buckets.iter().map(|b| (b.head, b.slots)).collect();
    assert_eq!(before, after);
    assert!(after[PROBES..].iter().all(|(head, _)| *head == [0; 16]));

    // A look-up sees each of them and stops.
    let mut asked = 0;
    assert_eq!(
        index.find(0, |_| {
            asked += 1;
            false
        }),
        None
    );
    assert_eq!(asked, room);

    // Without any one of its bucket there is room.
    let slot = index.any(0).unwrap();
    assert!(index.remove(0, slot));
    assert!(index.insert(0, room));
    assert_eq!(index.find(0, |found| found == room), Some(room));
}

#[test]
fn a_look_up_ends_at_a_bucket_that_nothing_went_past() {
    let mut index = Index::try_new(10_000).unwrap();
    let entries = u32::try_from(ENTRIES).unwrap();
    for slot in 0..=entries {
        index.insert(0, slot);
    }
    let asked = |index: &Index| {
        let mut asked = 0;
        index.find(0, |_| {
            asked += 1;
            false
        });
        asked
    };
    assert_eq!(asked(&index), entries + 1);
    assert!(index.remove(0, entries));
    assert_eq!(asked(&index), entries);
    assert_eq!(index.buckets[0].passed(), 0);
}

#[test]
fn buckets_are_two_thirds_full_at_capacity() {
    for capacity in [0, 1, 8, 9, 84, 85, 1_000_000] {
        let index = Index::try_new(capacity).unwrap();
        let buckets = index.buckets.len();
        assert!(buckets * ENTRIES * 13 >= capacity * 20, "{capacity}");
        assert!(
            buckets == 1 || (buckets - 1) * ENTRIES * 13 < capacity * 20,
            "{capacity}"
        );
        assert_eq!(Index::memory(capacity), Region::<Bucket>::memory(buckets));
    }
}
