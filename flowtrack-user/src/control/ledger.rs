//! The ledger: where every packet went, row by row, and what is left unexplained.
//!
//! Each row closes against the one before it. What does not is the residual: it is shown as a number
//! of its own, and it is 0 unless something was lost that nobody counted.

mod handover;
mod residual;
mod text;
mod xdp;

use std::{collections::BTreeMap, fmt};

use flowtrack_common::{EndReason, abi::Verdicts};
use serde::Serialize;

pub use self::{
    handover::HandoverRow,
    residual::{Moment, Residual},
    xdp::{Counted, XdpRow},
};
use super::{nic::NicRow, sampling::SamplingRow, steering::SteeringRow, watchdog::WatchdogRow};
use crate::{export::OutputStatus, wire::Refusal, worker::ShardCounts};

/// Packets that may be between the XDP program and the worker of a queue at any moment: a full RX
/// ring, a few polls of the driver, and what the socket has dropped since its counters were read.
const IN_FLIGHT_MAX: i64 = 1 << 17;

/// All rows, for each queue and in total.
#[derive(Clone, Debug, Serialize)]
pub struct Ledger {
    /// The sum of the queues.
    pub total: LedgerRow,
    /// One for each receive queue, or for each shard when a file is read.
    pub queues: Vec<LedgerRow>,
    /// Packets of receive queues that have no worker, left to the kernel, on all interfaces; none when a
    /// file is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_queues: Option<XdpRow>,
    /// What is known of each interface as a whole; none when a file is read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<InterfaceRow>,
    /// What the flows in the sample say of all; none where all are tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<SamplingRow>,
    /// What became of the records and events that were handed to each output.
    pub outputs: Vec<OutputStatus>,
}

/// What is known of an interface as a whole.
#[derive(Clone, Debug, Serialize)]
pub struct InterfaceRow {
    /// Its name.
    pub interface: String,
    /// One of its flows in so many is tracked.
    pub sampled: u32,
    /// Packets of its receive queues that have no worker, left to the kernel.
    pub other_queues: XdpRow,
    /// What the NIC counted.
    pub nic: NicRow,
    /// Packets that the NIC received and the XDP program did not see, where both count alike. While packets
    /// come it is off by those between the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unexplained_before_xdp: Option<i64>,
    /// How its packets come to their shards.
    pub steering: SteeringRow,
}

/// Where the packets of a worker arrive.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerName {
    /// The interface; `A+B` for the two that are forwarded between.
    pub interface: String,
    /// What of it.
    #[serde(flatten)]
    pub lane: Lane,
}

/// What of an interface a worker gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// The packets of a receive queue.
    Queue(u32),
    /// The headers of packets that arrive on a CPU.
    Cpu(u32),
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(number) => write!(f, "queue {number}"),
            Self::Cpu(number) => write!(f, "cpu {number}"),
        }
    }
}

/// What the row of a queue is made of.
#[derive(Clone, Debug, Default)]
pub struct LedgerPart {
    /// The queue; none when a file is read.
    pub name: Option<WorkerName>,
    /// What the XDP program counted; none when a file is read.
    pub verdicts: Option<Verdicts>,
    /// What was done about it when it stood still; none when a file is read.
    pub watchdog: Option<WatchdogRow>,
    /// What the worker counted.
    pub counts: ShardCounts,
    /// Records that arrived at the control plane, and the packets in them.
    pub arrived: (u64, u64),
}

/// Where the packets of a queue went.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LedgerRow {
    /// The queue; none in the total, and when a file is read.
    #[serde(flatten)]
    pub name: Option<WorkerName>,
    /// Verdicts of the XDP program; none when a file is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xdp: Option<XdpRow>,
    /// The AF_XDP socket; none when a file is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xsk: Option<XskRow>,
    /// Packets that the worker has taken from the socket or from the file.
    pub received: u64,
    /// The parser.
    pub wire: WireRow,
    /// From the queue to the shards.
    pub handover: HandoverRow,
    /// The tracker.
    pub tracker: TrackerRow,
    /// The way of the records to the control plane.
    pub records: RecordsRow,
    /// What was done about queues that stood still; none when a file is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watchdog: Option<WatchdogRow>,
    /// What the rows do not explain, in packets; 0 when all is well.
    pub residual: Residual,
}

/// Packets that the AF_XDP socket had.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct XskRow {
    /// Dropped: no frame was free in the fill ring, or the packet was too large.
    pub rx_dropped: u64,
    /// Dropped: the RX ring was full.
    pub rx_ring_full: u64,
    /// For information, contained in `rx_dropped` in copy mode: the fill ring was found empty.
    pub rx_fill_ring_empty: u64,
    /// Descriptors (not packets) in the fill ring that the kernel did not take: a defect of flowtrack.
    pub rx_invalid_descs: u64,
    /// Between the XDP program and the worker.
    pub in_flight: u64,
    /// Bursts (not packets) in which the worker took packets out of the ring.
    pub bursts: u64,
}

/// Packets that the filter and the parser saw.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WireRow {
    /// Not wanted by the filter. Where the XDP program decides that, it stands there.
    pub filtered: u64,
    /// With a key.
    pub accepted: u64,
    /// Packets beyond one a frame: those in tunnels, which count in flows of their own.
    pub tunnelled: u64,
    /// Accepted packets that have something in a tunnel that was refused: for information.
    pub refused_inside: u64,
    /// Without one, by reason; reasons that did not occur are left out.
    pub refused: BTreeMap<&'static str, u64>,
}

/// What the tracker did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TrackerRow {
    /// Packets taken in.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Flows started.
    pub created: u64,
    /// Flows that have not ended.
    pub live: u64,
    /// Flows that have ended, by reason.
    pub ended: BTreeMap<&'static str, u64>,
    /// Flows that made room in a full table.
    pub evicted: u64,
    /// Evicted flows that came back within their timeout: records wrongly split.
    pub returned: u64,
    /// Anomaly events made.
    pub anomalies: u64,
}

/// The way of the records.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct RecordsRow {
    /// Records that reached the control plane.
    pub records: u64,
    /// Packets in them.
    pub packets: u64,
    /// Packets of live flows.
    pub live_packets: u64,
    /// Packets in records that are on their way.
    pub in_flight: u64,
    /// Records that the control plane was too slow for.
    pub lost_records: u64,
    /// Packets in them.
    pub lost_packets: u64,
    /// Events that the control plane was too slow for.
    pub lost_events: u64,
}

impl LedgerRow {
    /// The row of `queues` queues: what the XDP program counted, what the workers counted, and the
    /// records that arrived with the packets in them.
    pub fn new(
        queues: i32,
        xdp: Option<&Verdicts>,
        counts: &ShardCounts,
        (records, record_packets): (u64, u64),
        moment: Moment,
    ) -> Self {
        let lost_in_socket = counts.rx_dropped + counts.rx_ring_full;
        let unreceived = xdp.map_or(0, |verdicts| {
            signed(verdicts.captured().packets) - signed(counts.received + lost_in_socket)
        });
        let unarrived =
            signed(counts.recorded_packets) - signed(counts.lost_packets + record_packets);
        let (xsk_in_flight, xsk_residual) =
            moment.split(unreceived, IN_FLIGHT_MAX * i64::from(queues));
        let (records_in_flight, records_residual) = moment.split(unarrived, i64::MAX);
        Self {
            name: None,
            xdp: xdp.map(XdpRow::from),
            xsk: xdp.map(|_| XskRow {
                rx_dropped: counts.rx_dropped,
                rx_ring_full: counts.rx_ring_full,
                rx_fill_ring_empty: counts.rx_fill_ring_empty,
                rx_invalid_descs: counts.rx_invalid_descs,
                in_flight: xsk_in_flight,
                bursts: counts.bursts,
            }),
            received: counts.received,
            wire: WireRow::from(counts),
            handover: HandoverRow::new(counts),
            tracker: TrackerRow::from(counts),
            records: RecordsRow {
                records,
                packets: record_packets,
                live_packets: counts.live_packets,
                in_flight: records_in_flight,
                lost_records: counts.lost_records,
                lost_packets: counts.lost_packets,
                lost_events: counts.lost_events,
            },
            watchdog: None,
            residual: Residual::new(counts, xsk_residual, records_residual, moment),
        }
    }
}

impl From<&ShardCounts> for WireRow {
    fn from(counts: &ShardCounts) -> Self {
        let reasons = Refusal::ALL.iter().map(|reason| reason.name());
        Self {
            filtered: counts.filtered,
            accepted: counts.accepted,
            tunnelled: counts.tunnelled,
            refused_inside: counts.refused_inside,
            refused: named(reasons, &counts.refused),
        }
    }
}

impl From<&ShardCounts> for TrackerRow {
    fn from(counts: &ShardCounts) -> Self {
        let reasons = EndReason::ALL.iter().map(|reason| reason.name());
        Self {
            packets: counts.matched,
            bytes: counts.wire_bytes,
            created: counts.created,
            live: counts.live,
            ended: named(reasons, &counts.ended),
            evicted: counts.evicted.iter().sum(),
            returned: counts.returned,
            anomalies: counts.anomalies,
        }
    }
}

impl Ledger {
    /// The ledger of some queues.
    pub fn new(queues: &[LedgerPart], outputs: Vec<OutputStatus>, moment: Moment) -> Self {
        let mut xdp: Option<Verdicts> = None;
        let mut watchdog: Option<WatchdogRow> = None;
        let (mut sum, mut records, mut packets) = (ShardCounts::default(), 0, 0);
        for part in queues {
            if let Some(verdicts) = part.verdicts {
                *xdp.get_or_insert_default() += verdicts;
            }
            if let Some(row) = part.watchdog {
                *watchdog.get_or_insert_default() += row;
            }
            sum += part.counts;
            records += part.arrived.0;
            packets += part.arrived.1;
        }
        let row = |part: &LedgerPart| LedgerRow {
            name: part.name.clone(),
            watchdog: part.watchdog,
            ..LedgerRow::new(
                1,
                part.verdicts.as_ref(),
                &part.counts,
                part.arrived,
                moment,
            )
        };
        let mut total = LedgerRow::new(
            i32::try_from(queues.len()).unwrap_or(i32::MAX),
            xdp.as_ref(),
            &sum,
            (records, packets),
            moment,
        );
        total.residual.handover = total.handover.close(moment);
        Self {
            total: LedgerRow { watchdog, ..total },
            queues: queues.iter().map(row).collect(),
            other_queues: None,
            interfaces: Vec::new(),
            sampling: None,
            outputs,
        }
    }

    /// The same, with what is known of the interfaces, and what the XDP programs decided about the packets
    /// of queues without a worker.
    #[must_use]
    pub fn with_interfaces(mut self, interfaces: Vec<InterfaceRow>, others: &Verdicts) -> Self {
        self.other_queues = Some(XdpRow::from(others));
        self.interfaces = interfaces;
        self
    }

    /// Whether every packet is accounted for, on each queue.
    pub fn closes(&self) -> bool {
        self.total.residual.is_zero() && self.queues.iter().all(|row| row.residual.is_zero())
    }

    /// Whether a record was lost, on its way to the control plane or in an output.
    pub fn lost_records(&self) -> bool {
        let records = &self.total.records;
        records.lost_records > 0
            || records.lost_events > 0
            || self.outputs.iter().any(|output| output.counts.failed > 0)
    }
}

/// Counters by name, without those that are 0.
fn named(names: impl Iterator<Item = &'static str>, counts: &[u64]) -> BTreeMap<&'static str, u64> {
    names
        .zip(counts.iter().copied())
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
