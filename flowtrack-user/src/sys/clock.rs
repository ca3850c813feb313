//! Clocks.
#![forbid(unsafe_code)]

use std::time::Duration;

use flowtrack_common::Timestamp;
use nix::time::{ClockId, clock_gettime};

/// The wall clock.
pub fn now() -> Timestamp {
    read(ClockId::CLOCK_REALTIME)
}

/// Time that this thread has had a processor; what others had it for is not in it.
pub fn thread_time() -> Duration {
    read(ClockId::CLOCK_THREAD_CPUTIME_ID).saturating_since(Timestamp::EPOCH)
}

/// From `CLOCK_TAI`, which the XDP program stamps packets by, to the wall clock, which records are
/// in. The difference is a number of leap seconds and changes once in years, or when a time daemon
/// tells the kernel of it.
#[derive(Clone, Copy, Debug)]
pub struct TaiClock {
    ahead_nanos: i64,
}

impl TaiClock {
    /// Reads both clocks.
    pub fn measure() -> Self {
        const SECOND: i64 = 1_000_000_000;
        let tai = read(ClockId::CLOCK_TAI).as_nanos().cast_signed();
        let ahead = tai.saturating_sub(now().as_nanos().cast_signed());
        // Whole seconds: what is left is the time between the two readings.
        Self {
            ahead_nanos: (ahead + SECOND / 2).div_euclid(SECOND) * SECOND,
        }
    }

    /// The wall clock time of a stamp.
    pub fn wall(self, tai_nanos: u64) -> Timestamp {
        Timestamp::from_nanos(tai_nanos.saturating_add_signed(self.ahead_nanos.saturating_neg()))
    }
}

fn read(clock: ClockId) -> Timestamp {
    // All of them are there on every kernel that has AF_XDP.
    let Ok(time) = clock_gettime(clock) else {
        return Timestamp::EPOCH;
    };
    let secs = u64::try_from(time.tv_sec()).unwrap_or(0);
    Timestamp::new(secs, u32::try_from(time.tv_nsec()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_of_now_is_now_on_the_wall_clock() {
        let stamp = read(ClockId::CLOCK_TAI);
        let wall = TaiClock::measure().wall(stamp.as_nanos());
        let apart = wall
            .saturating_since(now())
            .max(now().saturating_since(wall));
        assert!(apart < Duration::from_millis(500), "{apart:?}");
    }
}
