//! Which share of the flows is tracked, and what that says about all of them.

use std::{fmt, num::NonZeroU32, str::FromStr};

use flowtrack_common::Timestamp;

use super::tracker::TrackerCounters;

/// One flow in so many is tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleRate(NonZeroU32);

/// It cannot be a rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write 1/N, with N from 1 to {}", SampleRate::MAX)]
pub struct SampleRateError;

impl SampleRate {
    /// All flows.
    pub const ALL: Self = Self(NonZeroU32::MIN);
    /// The largest N of 1/N.
    pub const MAX: u32 = 65_536;

    /// One in `n`, from 1 to [`SampleRate::MAX`].
    pub fn one_in(n: u32) -> Result<Self, SampleRateError> {
        let n = NonZeroU32::new(n).filter(|n| n.get() <= Self::MAX);
        n.map(Self).ok_or(SampleRateError)
    }

    /// N of 1/N.
    pub const fn n(self) -> u32 {
        self.0.get()
    }

    /// Flows whose hash is below it are tracked; 0 stands for all. Where one N divides another, the
    /// flows of the smaller share are among those of the larger one.
    pub fn bound(self) -> u32 {
        // All 2^32 hashes do not fit.
        u32::try_from((1 << 32) / u64::from(self.n())).unwrap_or(0)
    }

    /// Half the share.
    #[must_use]
    pub fn halved(self) -> Self {
        Self::one_in(self.n().saturating_mul(2)).unwrap_or(self)
    }

    /// Twice the share, at most all flows.
    #[must_use]
    pub fn doubled(self) -> Self {
        Self::one_in(self.n() / 2).unwrap_or(Self::ALL)
    }
}

impl Default for SampleRate {
    fn default() -> Self {
        Self::ALL
    }
}

impl FromStr for SampleRate {
    type Err = SampleRateError;

    fn from_str(text: &str) -> Result<Self, SampleRateError> {
        let n = text.strip_prefix("1/").and_then(|n| n.parse().ok());
        Self::one_in(n.ok_or(SampleRateError)?)
    }
}

impl fmt::Display for SampleRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1/{}", self.n())
    }
}

/// What there would have been without sampling: each packet, and each flow that began, stands for N of
/// them, with the rate 1/N that was in force then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Flows.
    pub flows: u64,
    /// Packets.
    pub packets: u64,
    /// Bytes on the wire.
    pub bytes: u64,
}

/// The rates of a tracker, from its start.
#[derive(Debug, Default)]
pub(super) struct Sampling {
    rate: SampleRate,
    /// Smaller shares that were tracked before, each with the time of its end: the smallest first. A
    /// share that was left before a smaller one says nothing, and is not kept.
    left: Vec<(SampleRate, Timestamp)>,
    /// Up to the last change of the rate.
    settled: Estimate,
    /// What had been counted by then.
    counted: Estimate,
}

impl Sampling {
    /// From now on it is `rate`; all packets until `now` came at the rate before, or at this one.
    pub(super) fn set(&mut self, rate: SampleRate, now: Timestamp, counters: &TrackerCounters) {
        if rate == self.rate {
            return;
        }
        self.settled = self.estimate(counters);
        self.counted = Estimate::of(counters);
        let before = std::mem::replace(&mut self.rate, rate);
        self.left.retain(|(kept, _)| *kept > before);
        self.left.push((before, now));
        self.left.retain(|(kept, _)| *kept > rate);
    }

    /// Which share of the flows was tracked, at its smallest, since a flow began: as in
    /// [`Completeness`](flowtrack_common::Completeness).
    pub(super) fn sampled_since(&self, started: Timestamp) -> u32 {
        let lived = |&&(_, left): &&(SampleRate, Timestamp)| left >= started;
        let smallest = self
            .left
            .iter()
            .find(lived)
            .map_or(self.rate, |(rate, _)| *rate);
        if smallest == SampleRate::ALL {
            0
        } else {
            smallest.n()
        }
    }

    /// What there would have been without sampling.
    pub(super) fn estimate(&self, counters: &TrackerCounters) -> Estimate {
        let n = u64::from(self.rate.n());
        let now = Estimate::of(counters);
        let grown = |settled: u64, now: u64, before: u64| {
            settled.saturating_add(now.saturating_sub(before).saturating_mul(n))
        };
        Estimate {
            flows: grown(self.settled.flows, now.flows, self.counted.flows),
            packets: grown(self.settled.packets, now.packets, self.counted.packets),
            bytes: grown(self.settled.bytes, now.bytes, self.counted.bytes),
        }
    }
}

impl Estimate {
    /// What was counted, as it is.
    fn of(counters: &TrackerCounters) -> Self {
        Self {
            flows: counters.created,
            packets: counters.packets,
            bytes: counters.wire_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(n: u32) -> SampleRate {
        SampleRate::one_in(n).unwrap()
    }

    fn sampled(sampling: &Sampling, started: u64) -> u32 {
        sampling.sampled_since(Timestamp::new(started, 0))
    }

    #[test]
    fn a_rate_is_written_as_a_fraction() {
        for (text, n) in [("1/1", 1), ("1/8", 8), ("1/100", 100), ("1/65536", 65_536)] {
            let parsed: SampleRate = text.parse().unwrap();
            assert_eq!((parsed.n(), parsed.to_string()), (n, text.to_owned()));
        }
        for text in ["1/0", "1/65537", "8", "2/8", "1/", "1/-1", "auto", ""] {
            assert_eq!(text.parse::<SampleRate>(), Err(SampleRateError), "{text}");
        }
    }

    #[test]
    fn the_bound_is_that_share_of_all_hashes_and_shares_are_nested() {
        for (n, bound) in [
            (1, 0),
            (2, 1 << 31),
            (3, 0x5555_5555),
            (8, 1 << 29),
            (65_536, 1 << 16),
        ] {
            assert_eq!(rate(n).bound(), bound, "{n}");
        }
        for n in 2..=512 {
            assert!(rate(2 * n).bound() <= rate(n).bound());
            assert_eq!(rate(n).halved().doubled(), rate(n));
        }
        assert_eq!(rate(SampleRate::MAX).halved(), rate(SampleRate::MAX));
        assert_eq!(SampleRate::ALL.doubled(), SampleRate::ALL);
    }

    #[test]
    fn a_flow_has_the_smallest_share_of_its_life() {
        let mut sampling = Sampling::default();
        assert_eq!(sampled(&sampling, 0), 0, "all flows");
        for (at, n) in [(10, 8), (20, 2), (30, 4), (40, 1)] {
            let now = Timestamp::new(at, 0);
            sampling.set(rate(n), now, &TrackerCounters::default());
        }
        for (started, n) in [(5, 8), (15, 8), (20, 8), (21, 4), (40, 4), (41, 0)] {
            assert_eq!(sampled(&sampling, started), n, "started at {started}");
        }
    }

    #[test]
    fn rates_that_come_again_and_again_take_no_memory() {
        let mut sampling = Sampling::default();
        for second in 0..1000 {
            let n = 1 << (second * 7 % 11);
            let now = Timestamp::new(second, 0);
            sampling.set(rate(n), now, &TrackerCounters::default());
            assert!(sampling.left.len() <= 10);
        }
    }

    #[test]
    fn each_packet_counts_by_the_rate_that_it_came_at() {
        let counters = |created, packets| TrackerCounters {
            created,
            packets,
            wire_bytes: 100 * packets,
            ..TrackerCounters::default()
        };
        let mut sampling = Sampling::default();
        sampling.set(rate(4), Timestamp::EPOCH, &counters(10, 100));
        sampling.set(rate(2), Timestamp::EPOCH, &counters(12, 110));
        let expected = Estimate {
            flows: 10 + 2 * 4 + 2,
            packets: 100 + 10 * 4 + 5 * 2,
            bytes: 100 * 150,
        };
        assert_eq!(sampling.estimate(&counters(13, 115)), expected);
    }
}
