//! The ledger of a run.

use flowtrack_common::abi::Verdicts;

use crate::{
    control::{
        Ledger, Moment,
        port::PortCounts,
        sampling::{Sampling, SamplingRow, Variance},
    },
    export::OutputStatus,
    worker::ShardCounts,
};

/// The ledger of all interfaces.
pub(super) fn ledger(
    ports: &[PortCounts],
    arrived: &[(u64, u64)],
    outputs: Vec<OutputStatus>,
    moment: Moment,
) -> Ledger {
    let parts: Vec<_> = ports.iter().flat_map(|port| port.parts(arrived)).collect();
    let mut others = Verdicts::default();
    for verdicts in ports.iter().flat_map(|port| &port.verdicts.others) {
        others += *verdicts;
    }
    let rows = ports.iter().flat_map(PortCounts::rows).collect();
    Ledger::new(&parts, outputs, moment).with_interfaces(rows, &others)
}

/// The same, with what the sample says of all flows, if there is one.
pub(super) fn with_sampling(
    mut ledger: Ledger,
    sampling: Sampling,
    ports: &[PortCounts],
    variance: &Variance,
) -> Ledger {
    if sampling.is_off() {
        return ledger;
    }
    let mut counts = ShardCounts::default();
    for port in ports {
        for queue in &port.counts {
            counts += *queue;
        }
    }
    let rate = ports.iter().map(|port| port.rate).max();
    let least = ports.iter().map(|port| port.least_rate).max();
    ledger.sampling = Some(SamplingRow::new(
        (rate.unwrap_or_default(), least.unwrap_or_default()),
        ledger.total.xdp.unwrap_or_default().sampled_out,
        &counts,
        variance,
    ));
    ledger
}
