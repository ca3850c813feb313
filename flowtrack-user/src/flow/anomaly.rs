//! How often a flow reports that something is wrong with it.

use std::time::Duration;

use flowtrack_common::{AnomalyKind, FlowSide, Timestamp};

/// The number of the interval that `now` lies in, modulo 2^32.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half tells intervals apart"
)]
pub(super) fn interval_number(now: Timestamp, interval: Duration) -> u32 {
    let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    let number = now.as_nanos() / nanos.max(1);
    number as u32
}

/// What a flow has reported in one interval: a bit for each kind and side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reported {
    interval: u32,
    kinds: u16,
}

impl Reported {
    /// Whether `kind` has yet to be reported in `interval`. From now on it has been.
    pub(super) fn is_new(&mut self, interval: u32, kind: &AnomalyKind) -> bool {
        if self.interval != interval {
            *self = Self { interval, kinds: 0 };
        }
        let bit = bit(kind);
        let new = self.kinds & bit == 0;
        self.kinds |= bit;
        new
    }
}

/// The bit of a kind and its side; none for what does not concern one flow.
const fn bit(kind: &AnomalyKind) -> u16 {
    let (number, side) = match kind {
        AnomalyKind::OutOfOrder { side } => (0, side),
        AnomalyKind::Retransmission { side } => (1, side),
        AnomalyKind::SequenceGap { side, .. } => (2, side),
        AnomalyKind::OutOfWindow { side } => (3, side),
        AnomalyKind::BadHeaderLength { side } => (4, side),
        AnomalyKind::BadChecksum { side } => (5, side),
        AnomalyKind::FragmentOverlap { side } => (6, side),
        AnomalyKind::TinyFragment { side } => (7, side),
        AnomalyKind::SynFloodTarget | AnomalyKind::FlowTableEvictionPressure(_) => return 0,
    };
    match side {
        FlowSide::Initiator => 1 << (2 * number),
        FlowSide::Responder => 2 << (2 * number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds() -> Vec<AnomalyKind> {
        [FlowSide::Initiator, FlowSide::Responder]
            .into_iter()
            .flat_map(|side| {
                [
                    AnomalyKind::OutOfOrder { side },
                    AnomalyKind::Retransmission { side },
                    AnomalyKind::SequenceGap { side, bytes: 1 },
                    AnomalyKind::OutOfWindow { side },
                    AnomalyKind::BadHeaderLength { side },
                    AnomalyKind::BadChecksum { side },
                    AnomalyKind::FragmentOverlap { side },
                    AnomalyKind::TinyFragment { side },
                ]
            })
            .collect()
    }

    #[test]
    fn each_kind_of_each_side_is_new_once_an_interval() {
        let mut reported = Reported::default();
        for interval in [7, 8, 7] {
            for kind in kinds() {
                assert!(reported.is_new(interval, &kind), "{kind:?}");
            }
            for kind in kinds() {
                assert!(!reported.is_new(interval, &kind), "{kind:?}");
            }
        }
    }

    #[test]
    fn intervals_begin_at_multiples_of_their_length() {
        let number = |millis: u64| {
            let now = Timestamp::from_nanos(millis * 1_000_000);
            interval_number(now, Duration::from_secs(1))
        };
        assert_eq!([0, 999, 1000, 1999, 2000].map(number), [0, 0, 1, 1, 2]);
        assert_eq!(interval_number(Timestamp::new(5, 0), Duration::MAX), 0);
        interval_number(Timestamp::MAX, Duration::ZERO);
    }
}
