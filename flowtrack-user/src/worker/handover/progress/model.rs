//! The progress of a worker under every order of loads and stores that the memory model of C11 allows:
//! the same code, with loom's atomics.

use flowtrack_common::Timestamp;
use loom::{
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    thread,
};

use super::Reach;

progress!();

const PACKETS: u64 = 2;

/// A worker puts packets stamped 0, 1, ... into a ring; another one looks at its progress, then into the
/// ring. The ring itself orders nothing here.
#[test]
fn no_order_of_loads_and_stores_hides_a_packet_that_was_handed_over() {
    loom::model(|| {
        let shared = Arc::new((Progress::default(), AtomicU64::new(0)));
        let source = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let (progress, ring) = &*shared;
                for stamp in 0..PACKETS {
                    ring.store(stamp + 1, Relaxed);
                    progress.advance(Timestamp::from_nanos(stamp + 1));
                }
                progress.close();
            }
        });
        let (progress, ring) = &*shared;
        let reach = progress.reach();
        let in_ring = ring.load(Relaxed);
        assert!(in_ring >= reach.up_to.as_nanos());
        assert!(!reach.is_over || in_ring == PACKETS);
        assert!(source.join().is_ok());
        progress.lose();
        assert_eq!(progress.losses(), 1);
    });
}
