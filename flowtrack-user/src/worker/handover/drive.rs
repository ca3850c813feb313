//! What was handed over is taken in by the shard.

use std::{
    thread,
    time::{Duration, Instant},
};

use flowtrack_common::Timestamp;

use super::Handover;
use crate::{sys::clock, worker::Shard};

/// Rounds in which packets are taken in, before the own queue is looked after again.
const ROUNDS: usize = 8;
/// The others may take so long to drain their queues at the end.
const END_WAIT: Duration = Duration::from_secs(5);
/// From one look for the end of the others to the next.
const LOOK: Duration = Duration::from_millis(1);

impl Handover {
    /// Takes in what is due for `shard`, in a bounded number of rounds. Returns whether there may be more.
    /// It is `now` by the wall clock.
    pub(in crate::worker) fn take_in(&mut self, shard: &mut Shard, now: Timestamp) -> bool {
        let mut round = || {
            let (due, more) = self.take(now);
            shard.burst(due);
            more
        };
        (0..ROUNDS).all(|_| round())
    }

    /// Tells the others that no more packets come from here, and takes in what they still have for
    /// `shard`. Whoever does not come to an end is not waited for.
    pub(in crate::worker) fn finish(&mut self, shard: &mut Shard) {
        self.close();
        let start = Instant::now();
        loop {
            let more = self.take_in(shard, clock::now());
            if !more && (self.is_over() || start.elapsed() > END_WAIT) {
                break;
            }
            if !more {
                thread::sleep(LOOK);
            }
        }
        // Flows end by the time of all packets, whichever shard they are on.
        shard.idle(self.time());
        if self.has_lost() {
            shard.capture_lost();
        }
    }
}
