//! The directions of a flow on different queues: its records are those of one queue.

use std::time::{Duration, Instant};

use anyhow::Result;
use flowtrack_tests::{
    inject::Injector,
    link::{Link, veth},
    netns::NetNs,
    span::{SERVER, Span, Steering},
    stall::Stalled,
    traffic::Path,
    wait::wait_until,
};

use crate::{
    probe::{Outcome, Probe},
    protocols::{Tcp, build},
    replay::timeless,
};

const CONNECTIONS: u16 = 1000;
/// Frames of each connection, and which of them are the server's.
const BY_SERVER: [bool; 9] = [false, true, false, false, true, true, false, true, false];

/// A link of so many queues: the end that sends and the one that is tapped.
fn wires(queues: u32) -> Result<(Link, Link)> {
    let (sender, probe) = (NetNs::new("sender")?, NetNs::new("probe")?);
    veth((&sender, "v0"), (&probe, "v1"), queues)
}

/// The frames of many connections, step by step: the first ones of all of them, then the second ones.
fn steps(connections: u16) -> Vec<Vec<Vec<u8>>> {
    let whole = |number: u16| {
        let client = format!("10.1.{}.{}:40000", number / 250, number % 250 + 1);
        build(&Tcp::new(&client, "10.2.0.2:80").whole())
    };
    let frames: Vec<_> = (0..connections).map(whole).collect();
    (0..BY_SERVER.len())
        .map(|step| frames.iter().map(|frames| frames[step].clone()).collect())
        .collect()
}

/// Sends step after step, each on the queue that `queue_of` its direction says, and waits until all of
/// it has been stamped: the kernel may otherwise serve the queues in another order.
fn send(
    sender: &Link,
    tapped: &Link,
    steps: &[Vec<Vec<u8>>],
    queue_of: impl Fn(bool) -> u32,
) -> Result<()> {
    let injector = Injector::new(sender)?;
    for (frames, by_server) in steps.iter().zip(BY_SERVER) {
        let before = tapped.counters()?.rx_packets;
        injector.send(queue_of(by_server), frames)?;
        wait_until("a step to arrive", Duration::from_secs(5), || {
            Ok(tapped.counters()?.rx_packets - before >= frames.len() as u64)
        })?;
    }
    Ok(())
}

/// What is recorded of the connections.
fn record(queues: u32, arguments: &[&str], queue_of: impl Fn(bool) -> u32) -> Result<Outcome> {
    let (sender, tapped) = wires(queues)?;
    // A ring holds all of them: how fast they are taken is not what is looked at.
    let arguments = [&["--ring-size", "16384"], arguments].concat();
    let probe = Probe::start(&tapped, &arguments)?;
    send(&sender, &tapped, &steps(CONNECTIONS), queue_of)?;
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(usize::from(CONNECTIONS) * BY_SERVER.len());
    Ok(outcome)
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn connections_whose_directions_take_different_queues_are_recorded_as_by_one_queue() -> Result<()> {
    let one = record(1, &[], |_| 0)?;
    assert_eq!(
        one.total("/handover/handed_out"),
        0,
        "there is no other shard"
    );
    let two = record(2, &[], u32::from)?;
    assert_eq!(two.received_by_queue(), [5000, 4000]);
    let handover = &two.ledger["total"]["handover"];
    assert_eq!(
        [&handover["lost"], &handover["late"]],
        [0, 0],
        "{handover:#}"
    );
    assert_eq!(handover["handed_in"], handover["handed_out"]);
    // Of each connection, the shard owns either what the one queue has or what the other one has.
    let handed_out = two.total("/handover/handed_out");
    assert!((4000..=5000).contains(&handed_out), "{handed_out}");
    assert_eq!(two.records.len(), usize::from(CONNECTIONS));
    assert!(
        timeless(&two.records)? == timeless(&one.records)?,
        "{:#?}",
        two.records.first()
    );
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn without_hand_over_directions_on_different_queues_give_two_records() -> Result<()> {
    let two = record(2, &["--steering", "off"], u32::from)?;
    assert_eq!(two.total("/handover/handed_out"), 0);
    assert_eq!(two.records.len(), 2 * usize::from(CONNECTIONS));
    // Each shard has seen one side of the connection only, and no record claims more.
    for record in &two.records {
        let sides = [
            &record["initiator"]["packets"],
            &record["responder"]["packets"],
        ];
        assert!(sides.iter().any(|packets| **packets == 0), "{record:#}");
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn queues_without_traffic_hold_nobody_up_for_long() -> Result<()> {
    let (sender, tapped) = wires(4)?;
    let probe = Probe::start(&tapped, &[])?;
    let frames: Vec<_> = steps(1).into_iter().flatten().collect();
    // A connection that was closed lingers for 5 seconds of packet time, which goes on by the clock.
    let sent = Instant::now();
    Injector::new(&sender)?.send(1, &frames)?;
    probe.wait_for_records(1)?;
    assert!(
        sent.elapsed() < Duration::from_secs(7),
        "{:?}",
        sent.elapsed()
    );
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(frames.len());
    assert_eq!(outcome.only_record()["end_reason"], "fin");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_worker_that_stands_still_holds_the_others_up_only_for_so_long() -> Result<()> {
    let (sender, tapped) = wires(2)?;
    let probe = Probe::start(&tapped, &[])?;
    let steps = steps(100);
    let stalled = Stalled::thread(probe.id(), "queue-1")?;
    send(&sender, &tapped, &steps, |_| 0)?;
    // Half of the connections belong to the shard that runs.
    probe.wait_for_records(20)?;
    drop(stalled);
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(steps.len() * 100);
    assert_eq!(outcome.records.len(), 100);
    for record in &outcome.records {
        assert_eq!(record["conn_state"], "SF", "{record:#}");
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn connections_of_the_kernel_whose_directions_take_different_queues_are_recorded_whole()
-> Result<()> {
    let span = Span::new(2, Steering::ByDirection)?;
    let probe = Probe::start(&span.tap, &[])?;
    for address in SERVER {
        let path = Path {
            client: span.client.clone(),
            server: span.server.clone(),
            address,
        };
        path.tcp(10, 2_000, 100_000)?;
    }
    let outcome = probe.stop()?;
    outcome.assert_closed();
    assert_eq!(outcome.records.len(), 20);
    for record in &outcome.records {
        assert_eq!(record["end_reason"], "fin", "{record:#}");
        assert_eq!(record["conn_state"], "SF");
        assert_eq!(record["initiator"]["tcp"]["stream_bytes"], 2_000);
        assert_eq!(record["responder"]["tcp"]["stream_bytes"], 100_000);
    }
    Ok(())
}
