//! The interface comes and goes, and so does flowtrack.

use std::{
    io::{PipeWriter, Write as _},
    time::Duration,
};

use anyhow::Result;
use flowtrack_tests::{
    command,
    frames::Frame,
    generator::{Generator, Load},
    inject::Injector,
    link::{Link, veth},
    netns::NetNs,
    wait::wait_until,
};
use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    probe::{Probe, flowtrack, run},
    protocols::{Tcp, address, build, wire},
};

pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// Whether an XDP program is on the interface.
pub(crate) fn has_program(link: &Link) -> Result<bool> {
    Ok(command::run(link.netns().ip().args(["link", "show", link.name()]))?.contains("prog/xdp"))
}

fn load(packets: u64) -> Load {
    Load {
        packets,
        flows: 100,
        rate: None,
        queue: 0,
    }
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_interface_that_goes_down_and_up_is_captured_again() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &[])?;
    let injector = Injector::new(&sender)?;
    let frames = build(&Tcp::new("10.1.0.1:40000", "10.1.0.2:80").whole());
    injector.send(0, &frames[..4])?;
    tapped.down()?;
    probe.wait_to_say("v1 is down")?;
    tapped.up()?;
    probe.wait_to_say("v1 is up")?;
    wait_until("the link to be up", TIMEOUT, || {
        Ok(sender.is_running()? && tapped.is_running()?)
    })?;
    injector.send(0, &frames[4..])?;
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(frames.len());
    assert_eq!(outcome.only_record()["history"], "ShADadFf");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_interface_that_is_deleted_under_load_and_made_again_is_captured_again() -> Result<()> {
    let (sender, tapped) = wire()?;
    let (sender_ns, tapped_ns) = (sender.netns().clone(), tapped.netns().clone());
    let probe = Probe::start(&tapped, &[])?;
    let mut generator = Generator::new(&sender)?;
    std::thread::scope(|scope| {
        let source = address("10.2.0.1:1024");
        let destination = address("10.2.0.2:9");
        let load = Load {
            packets: 20_000_000,
            ..load(0)
        };
        // It fails when the interface goes away beneath it.
        let traffic = scope.spawn(move || generator.udp(&load, source, destination));
        std::thread::sleep(Duration::from_millis(300));
        tapped.delete()?;
        probe.wait_to_say("v1 is gone")?;
        let _ = traffic.join();
        anyhow::Ok(())
    })?;
    let (sender, _tapped) = veth((&sender_ns, "v0"), (&tapped_ns, "v1"), 1)?;
    wait_until("flowtrack to capture again", TIMEOUT, || {
        Ok(probe.stderr()?.matches("capturing on").count() == 2)
    })?;
    let frames = build(&Tcp::new("10.1.0.1:40000", "10.1.0.2:80").whole());
    Injector::new(&sender)?.send(0, &frames)?;
    let outcome = probe.stop()?;
    outcome.assert_closed();
    assert!(outcome.total("/xdp/redirected/packets") > frames.len() as u64);
    let tcp = outcome
        .records
        .iter()
        .find(|record| record["proto"] == "tcp")
        .expect("the connection");
    assert_eq!(tcp["history"], "ShADadFf");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_signal_under_load_loses_nothing_that_was_received() -> Result<()> {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (sender, tapped) = wire()?;
        let probe = Probe::start(&tapped, &["--timestamps", "burst"])?;
        let mut generator = Generator::new(&sender)?;
        let outcome = std::thread::scope(|scope| {
            let (source, destination) = (address("10.2.0.1:1024"), address("10.2.0.2:9"));
            let load = load(3_000_000);
            let traffic = scope.spawn(move || generator.udp(&load, source, destination));
            std::thread::sleep(Duration::from_millis(300));
            probe.signal(signal)?;
            let outcome = probe.outcome()?;
            // What it sends after flowtrack has gone, nobody takes.
            let _ = traffic.join();
            anyhow::Ok(outcome)
        })?;
        outcome.assert_closed();
        assert!(outcome.total("/received") > 1000, "{:#}", outcome.ledger);
        assert_eq!(outcome.packets_in_records(), outcome.total("/received"));
        assert_eq!(outcome.total("/tracker/live"), 0);
        assert!(
            outcome
                .records
                .iter()
                .all(|record| record["end_reason"] == "shutdown")
        );
        assert_eq!(outcome.status.code(), Some(0), "{}", outcome.stderr);
        assert!(!has_program(&tapped)?);
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_kill_leaves_no_program_behind() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &[])?;
    assert!(has_program(&tapped)?);
    probe.kill()?;
    wait_until("the program to be gone", TIMEOUT, || {
        Ok(!has_program(&tapped)?)
    })?;
    // The queue is free again.
    Probe::start(&tapped, &[])?.stop()?.assert_all_recorded(0);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_second_flowtrack_is_refused_and_does_not_disturb_the_first() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &[])?;
    let arguments = ["run", "v1", "--duration", "1s"];
    let (status, _, stderr) = run(&mut tapped.netns().command(flowtrack()?), &arguments)?;
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("queue 0 of v1 is in use"), "{stderr}");
    let frames = build(&Tcp::new("10.1.0.1:40000", "10.1.0.2:80").whole());
    Injector::new(&sender)?.send(0, &frames)?;
    probe.stop()?.assert_all_recorded(frames.len());
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn it_starts_on_an_interface_that_is_busy() -> Result<()> {
    let (sender, tapped) = wire()?;
    let injector = Injector::new(&sender)?;
    let frame = Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:53")).build();
    let burst = vec![frame; 200];
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let traffic = scope.spawn(|| -> Result<()> {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                injector.send(0, &burst)?;
            }
            Ok(())
        });
        let outcome = Probe::start(&tapped, &["--duration", "1s"]).and_then(Probe::outcome);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        traffic.join().expect("the sender")?;
        let outcome = outcome?;
        outcome.assert_closed();
        assert!(outcome.total("/received") > 0);
        assert_eq!(outcome.packets_in_records(), outcome.total("/received"));
        Ok(())
    })
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_interface_that_comes_back_with_other_queues_is_captured_as_far_as_there_are_workers()
-> Result<()> {
    let datagram = Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:53")).build();
    for (before, after) in [(1, 2), (2, 1)] {
        let (sender_ns, probe_ns) = (NetNs::new("sender")?, NetNs::new("probe")?);
        let (_sender, tapped) = veth((&sender_ns, "v0"), (&probe_ns, "v1"), before)?;
        let probe = Probe::start(&tapped, &[])?;
        tapped.delete()?;
        probe.wait_to_say("v1 is gone")?;
        let (sender, _tapped) = veth((&sender_ns, "v0"), (&probe_ns, "v1"), after)?;
        wait_until("flowtrack to capture again", TIMEOUT, || {
            Ok(probe.stderr()?.matches("capturing on").count() == 2)
        })?;
        probe.wait_to_say(&format!("v1 has {after} receive queues now"))?;
        for queue in 0..after {
            Injector::new(&sender)?.send(queue, &vec![datagram.clone(); 100])?;
        }
        let outcome = probe.stop()?;
        outcome.assert_all_recorded(100);
        // What arrived on a queue without a worker is not in a record, but it is counted.
        let others = &outcome.ledger["other_queues"]["passed_no_socket"]["packets"];
        assert_eq!(others, u64::from(after - 1) * 100);
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_standard_error_that_nobody_reads_does_not_keep_it_from_ending() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let (_reader, mut writer) = std::io::pipe()?;
    fill(&mut writer)?;
    let mut child = tapped
        .netns()
        .command(flowtrack()?)
        .args(["run", "v1"])
        .stderr(writer)
        .spawn()?;
    let result = wait_until("the program to be on", TIMEOUT, || has_program(&tapped))
        .and_then(|()| {
            Ok(kill(
                Pid::from_raw(child.id().try_into()?),
                Signal::SIGTERM,
            )?)
        })
        .and_then(|()| {
            wait_until("flowtrack to end", TIMEOUT, || {
                Ok(child.try_wait()?.is_some())
            })
        });
    // One that has ended cannot be killed.
    let _ = child.kill();
    assert_eq!(child.wait()?.code(), Some(0));
    assert!(!has_program(&tapped)?);
    result
}

/// Fills a pipe up: the next write would wait.
fn fill(writer: &mut PipeWriter) -> Result<()> {
    let flags = OFlag::from_bits_truncate(fcntl(&*writer, FcntlArg::F_GETFL)?);
    fcntl(&*writer, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    while writer.write(&[b' '; 4096]).is_ok() {}
    while writer.write(b" ").is_ok() {}
    fcntl(&*writer, FcntlArg::F_SETFL(flags))?;
    Ok(())
}
