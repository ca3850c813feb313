//! What a worker has counted, as others see it.

use std::{
    hint,
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
        fence,
    },
};

use flowtrack_common::{EndReason, VictimClass};

use crate::wire::Refusal;

macro_rules! shard_counts {
    (
        scalars { $($(#[$scalar_doc:meta])+ $scalar:ident,)+ }
        arrays { $($(#[$array_doc:meta])+ $array:ident: $len:expr,)+ }
    ) => {
        /// What a shard has counted since its start.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct ShardCounts {
            $($(#[$scalar_doc])+ pub $scalar: u64,)+
            $($(#[$array_doc])+ pub $array: [u64; $len],)+
        }

        /// The same, published by the worker. One thread stores, and never waits; others read whenever
        /// they like, and see the counters of one moment between two bursts. It has its cache lines for
        /// itself, and x86 fetches them in pairs.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub struct SharedCounts {
            /// Odd while the counters are being stored.
            version: AtomicU64,
            $($scalar: AtomicU64,)+
            $($array: [AtomicU64; $len],)+
        }

        impl SharedCounts {
            /// Publishes `counts`.
            pub fn store(&self, counts: &ShardCounts) {
                let version = self.version.load(Relaxed);
                self.version.store(version.wrapping_add(1), Relaxed);
                fence(Release);
                $(self.$scalar.store(counts.$scalar, Relaxed);)+
                $(for (shared, count) in self.$array.iter().zip(counts.$array) {
                    shared.store(count, Relaxed);
                })+
                self.version.store(version.wrapping_add(2), Release);
            }

            /// What was published last; waits while that changes.
            pub fn load(&self) -> ShardCounts {
                loop {
                    if let Some(counts) = self.try_load() {
                        return counts;
                    }
                    hint::spin_loop();
                }
            }

            /// What was published last, unless that changes at this moment.
            pub fn try_load(&self) -> Option<ShardCounts> {
                let version = self.version.load(Acquire);
                let counts = self.load_once();
                fence(Acquire);
                let unchanged = version % 2 == 0 && self.version.load(Relaxed) == version;
                unchanged.then_some(counts)
            }

            fn load_once(&self) -> ShardCounts {
                ShardCounts {
                    $($scalar: self.$scalar.load(Relaxed),)+
                    $($array: std::array::from_fn(|i| {
                        self.$array.get(i).map_or(0, |count| count.load(Relaxed))
                    }),)+
                }
            }
        }

        impl std::ops::AddAssign for ShardCounts {
            fn add_assign(&mut self, other: Self) {
                $(self.$scalar += other.$scalar;)+
                $(for (sum, count) in self.$array.iter_mut().zip(other.$array) {
                    *sum += count;
                })+
            }
        }
    };
}

shard_counts! {
    scalars {
        /// Packets taken from the AF_XDP socket or from a file.
        received,
        /// Times that there were some in the AF_XDP socket; none where a file is read.
        bursts,
        /// Times that there were none in the AF_XDP socket; while that does not grow, the worker is too
        /// slow.
        waits,
        /// Packets that the socket dropped: no frame was free, or too large (`rx_dropped`).
        rx_dropped,
        /// Packets that the socket dropped: its RX ring was full (`rx_ring_full`).
        rx_ring_full,
        /// Times that the kernel found the fill ring empty (`rx_fill_ring_empty_descs`). In copy
        /// mode each of them stands in `rx_dropped` too.
        rx_fill_ring_empty,
        /// Descriptors in the fill ring that the kernel did not take (`rx_invalid_descs`): a defect of
        /// flowtrack, and no packets.
        rx_invalid_descs,
        /// Packets whose headers were not copied, as far as those behind them have told: for information,
        /// the XDP program counts them all.
        headers_lost,
        /// Packets that the worker's filter does not want.
        filtered,
        /// Packets that have a key.
        accepted,
        /// Packets beyond one a frame: those in tunnels, which count in flows of their own.
        tunnelled,
        /// Accepted packets that have something in a tunnel that was refused: for information.
        refused_inside,
        /// Packets that were handed to the shards of other queues, which own their flows.
        handed_out,
        /// Packets of other queues that the tracker took in.
        handed_in,
        /// Packets that were to be handed to their shard, whose ring was full.
        handover_lost,
        /// Packets that the tracker took in behind later ones of other queues: for information.
        handover_late,
        /// Packets of this queue and of its shard that wait for the other queues.
        handover_waiting,
        /// Packets that the tracker took in.
        matched,
        /// Their bytes on the wire.
        wire_bytes,
        /// Flows started.
        created,
        /// Flows that have not ended.
        live,
        /// Packets of live flows that are in no record yet.
        live_packets,
        /// Records made.
        records,
        /// Packets in records.
        recorded_packets,
        /// Evicted flows that came back within their timeout: records wrongly split.
        returned,
        /// Anomaly events made.
        anomalies,
        /// Flows that there would have been without sampling.
        estimated_flows,
        /// Packets that there would have been without sampling.
        estimated_packets,
        /// Bytes on the wire that there would have been without sampling.
        estimated_bytes,
        /// Records that the control plane was too slow for.
        lost_records,
        /// Packets in these records.
        lost_packets,
        /// Events that the control plane was too slow for.
        lost_events,
    }
    arrays {
        /// Packets that have no key, by reason.
        refused: Refusal::ALL.len(),
        /// Flows that have ended, by reason.
        ended: EndReason::ALL.len(),
        /// Flows that made room in a full table, by class.
        evicted: VictimClass::ALL.len(),
    }
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro makes public types")]
mod model;
#[cfg(test)]
mod tests;
