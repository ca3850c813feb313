//! A worker that stands still, alone in its process.

use anyhow::Result;
use flowtrack_tests::{frames::Frame, inject::Injector, stall::Stalled};

use crate::{
    probe::Probe,
    protocols::{address, wire},
};

fn frames(count: usize) -> Vec<Vec<u8>> {
    vec![Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:53")).build(); count]
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_queue_that_stands_still_is_kicked_and_reported_and_loses_nothing_that_its_ring_holds()
-> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &[])?;
    let injector = Injector::new(&sender)?;
    injector.send(0, &frames(10))?;
    let stalled = Stalled::thread(probe.id(), "queue-0")?;
    injector.send(0, &frames(100))?;
    probe.wait_to_say("queue 0 of v1 stands still")?;
    drop(stalled);
    probe.wait_to_say("queue 0 of v1 moves again")?;
    injector.send(0, &frames(10))?;
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(120);
    assert_eq!(outcome.total("/watchdog/kicks"), 1);
    assert_eq!(outcome.total("/watchdog/stalls"), 1);
    assert_eq!(outcome.total("/watchdog/passes"), 0);
    assert_eq!(outcome.total("/xdp/bypassed/packets"), 0);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_queue_that_stands_still_can_be_left_to_the_host_until_its_worker_moves_again() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &["--stalled", "pass"])?;
    let injector = Injector::new(&sender)?;
    injector.send(0, &frames(10))?;
    let stalled = Stalled::thread(probe.id(), "queue-0")?;
    injector.send(0, &frames(100))?;
    probe.wait_to_say("its packets go to the host from now on")?;
    injector.send(0, &frames(50))?;
    drop(stalled);
    probe.wait_to_say("its packets are captured again")?;
    injector.send(0, &frames(10))?;
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(120);
    assert_eq!(outcome.total("/xdp/bypassed/packets"), 50);
    assert_eq!(outcome.total("/watchdog/passes"), 1);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_worker_that_stands_still_without_traffic_is_left_alone() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &["--stalled", "pass"])?;
    let stalled = Stalled::thread(probe.id(), "queue-0")?;
    std::thread::sleep(std::time::Duration::from_secs(4));
    drop(stalled);
    Injector::new(&sender)?.send(0, &frames(10))?;
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(10);
    assert_eq!(outcome.total("/watchdog/kicks"), 0);
    Ok(())
}
