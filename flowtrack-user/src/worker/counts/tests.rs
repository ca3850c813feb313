//! The counters as two threads have them on this machine.

use std::thread;

use super::*;

#[test]
fn a_reader_sees_the_counters_of_one_burst() {
    let shared = SharedCounts::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..200_000 {
                let refused = [n; Refusal::ALL.len()];
                shared.store(&ShardCounts {
                    received: n,
                    refused,
                    live: n,
                    ..ShardCounts::default()
                });
            }
        });
        let mut seen = 0;
        while seen < 199_999 {
            let counts = shared.load();
            seen = counts.received;
            assert_eq!(
                (counts.live, counts.refused),
                (seen, [seen; Refusal::ALL.len()])
            );
        }
    });
}

#[test]
fn what_is_stored_is_loaded_and_adds_up() {
    let mut counts = ShardCounts {
        received: 7,
        live: 2,
        ..ShardCounts::default()
    };
    counts.refused[3] = 4;
    let shared = SharedCounts::default();
    shared.store(&counts);
    let mut sum = shared.load();
    assert_eq!(sum, counts);
    sum += counts;
    assert_eq!((sum.received, sum.live, sum.refused[3]), (14, 4, 8));
}
