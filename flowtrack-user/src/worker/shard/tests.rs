//! What a shard does beside tracking.

use std::{net::SocketAddr, time::Duration};

use crossbeam_channel::unbounded;
use flowtrack_common::L4Proto;

use super::*;
use crate::{
    flow::{
        EventKinds, MAX_OBSERVATIONS,
        tests::script::{START, client, packet, server},
    },
    worker::Delivery,
};

#[test]
fn the_sweep_keeps_up_with_bursts_of_tunnels_in_tunnels() {
    let (sender, _chunks) = unbounded();
    let (sink, _pool) = ChunkSink::new(0, 4, sender, EventKinds::NONE, Delivery::Drop);
    let mut shard = Shard::new(TrackerConfig::default(), sink);
    // As many flows as a burst of frames can start.
    let flows = BURST * MAX_OBSERVATIONS;
    let mut counts = ShardCounts::default();
    for round in 0_u16..4 {
        let ts = START.saturating_add(Duration::from_secs(100 * u64::from(round)));
        let burst: Vec<_> = (0..flows)
            .map(|flow| {
                let port = 10_000 + u16::try_from(flow).unwrap();
                let client = SocketAddr::new(client().ip(), port + 1000 * round);
                Observation::Packet(packet(client, server(), L4Proto::Udp, ts))
            })
            .collect();
        shard.burst(&burst);
        shard.count(&mut counts);
        assert_eq!(counts.live, flows as u64, "those before have expired");
    }
}
