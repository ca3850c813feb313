//! Times of many bursts.

use std::time::Duration;

use super::{Report, Unit};

/// Times of bursts, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Samples(Vec<u64>);

impl Samples {
    /// No time yet, and room for `count`.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Adds a time.
    #[inline]
    pub(super) fn push(&mut self, time: Duration) {
        self.0
            .push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// All of it, in nanoseconds.
    #[expect(clippy::cast_precision_loss, reason = "a run takes less than 2^53 ns")]
    pub(super) fn total(&self) -> f64 {
        self.0.iter().sum::<u64>() as f64
    }

    /// Keeps of each time the shorter one of two identical runs: what held up only one of them, another
    /// process or the host of a virtual machine, is in neither.
    pub(super) fn keep_shorter(&mut self, other: &Self) {
        for (time, &other) in self.0.iter_mut().zip(&other.0) {
            *time = other.min(*time);
        }
    }

    /// The time that so many in a thousand do not exceed, in nanoseconds; 0 if there is none.
    pub(super) fn permille(&self, permille: usize) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        let at = (last * permille).div_ceil(1000);
        sorted.get(at).copied().unwrap_or(0)
    }

    /// The one in the middle.
    pub(super) fn median(&self) -> u64 {
        self.permille(500)
    }

    /// The longest one.
    pub(super) fn longest(&self) -> u64 {
        self.permille(1000)
    }

    /// How many times the median of `other` the longest one is.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a burst takes less than 2^53 ns"
    )]
    pub(super) fn longest_to_median_of(&self, other: &Self) -> f64 {
        self.longest() as f64 / other.median() as f64
    }

    /// Puts the median, the time that one in a thousand exceeds, and the longest one into `report`.
    pub(super) fn report(&self, keys: [&'static str; 3], report: &mut Report) {
        let times = [500, 999, 1000].map(|permille| self.permille(permille));
        for (key, time) in keys.into_iter().zip(times) {
            report.count(key, time, Unit::Nanos);
        }
    }
}

/// The middle one of some numbers; 0 if there is none.
pub(super) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(nanos: impl IntoIterator<Item = u64>) -> Samples {
        Samples(nanos.into_iter().collect())
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let thousand = samples((1..=1001).rev());
        let at = [0, 1, 500, 999, 1000].map(|permille| thousand.permille(permille));
        assert_eq!(at, [1, 2, 501, 1000, 1001]);
        assert_eq!(samples([7]).median(), 7);
        assert_eq!(samples([]).longest(), 0);
        let ratio = samples([9, 3]).longest_to_median_of(&samples([2, 2, 90]));
        assert_eq!(ratio.to_bits(), 4.5_f64.to_bits());
        assert_eq!(median(&[3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median(&[]).to_bits(), 0);
    }

    #[test]
    fn what_held_up_one_run_is_gone() {
        let mut first = samples([5, 900, 5]);
        first.keep_shorter(&samples([800, 6, 4]));
        assert_eq!(first, samples([5, 6, 4]));
    }
}
