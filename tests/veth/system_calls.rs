//! What a worker asks the kernel for while packets arrive.

use std::time::Duration;

use anyhow::Result;
use flowtrack_tests::{
    generator::{Generator, Load},
    system_calls::Tracing,
};

use crate::{
    probe::Probe,
    protocols::{address, wire},
};

/// Packets in all, and of each of the bursts that they are sent in: so many have room in the RX ring.
const PACKETS: u64 = 60_000;
const BURST: u64 = 2_000;

/// At most so many of what is done once an interval, and at once after a pause.
fn times(time: Duration, interval: Duration) -> u64 {
    u64::try_from(time.as_nanos() / interval.as_nanos()).unwrap_or(u64::MAX) + 2
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_burst_of_packets_takes_at_most_one_system_call() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &[])?;
    let mut generator = Generator::new(&sender)?;
    let tracing = Tracing::start(probe.id(), "queue-0")?;
    let load = Load {
        packets: PACKETS,
        flows: 100,
        rate: Some(20 * BURST),
        queue: 0,
    };
    generator.udp(&load, address("10.2.0.1:1024"), address("10.2.0.2:9"))?;
    let mut calls = tracing.stop()?;
    let outcome = probe.stop()?;
    outcome.assert_closed();
    let (packets, bursts) = (outcome.total("/received"), outcome.total("/xsk/bursts"));
    assert!(bursts > 0 && packets >= BURST, "{:#}", outcome.ledger);

    // It waited and nothing came: that is no burst's.
    let idle = calls.take(|call| call.starts_with("poll(") && call.contains(") = 0 "));
    // The socket's counters, every 10 ms.
    let reads = calls.take(|call| call.contains("XDP_STATISTICS"));
    // A chunk of results, every 100 ms or when it is full, may wake up the control plane.
    let chunks = calls.take(|call| call.starts_with("futex("));
    // Waits that ended with packets, and calls that wake the driver up.
    let ours = calls.take(|call| call.starts_with("poll(") || call.starts_with("recvfrom("));
    println!(
        "{packets} packets in {bursts} bursts, {:?}: {ours} waits with packets and wake-ups, {idle} idle \
         waits, {reads} reads of the counters, {chunks} for results",
        calls.time
    );
    assert!(ours <= bursts, "{ours} system calls for {bursts} bursts");
    assert!(idle <= times(calls.time, Duration::from_millis(50)));
    assert!(reads <= times(calls.time, Duration::from_millis(10)));
    assert!(chunks <= times(calls.time, Duration::from_millis(100)));
    assert_eq!(calls.rest(), [""; 0]);
    Ok(())
}
