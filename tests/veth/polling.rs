//! Busy polling: the worker runs the driver's poll, in place of interrupts.

use std::{fs, thread, time::Duration};

use anyhow::Result;
use flowtrack_tests::{
    command, frames::Frame, inject::Injector, link::Link, system_calls::Tracing,
};

use crate::{
    probe::Probe,
    protocols::{address, wire},
};

/// Leaves the packets of `link` to a thread that polls for them; the kernel looks after them by itself
/// when nobody has done so for 200 microseconds.
fn defer_interrupts(link: &Link) -> Result<()> {
    let folder = format!("/sys/class/net/{}", link.name());
    let script = format!(
        "echo 2 > {folder}/napi_defer_hard_irqs && echo 200000 > {folder}/gro_flush_timeout"
    );
    command::run(link.netns().command("sh").args(["-c", &script]))?;
    Ok(())
}

fn frames(count: usize) -> Vec<Vec<u8>> {
    vec![Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:53")).build(); count]
}

/// Whether the kernel learns from packets which NAPI instance of veth to poll: since 6.13 it asks
/// drivers, and veth does not answer.
fn veth_can_be_polled() -> Result<bool> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut numbers = release
        .split('.')
        .map_while(|number| number.parse::<u32>().ok());
    Ok((numbers.next(), numbers.next()) < (Some(6), Some(13)))
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_driver_is_polled_if_it_can_be_and_else_waited_for() -> Result<()> {
    let (sender, tapped) = wire()?;
    defer_interrupts(&tapped)?;
    let probe = Probe::start(&tapped, &["--busy-poll"])?;
    probe.wait_to_say("1 busy polled")?;
    let injector = Injector::new(&sender)?;
    injector.send(0, &frames(500))?;
    let polled = veth_can_be_polled()?;
    if !polled {
        probe.wait_to_say("busy polling has no effect")?;
    }
    let tracing = Tracing::start(probe.id(), "queue-0")?;
    injector.send(0, &frames(500))?;
    thread::sleep(Duration::from_millis(300));
    let mut calls = tracing.stop()?;
    let polls = calls.take(|call| call.starts_with("recvfrom("));
    let waits = calls.take(|call| call.starts_with("poll("));
    assert!(if polled {
        polls > waits
    } else {
        polls == 0 && waits > 0
    });
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(1000);
    assert!(!outcome.stderr.contains("competes"), "{}", outcome.stderr);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn what_the_interface_lacks_for_busy_polling_is_said_and_packets_come_all_the_same() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &["--busy-poll=8"])?;
    probe.wait_to_say("`echo 2 > /sys/class/net/v1/napi_defer_hard_irqs`")?;
    Injector::new(&sender)?.send(0, &frames(1000))?;
    probe.stop()?.assert_all_recorded(1000);
    Ok(())
}
