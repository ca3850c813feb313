//! Which share of the flows is tracked: fixed, or less under pressure; and what that says about all of
//! them.

mod controller;
mod estimate;
mod gauge;
mod reading;

use std::{fmt, str::FromStr};

pub use self::estimate::{Estimated, SamplingRow};
pub(super) use self::{controller::Controller, estimate::Variance, gauge::Gauge, reading::Sampler};
use crate::flow::{SampleRate, SampleRateError, TrackerConfig};

/// Which share of the flows is tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Always this one.
    Fixed(SampleRate),
    /// All, and less while there is too much for the rings or the tables.
    Auto,
}

impl Sampling {
    /// The share at the start.
    pub const fn first(self) -> SampleRate {
        match self {
            Self::Fixed(rate) => rate,
            Self::Auto => SampleRate::ALL,
        }
    }

    /// Whether it is never anything but all flows.
    pub fn is_off(self) -> bool {
        self == Self::Fixed(SampleRate::ALL)
    }
}

impl FromStr for Sampling {
    type Err = SampleRateError;

    fn from_str(text: &str) -> Result<Self, SampleRateError> {
        match text {
            "auto" => Ok(Self::Auto),
            rate => rate.parse().map(Self::Fixed),
        }
    }
}

impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(rate) => rate.fmt(f),
            Self::Auto => f.write_str("auto"),
        }
    }
}

/// The key of the hash that flows are sampled by: whoever knows it can send flows that are all tracked.
pub(super) fn sample_key(tracker: &TrackerConfig) -> u32 {
    let [a, b, c, d, ..] = tracker.hasher().hash_one("sample").to_ne_bytes();
    u32::from_ne_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_fixed_or_follows_the_pressure() {
        for (text, sampling) in [
            ("auto", Sampling::Auto),
            ("1/1", Sampling::Fixed(SampleRate::ALL)),
        ] {
            assert_eq!(text.parse(), Ok(sampling));
            assert_eq!(sampling.to_string(), text);
        }
        assert!("automatic".parse::<Sampling>().is_err());
        assert!(Sampling::Fixed(SampleRate::ALL).is_off());
        assert!(!Sampling::Auto.is_off());
    }

    #[test]
    fn the_same_hash_key_samples_the_same_flows() {
        let config = |hash_key| TrackerConfig {
            hash_key,
            ..TrackerConfig::default()
        };
        assert_eq!(sample_key(&config(Some(1))), sample_key(&config(Some(1))));
        assert_ne!(sample_key(&config(Some(1))), sample_key(&config(Some(2))));
        assert_ne!(sample_key(&config(None)), sample_key(&config(None)));
    }
}
