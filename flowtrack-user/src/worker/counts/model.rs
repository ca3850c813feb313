//! The counters under every order of loads and stores that the memory model of C11 allows: the same
//! code, with loom's atomics and few counters.

use loom::{
    hint,
    sync::{
        Arc,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
            fence,
        },
    },
    thread,
};

shard_counts! {
    scalars {
        /// The number of the burst.
        received,
    }
    arrays {
        /// The same number.
        refused: 1,
    }
}

/// One thread stores so often, another loads: what it gets is one burst. With `preemptions`, only in the
/// orders in which a thread is interrupted no more often than that.
fn one_burst_is_seen(stores: u64, preemptions: Option<usize>) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = preemptions;
    model.check(move || {
        let shared = Arc::new(SharedCounts::default());
        let writer = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for n in 1..=stores {
                    let refused = [n];
                    shared.store(&ShardCounts {
                        received: n,
                        refused,
                    });
                }
            }
        });
        let counts = shared.load();
        assert_eq!(counts.refused, [counts.received]);
        assert!(writer.join().is_ok());
        assert_eq!(shared.load().received, stores, "what was stored last");
    });
}

#[test]
fn no_order_of_loads_and_stores_mixes_a_burst_with_the_start() {
    one_burst_is_seen(1, None);
}

// All orders, without a bound, take half a minute. Each weaker ordering than those in the code, and
// each check left out, is found within two preemptions.
#[test]
fn no_order_of_loads_and_stores_mixes_two_bursts() {
    one_burst_is_seen(2, Some(3));
}
