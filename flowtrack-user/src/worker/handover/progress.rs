//! What a worker says of itself to the others.

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use flowtrack_common::Timestamp;

/// How far a worker has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// All packets of its queue that were stamped before this time are in the rings.
    pub(super) up_to: Timestamp,
    /// All packets of its queue are.
    pub(super) is_over: bool,
}

macro_rules! progress {
    () => {
        /// How far a worker has come, for the others to see. One thread stores. What it had put into a
        /// ring before is there for whoever has loaded. It has its cache lines for itself, and x86
        /// fetches them in pairs.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub(super) struct Progress {
            up_to: AtomicU64,
            is_over: AtomicBool,
            losses: AtomicU64,
        }

        impl Progress {
            /// All packets that were stamped before `up_to` are in the rings.
            pub(super) fn advance(&self, up_to: Timestamp) {
                self.up_to.store(up_to.as_nanos(), Release);
            }

            /// All packets are in the rings.
            pub(super) fn close(&self) {
                self.is_over.store(true, Release);
            }

            /// What was said last.
            pub(super) fn reach(&self) -> Reach {
                Reach {
                    is_over: self.is_over.load(Acquire),
                    up_to: Timestamp::from_nanos(self.up_to.load(Acquire)),
                }
            }

            /// Packets were lost.
            pub(super) fn lose(&self) {
                let losses = self.losses.load(Relaxed);
                self.losses.store(losses.wrapping_add(1), Relaxed);
            }

            /// Times that packets were lost.
            pub(super) fn losses(&self) -> u64 {
                self.losses.load(Relaxed)
            }
        }
    };
}

progress!();

#[cfg(test)]
mod model;
