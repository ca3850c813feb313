//! Packet time.

use core::{fmt, time::Duration};

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// A point in time: nanoseconds since the Unix epoch, totally ordered.
///
/// It holds any time up to the year 2554; later ones saturate to [`Timestamp::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);
    /// Later than every other time.
    pub const MAX: Self = Self(u64::MAX);

    /// From seconds and nanoseconds; `nanos` may be a second or more. Saturates.
    pub const fn new(secs: u64, nanos: u32) -> Self {
        Self(
            secs.saturating_mul(NANOS_PER_SEC)
                .saturating_add(nanos as u64),
        )
    }

    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn secs(self) -> u64 {
        self.0 / NANOS_PER_SEC
    }

    /// Nanoseconds within the second.
    pub const fn subsec_nanos(self) -> u32 {
        // The remainder is below 10^9 and fits.
        (self.0 % NANOS_PER_SEC) as u32
    }

    /// Time since `earlier`; zero if `earlier` is later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This time minus `duration`, at least [`Timestamp::EPOCH`].
    #[must_use]
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        let after = Self::EPOCH.saturating_add(duration);
        Self(self.0.saturating_sub(after.0))
    }

    /// This time plus `duration`, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        let nanos = duration
            .as_secs()
            .saturating_mul(NANOS_PER_SEC)
            .saturating_add(duration.subsec_nanos() as u64);
        Self(self.0.saturating_add(nanos))
    }
}

impl fmt::Display for Timestamp {
    /// Seconds with six decimals, as capture tools print them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.secs(), self.subsec_nanos() / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_times_beyond_the_range_of_32_bit_seconds() {
        let t = Timestamp::new(u64::from(u32::MAX) + 10, 5);
        assert_eq!(t.secs(), u64::from(u32::MAX) + 10);
        assert_eq!(t.subsec_nanos(), 5);
    }

    #[test]
    fn differences_and_sums_saturate() {
        let (a, b) = (Timestamp::new(10, 0), Timestamp::new(12, 500));
        assert_eq!(b.saturating_since(a), Duration::new(2, 500));
        assert_eq!(a.saturating_since(b), Duration::ZERO);
        assert_eq!(a.saturating_add(Duration::MAX), Timestamp::MAX);
        assert_eq!(b.saturating_sub(Duration::new(2, 500)), a);
        assert_eq!(b.saturating_sub(Duration::MAX), Timestamp::EPOCH);
        assert_eq!(Timestamp::new(u64::MAX, 0), Timestamp::MAX);
    }
}
