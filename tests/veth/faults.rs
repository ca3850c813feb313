//! Faults that are made on purpose: each packet is recorded or counted, by the right cause.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
    time::Duration,
};

use anyhow::Result;
use flowtrack::capture::xdp::{Program, SocketConfig, XskSocket};
use flowtrack_tests::{frames::Frame, inject::Injector, stall::Stalled, wait::wait_until};

use crate::{
    probe::{Outcome, Probe},
    protocols::{address, wire},
};

const RING: u32 = 64;
/// Of one socket.
const FRAMES: u64 = 2 * RING as u64;

fn frames(count: usize) -> Vec<Vec<u8>> {
    vec![Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:53")).build(); count]
}

/// Asserts that `sent` packets are in records, or were lost because the RX ring was full.
fn assert_lost_by_a_full_ring(outcome: &Outcome, sent: u64) {
    outcome.assert_closed();
    let lost = outcome.total("/xsk/rx_ring_full");
    assert_eq!(outcome.packets_in_records() + lost, sent);
    // There are twice as many frames as slots, so the fill ring is never empty.
    assert_eq!(outcome.total("/xsk/rx_dropped"), 0);
    assert_eq!(outcome.total("/xsk/rx_fill_ring_empty"), 0);
    assert_eq!(outcome.total("/xdp/redirected/packets"), sent);
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_full_ring_loses_what_it_has_no_slot_for_and_no_frame_again_and_again() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &["--ring-size", &RING.to_string()])?;
    let injector = Injector::new(&sender)?;
    let (rounds, sent) = (5, 200);
    for _ in 0..rounds {
        let before = tapped.counters()?;
        let stalled = Stalled::thread(probe.id(), "queue-0")?;
        injector.send(0, &frames(sent))?;
        wait_until(
            "the kernel to have taken all",
            Duration::from_secs(5),
            || {
                let now = tapped.counters()?;
                let taken = now.rx_packets + now.rx_dropped - before.rx_packets - before.rx_dropped;
                Ok(taken >= sent as u64)
            },
        )?;
        drop(stalled);
        // Its worker takes what is in the ring.
        thread::sleep(Duration::from_millis(200));
    }
    let outcome = probe.stop()?;
    let sent = rounds * sent as u64;
    assert_lost_by_a_full_ring(&outcome, sent);
    // A ring that was full once holds as much the next time: each frame came back.
    assert_eq!(outcome.packets_in_records(), rounds * u64::from(RING));
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_fill_ring_that_gets_no_frames_back_is_named_as_the_cause() -> Result<()> {
    let (sender, tapped) = wire()?;
    let (mut socket, program) = tapped.netns().run(|| {
        let socket = XskSocket::open(&SocketConfig {
            interface: tapped.name().to_owned(),
            queue: 0,
            ring_size: RING,
            burst: 64,
            require_zero_copy: false,
            busy_poll: None,
        })?;
        let mut program = Program::load(false, 128)?;
        program.set_socket(0, socket.raw_fd())?;
        program.attach(tapped.index()?)?;
        Ok((socket, program))
    })?;
    let injector = Injector::new(&sender)?;
    let mut received = 0;
    let mut sent = 0;
    while received < FRAMES {
        injector.send(0, &frames(32))?;
        sent += 32;
        wait_until("a burst", Duration::from_secs(5), || {
            let batch = socket.receive();
            received += batch.packets().count() as u64;
            let some = !batch.is_empty();
            // Its frames never go back.
            std::mem::forget(batch);
            Ok(some)
        })?;
    }
    injector.send(0, &frames(100))?;
    sent += 100;
    wait_until("the last packets", Duration::from_secs(5), || {
        Ok(program.verdicts(0)?.redirected.packets == sent)
    })?;
    let stats = socket.stats()?;
    assert_eq!(received, FRAMES);
    assert_eq!((stats.rx_dropped, stats.rx_ring_full), (sent - received, 0));
    // In copy mode each of them is a packet that was dropped for it.
    assert_eq!(stats.rx_fill_ring_empty, stats.rx_dropped);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn the_first_packets_find_frames() -> Result<()> {
    let (sender, tapped) = wire()?;
    let injector = Injector::new(&sender)?;
    let (over, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let outcome = thread::scope(|scope| {
        // Packets come all the time, before there is a program, while it is attached and after that.
        let flood = scope.spawn(|| -> Result<()> {
            while !over.load(Relaxed) {
                injector.send(0, &frames(8))?;
                sent.fetch_add(8, Relaxed);
                thread::sleep(Duration::from_micros(500));
            }
            Ok(())
        });
        let outcome = (|| {
            thread::sleep(Duration::from_millis(50));
            let probe = Probe::start(&tapped, &[])?;
            thread::sleep(Duration::from_millis(300));
            over.store(true, Relaxed);
            thread::sleep(Duration::from_millis(100));
            probe.stop()
        })();
        over.store(true, Relaxed);
        let flooded = flood.join().expect("the sender has panicked");
        flooded.and(outcome)
    })?;
    let captured = outcome.total("/xdp/redirected/packets");
    assert!(captured > 0 && captured < sent.load(Relaxed), "{captured}");
    assert_eq!(outcome.total("/xdp/passed_no_socket/packets"), 0);
    assert_eq!(outcome.total("/xsk/rx_fill_ring_empty"), 0);
    outcome.assert_all_recorded(usize::try_from(captured)?);
    Ok(())
}
