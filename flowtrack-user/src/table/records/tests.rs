use std::iter;

use proptest::{collection::vec, prelude::*};

use super::*;

/// A flow of its key alone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(128))]
struct Flow {
    links: Links,
    /// Its number and one.
    list: u8,
    key: u64,
}

impl Record for Flow {
    fn links(&self) -> Links {
        self.links
    }

    fn set_links(&mut self, links: Links) {
        self.links = links;
    }

    fn list(&self) -> Option<u8> {
        self.list.checked_sub(1)
    }

    fn set_list(&mut self, list: Option<u8>) {
        self.list = list.map_or(0, |list| list + 1);
    }
}

fn flow(key: u64) -> Flow {
    Flow {
        key,
        ..Flow::default()
    }
}

fn at<const LISTS: usize>(table: &RecordTable<Flow, LISTS>, key: u64, hash: u64) -> Option<SlotId> {
    table.find(hash, |flow| flow.key == key)
}

fn keys<const LISTS: usize>(table: &RecordTable<Flow, LISTS>, list: usize) -> Vec<u64> {
    iter::successors(table.oldest(list), |&id| table.used_after(id))
        .filter_map(|id| table.get(id))
        .map(|flow| flow.key)
        .collect()
}

#[derive(Clone, Debug)]
enum Op {
    Insert(u64, usize),
    Touch(u64, usize),
    Remove(u64),
    Limit(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0..20u64, 0..2usize).prop_map(|(k, c)| Op::Insert(k, c)),
        (0..20u64, 0..2usize).prop_map(|(k, c)| Op::Touch(k, c)),
        (0..20u64).prop_map(Op::Remove),
        (0..12usize).prop_map(Op::Limit),
    ]
}

/// The plainest thing that does the same: per list, keys from least to most recently used.
#[derive(Default)]
struct Model([Vec<u64>; 2]);

impl Model {
    fn has(&self, key: u64) -> bool {
        self.0.iter().any(|list| list.contains(&key))
    }

    fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    fn remove(&mut self, key: u64) {
        for list in &mut self.0 {
            list.retain(|&k| k != key);
        }
    }
}

fn check(table: &RecordTable<Flow, 2>, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(table.len(), model.len());
    prop_assert_eq!(table.is_empty(), model.len() == 0);
    prop_assert_eq!(table.is_full(), model.len() >= table.limit());
    let mut used = Vec::new();
    for (list, expected) in model.0.iter().enumerate() {
        prop_assert_eq!(&keys(table, list), expected);
        prop_assert_eq!(table.list_len(list), expected.len());
        used.extend((!expected.is_empty()).then_some(list));
    }
    prop_assert_eq!(table.used_lists().collect::<Vec<_>>(), used);

    let mut seen = Vec::new();
    let mut cursor = Some(0);
    while let Some(at) = cursor {
        cursor = table.visit(at, 3, |id, flow| {
            assert_eq!(table.get(id), Some(flow));
            seen.push(flow.key);
        });
    }
    seen.sort_unstable();
    let mut all = model.0.concat();
    all.sort_unstable();
    prop_assert_eq!(seen, all);
    Ok(())
}

proptest! {
    #[test]
    fn behaves_like_lists_in_the_order_of_last_use(
        ops in vec(op(), 0..200),
        hashes in any::<[u64; 20]>(),
    ) {
        let hash = |key: u64| hashes[usize::try_from(key).unwrap()];
        let mut table = RecordTable::<Flow, 2>::try_new(8, Paging::Now).unwrap();
        let mut model = Model::default();
        let mut room = 8;
        for op in ops {
            match op {
                Op::Insert(key, list) => {
                    let fits = model.len() < room;
                    if !model.has(key) {
                        let inserted = table.insert(hash(key), flow(key), list);
                        prop_assert_eq!(inserted.ok(), at(&table, key, hash(key)));
                        prop_assert_eq!(inserted.is_ok(), fits);
                        model.0[list].extend(fits.then_some(key));
                    }
                }
                Op::Touch(key, list) => {
                    if let Some(id) = at(&table, key, hash(key)) {
                        table.touch(id, list);
                        model.remove(key);
                        model.0[list].push(key);
                    }
                }
                Op::Remove(key) => {
                    let found = at(&table, key, hash(key));
                    prop_assert_eq!(found.is_some(), model.has(key));
                    if let Some(id) = found {
                        prop_assert_eq!(table.remove(id, !hash(key)), None);
                        prop_assert_eq!(table.remove(id, hash(key)).map(|flow| flow.key), Some(key));
                        prop_assert_eq!(table.get(id), None);
                        prop_assert_eq!(table.get_mut(id), None);
                        prop_assert_eq!(table.remove(id, hash(key)), None);
                        table.touch(id, 0);
                    }
                    model.remove(key);
                }
                Op::Limit(limit) => {
                    table.set_limit(limit);
                    room = limit.clamp(1, 8);
                }
            }
            prop_assert_eq!(table.limit(), room);
            check(&table, &model)?;
        }
    }
}

#[test]
fn a_table_whose_hashes_are_all_the_same_names_a_flow_to_be_ended() {
    let mut table = RecordTable::<Flow, 1>::try_new(10_000, Paging::Now).unwrap();
    let mut key = 0;
    let other = loop {
        match table.insert(7, flow(key), 0) {
            Ok(_) => key += 1,
            Err(Full::Table) => panic!("{key} flows"),
            Err(Full::Buckets(other)) => break other,
        }
    };
    assert_eq!(key, 32 * 12);
    assert_eq!(table.len(), 32 * 12);
    assert_eq!(keys(&table, 0), (0..key).collect::<Vec<_>>());

    let ended = table.remove(other, 7).unwrap();
    let id = table.insert(7, flow(key), 0).unwrap();
    assert_eq!(at(&table, key, 7), Some(id));
    let others = (0..=key).filter(|&key| key != ended.key);
    assert_eq!(keys(&table, 0), others.collect::<Vec<_>>());
}

#[test]
fn flows_can_be_in_each_of_128_lists() {
    let mut table = RecordTable::<Flow, 128>::try_new(256, Paging::Now).unwrap();
    for key in 0..128u64 {
        table
            .insert(key << 56, flow(key), usize::try_from(key).unwrap())
            .unwrap();
    }
    assert!(table.used_lists().eq(0..128));
    for key in 0..128u64 {
        table.touch(at(&table, key, key << 56).unwrap(), 127);
    }
    assert!(table.used_lists().eq([127]));
    assert_eq!(keys(&table, 127).len(), 128);
    assert_eq!((table.list_len(128), table.oldest(128)), (0, None));
}

#[test]
fn a_cursor_that_prefetches_removals_sees_the_flows_in_the_order_of_their_use() {
    let mut table = RecordTable::<Flow, 2>::try_new(8, Paging::Now).unwrap();
    for key in [3, 1, 2, 0] {
        table.insert(key, flow(key), 1).unwrap();
    }
    let mut hashed = Vec::new();
    let mut cursor = table.oldest(1);
    while let Some(id) = cursor {
        cursor = table.prefetch_removal(id, |flow| {
            hashed.push(flow.key);
            flow.key
        });
    }
    assert_eq!(hashed, [3, 1, 2, 0]);
    let removed = table.oldest(1).unwrap();
    table.remove(removed, 3);
    assert_eq!(table.prefetch_removal(removed, |flow| flow.key), None);
}

#[test]
fn takes_the_memory_that_it_says() {
    type Table = RecordTable<Flow, 1>;
    for flows in [1, 100, 1000, 100_000, 1 << 20] {
        let table = Table::try_new(flows, Paging::Now).unwrap();
        let taken =
            table.index.bytes() + table.records.room() * size_of::<Flow>() + size_of_val(&table);
        let said = Table::memory(flows);
        // Whole pages, and huge ones from 2 MiB on.
        let pages = if flows < 10_000 { 4096 } else { 2 << 20 };
        assert!(taken <= said && said < taken + 2 * pages, "{taken} {said}");
    }
    assert!(Table::memory(1 << 20) <= 144 << 20);
    assert_eq!(Table::memory(0), Table::memory(1));
}

#[test]
fn does_not_grow_or_wear_out() {
    let mut table = RecordTable::<Flow, 1>::try_new(100, Paging::Now).unwrap();
    let hash = |key: u64| key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for key in 0..100_000 {
        if table.is_full() {
            let oldest = table.oldest(0).unwrap();
            let oldest_key = table.get(oldest).unwrap().key;
            assert_eq!(oldest_key, key - 100);
            table.remove(oldest, hash(oldest_key)).unwrap();
        }
        table.insert(hash(key), flow(key), 0).unwrap();
    }
    assert_eq!(
        (table.len(), table.capacity(), table.records.len()),
        (100, 100, 100)
    );
}
