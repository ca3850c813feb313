//! Busy polling: the worker runs the driver's poll, in place of interrupts.

use anyhow::Result;
use flowtrack_tests::{command, frames::Frame, inject::Injector, link::Link};

use crate::{
    probe::Probe,
    protocols::{address, wire},
};

/// Leaves the packets of `link` to a thread that polls for them: the kernel looks after them by itself
/// only when nobody has done so for a minute.
fn defer_interrupts(link: &Link) -> Result<()> {
    let folder = format!("/sys/class/net/{}", link.name());
    let script = format!(
        "echo 2 > {folder}/napi_defer_hard_irqs && echo 60000000000 > {folder}/gro_flush_timeout"
    );
    command::run(link.netns().command("sh").args(["-c", &script]))?;
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_driver_that_leaves_its_packets_to_the_worker_is_polled_by_it() -> Result<()> {
    let (sender, tapped) = wire()?;
    defer_interrupts(&tapped)?;
    let probe = Probe::start(&tapped, &["--busy-poll"])?;
    probe.wait_to_say("1 busy polled")?;
    let injector = Injector::new(&sender)?;
    let frame = Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:53")).build();
    // More than the driver's ring has room for: it fills up unless it is polled.
    for _ in 0..10 {
        injector.send(0, &vec![frame.clone(); 200])?;
    }
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(2000);
    assert!(
        !outcome.stderr.contains("busy polling"),
        "{}",
        outcome.stderr
    );
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn what_the_interface_lacks_for_busy_polling_is_said_and_packets_come_all_the_same() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &["--busy-poll=8"])?;
    probe.wait_to_say("`echo 2 > /sys/class/net/v1/napi_defer_hard_irqs`")?;
    let frame = Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:53")).build();
    Injector::new(&sender)?.send(0, &vec![frame; 1000])?;
    probe.stop()?.assert_all_recorded(1000);
    Ok(())
}
