//! A start for several threads.

use std::{
    hint,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Lets threads begin at the same time. They do not sleep until then: to be woken up takes one as long as
/// hundreds of packets.
#[derive(Debug)]
pub(super) struct Gate {
    missing: AtomicUsize,
}

impl Gate {
    /// A gate that opens when so many threads are there.
    pub(super) const fn new(threads: usize) -> Self {
        Self {
            missing: AtomicUsize::new(threads),
        }
    }

    /// One thread less to wait for.
    pub(super) fn arrive(&self) {
        self.missing.fetch_sub(1, Ordering::AcqRel);
    }

    /// Arrives and waits for all the others, which may need this processor.
    pub(super) fn pass(&self) {
        self.arrive();
        while self.missing.load(Ordering::Acquire) > 0 {
            hint::spin_loop();
            thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn nobody_passes_before_all_are_there() {
        let gate = Gate::new(2);
        let passed = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                gate.pass();
                passed.store(true, Ordering::Relaxed);
            });
            thread::sleep(std::time::Duration::from_millis(10));
            assert!(!passed.load(Ordering::Relaxed));
            gate.pass();
        });
        assert!(passed.load(Ordering::Relaxed));
    }
}
