//! What there would have been without sampling, and how far off that may be.

use serde::Serialize;

use crate::{
    control::Counted,
    flow::{FiveTuple, FlowRecord, SampleRate},
    worker::ShardCounts,
};

/// Sampling, as the ledger has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SamplingRow {
    /// One flow in so many is tracked at present, where it is fewest.
    pub sampled: u32,
    /// The same at its largest so far.
    pub sampled_at_most: u32,
    /// Of flows that are not in the sample.
    pub sampled_out: Counted,
    /// Flows.
    pub flows: Estimated,
    /// Packets of flows.
    pub packets: Estimated,
    /// Their bytes on the wire.
    pub bytes: Estimated,
}

/// A sum over all flows, estimated from those in the sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimated {
    /// The sum.
    pub estimate: u64,
    /// Its standard error.
    pub error: f64,
}

/// Variances of the sums over all flows (Horvitz and Thompson, 1952).
///
/// Each flow is in the sample with the probability p = 1/N, whatever others do. A sum over the sample of
/// y/p then has the variance of the sum over the sample of y² (1 - p)/p², which is y² N (N - 1).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::control) struct Variance {
    flows: f64,
    packets: f64,
    bytes: f64,
}

impl Variance {
    /// Adds what a flow adds by its last record, which has all of it.
    pub(in crate::control) fn add(&mut self, record: &FlowRecord<FiveTuple>) {
        let n = f64::from(record.stats.completeness.sampled.max(1));
        if record.reason.end().is_none() || n <= 1.0 {
            return;
        }
        let factor = n * (n - 1.0);
        self.flows += factor;
        self.packets += factor * float(record.stats.packets()).powi(2);
        self.bytes += factor * float(record.stats.wire_bytes()).powi(2);
    }

    /// The variance of the sum of both.
    pub(in crate::control) fn merge(&mut self, other: &Self) {
        self.flows += other.flows;
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

impl SamplingRow {
    /// Of a run in which `rate` is in force, and `least` was where it was least.
    pub(in crate::control) fn new(
        (rate, least): (SampleRate, SampleRate),
        sampled_out: Counted,
        counts: &ShardCounts,
        variance: &Variance,
    ) -> Self {
        let estimated = |estimate, variance: f64| Estimated {
            estimate,
            error: variance.sqrt(),
        };
        Self {
            sampled: rate.n(),
            sampled_at_most: least.n(),
            sampled_out,
            flows: estimated(counts.estimated_flows, variance.flows),
            packets: estimated(counts.estimated_packets, variance.packets),
            bytes: estimated(counts.estimated_bytes, variance.bytes),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an error is known to a few digits"
)]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use std::iter;

    use flowtrack_common::FlowStats;

    use super::*;
    use crate::flow::{
        RecordReason,
        tests::script::{converse, handshake},
    };

    fn of(packets: u64, sampled: u32) -> FlowRecord<FiveTuple> {
        let mut record = converse(&handshake());
        record.stats = FlowStats::default();
        record.stats.initiator.packets = packets;
        record.stats.initiator.wire_bytes = 100 * packets;
        record.stats.completeness.sampled = sampled;
        record
    }

    fn sum(records: &[FlowRecord<FiveTuple>]) -> Variance {
        let mut variance = Variance::default();
        for record in records {
            variance.add(record);
        }
        variance
    }

    #[test]
    fn the_error_is_that_of_horvitz_and_thompson() {
        let records: Vec<_> = iter::repeat_n(of(3, 8), 100).collect();
        let row = SamplingRow::new(
            (SampleRate::ALL, SampleRate::one_in(8).unwrap()),
            Counted::default(),
            &ShardCounts::default(),
            &sum(&records),
        );
        // 100 flows with N (N - 1) = 56 each.
        assert!((row.flows.error - 5600_f64.sqrt()).abs() < 1e-9);
        assert!((row.packets.error - 3.0 * 5600_f64.sqrt()).abs() < 1e-9);
        assert!((row.bytes.error - 300.0 * 5600_f64.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn only_a_flow_of_a_sample_adds_to_the_error_and_only_once() {
        let mut part = of(3, 8);
        part.reason = RecordReason::ActiveTimeout;
        assert_eq!(sum(&[of(3, 0), of(3, 1), part]), Variance::default());
    }
}
