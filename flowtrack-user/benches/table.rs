//! What the flow table costs: `cargo bench -p flowtrack --bench table`.
//!
//! Each group does the same to a table of records and to the hash map of the standard library
//! (hashbrown), with the same hashes, keys and values. The ratio of the two tells something on a busy
//! machine too; the times alone do not.
#![expect(
    clippy::expect_used,
    reason = "a benchmark without memory has nothing to measure"
)]

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    hint::black_box,
    iter,
    time::Duration,
};

use ahash::RandomState;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use flowtrack::table::{Links, Paging, Record, RecordTable, SlotId};

/// Look-ups in one batch.
const BATCH: usize = 64;

/// Flows in the table.
const SIZES: [usize; 3] = [4 << 10, 64 << 10, 1 << 20];

/// Batches of one iteration, over which a new order of look-ups is drawn.
const BATCHES: usize = 1024;

/// A flow that is as large as those of the tracker.
#[derive(Clone, Copy, Default)]
#[repr(C, align(128))]
struct Flow {
    key: Key,
    packets: u64,
    bytes: u64,
    links: Links,
    /// Its number and one.
    list: u8,
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

/// As long as two IPv4 addresses, two ports and a protocol.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Key {
    number: u64,
    rest: [u8; 5],
}

/// A key with its hash, as the flow table's caller has them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Hashed {
    key: Key,
    hash: u64,
}

impl std::hash::Hash for Hashed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Takes a hash as it is.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Map = HashMap<Hashed, Flow, BuildHasherDefault<AsItIs>>;
type Table = RecordTable<Flow, 2>;

/// Keys and what chooses among them, the same in each run.
struct Keys {
    hasher: RandomState,
    random: u64,
}

impl Keys {
    fn new() -> Self {
        Self {
            hasher: RandomState::with_seeds(1, 2, 3, 4),
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    fn nth(&self, number: usize) -> Hashed {
        let number = number as u64;
        let key = Key {
            number,
            rest: [6; 5],
        };
        let hash = self.hasher.hash_one(number);
        Hashed { key, hash }
    }

    /// A number below `end`, by xorshift.
    fn below(&mut self, end: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 16).unwrap_or(0) % end
    }

    fn some(&mut self, count: usize, end: usize) -> Vec<Hashed> {
        (0..count)
            .map(|_| {
                let number = self.below(end);
                self.nth(number)
            })
            .collect()
    }
}

fn flow(key: Key) -> Flow {
    Flow {
        key,
        ..Flow::default()
    }
}

fn table(flows: usize, keys: &Keys) -> Table {
    let mut table = Table::try_new(flows, Paging::Now).expect("memory for the table");
    for number in 0..flows {
        let Hashed { key, hash } = keys.nth(number);
        table.insert(hash, flow(key), 0).expect("room for a flow");
    }
    table
}

/// Lets the flows be used in an order that is not that of their places.
fn shuffle(table: &mut Table, flows: usize) {
    let mut keys = Keys::new();
    for wanted in keys.some(2 * flows, flows) {
        if let Some(id) = find(table, wanted) {
            table.touch(id, 0);
        }
    }
}

fn map(flows: usize, keys: &Keys) -> Map {
    let mut map = Map::with_capacity_and_hasher(flows, BuildHasherDefault::default());
    map.extend((0..flows).map(|number| {
        let hashed = keys.nth(number);
        (hashed, flow(hashed.key))
    }));
    map
}

fn find(table: &Table, Hashed { key, hash }: Hashed) -> Option<SlotId> {
    table.find(hash, |flow| flow.key == key)
}

fn prefetch(table: &Table, batch: &[Hashed]) {
    for wanted in batch {
        table.prefetch_bucket(wanted.hash);
    }
    for wanted in batch {
        table.prefetch_record(wanted.hash);
    }
}

fn count(flow: Option<&mut Flow>) {
    if let Some(flow) = flow {
        flow.packets += 1;
        flow.bytes += 60;
    }
}

/// A packet of a flow that is there: found, and counted in its record.
fn hits(criterion: &mut Criterion) {
    for flows in SIZES {
        let mut keys = Keys::new();
        let (mut table, mut map) = (table(flows, &keys), map(flows, &keys));
        let wanted = keys.some(BATCHES * BATCH, flows);
        let mut group = group(criterion, "hit", wanted.len());
        group.bench_function(BenchmarkId::new("prefetched", flows), |bencher| {
            bencher.iter(|| {
                for batch in wanted.chunks(BATCH) {
                    prefetch(&table, batch);
                    for wanted in batch {
                        let found = find(&table, *wanted);
                        count(found.and_then(|id| table.get_mut(id)));
                    }
                }
            });
        });
        group.bench_function(BenchmarkId::new("plain", flows), |bencher| {
            bencher.iter(|| {
                for wanted in &wanted {
                    let found = find(&table, *wanted);
                    count(found.and_then(|id| table.get_mut(id)));
                }
            });
        });
        group.bench_function(BenchmarkId::new("hashbrown", flows), |bencher| {
            bencher.iter(|| {
                for wanted in &wanted {
                    count(map.get_mut(wanted));
                }
            });
        });
        black_box((&table, &map));
    }
}

/// The table is full and each packet begins a flow: the least recently used one makes room.
fn new_flows(criterion: &mut Criterion) {
    for flows in SIZES {
        let keys = Keys::new();
        let (mut table, mut map) = (table(flows, &keys), map(flows, &keys));
        let mut group = group(criterion, "insert and remove", BATCHES * BATCH);
        shuffle(&mut table, flows);
        let mut ahead = ahead(&table);
        let mut next = flows;
        let mut batch = Vec::with_capacity(BATCH);
        group.bench_function(BenchmarkId::new("prefetched", flows), |bencher| {
            bencher.iter(|| {
                for _ in 0..BATCHES {
                    batch.clear();
                    batch.extend((next..next + BATCH).map(|number| keys.nth(number)));
                    next += BATCH;
                    evict_and_insert(&mut table, &keys, &batch, &mut ahead);
                }
            });
        });
        let mut next = flows;
        group.bench_function(BenchmarkId::new("hashbrown", flows), |bencher| {
            bencher.iter(|| {
                for _ in 0..BATCHES * BATCH {
                    let (old, new) = (keys.nth(next - flows), keys.nth(next));
                    map.remove(&old);
                    map.insert(new, flow(new.key));
                    next += 1;
                }
            });
        });
        black_box((&table, &map));
    }
}

fn evict_and_insert(table: &mut Table, keys: &Keys, batch: &[Hashed], ahead: &mut Option<SlotId>) {
    let hash = |flow: &Flow| keys.hasher.hash_one(flow.key.number);
    for new in batch {
        table.prefetch_bucket(new.hash);
    }
    for new in batch {
        *ahead = ahead.and_then(|id| table.prefetch_removal(id, hash));
        let oldest = table.oldest(0);
        if let Some((id, hash)) = oldest.and_then(|id| Some((id, hash(table.get(id)?)))) {
            table.remove(id, hash);
        }
        let inserted = table.insert(new.hash, flow(new.key), 0);
        assert!(inserted.is_ok(), "room for a flow");
    }
}

/// Where a cursor begins that runs some flows ahead of the oldest.
fn ahead(table: &Table) -> Option<SlotId> {
    iter::successors(table.oldest(0), |&id| table.used_after(id)).nth(8)
}

/// A flow that is found becomes the most recently used one of its list.
fn touches(criterion: &mut Criterion) {
    for flows in SIZES {
        let mut keys = Keys::new();
        let mut table = table(flows, &keys);
        let wanted = keys.some(BATCHES * BATCH, flows);
        let mut group = group(criterion, "touch", wanted.len());
        group.bench_function(BenchmarkId::new("prefetched", flows), |bencher| {
            bencher.iter(|| {
                for batch in wanted.chunks(BATCH) {
                    prefetch(&table, batch);
                    for wanted in batch {
                        if let Some(id) = find(&table, *wanted) {
                            table.touch(id, 0);
                        }
                    }
                }
            });
        });
    }
}

fn group<'a>(
    criterion: &'a mut Criterion,
    name: &str,
    elements: usize,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .throughput(Throughput::Elements(elements as u64))
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20);
    group
}

criterion_group!(benches, hits, new_flows, touches);
criterion_main!(benches);
