//! Headers are copied, and packets go on to the host as if nothing were there.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use flowtrack_tests::{
    captures,
    command::flowtrack,
    frames::Frame,
    inject::Injector,
    link::{Link, veth},
    netns::NetNs,
    trace::Trace,
    traffic::Path,
};
use nix::sys::signal::Signal;

use crate::{
    probe::{Outcome, Probe, run},
    protocols::{address, wire},
    replay::{CAPTURES, read, timeless},
};

const OBSERVE: [&str; 2] = ["--mode", "observe"];
/// Bytes each way.
const TRANSFER: usize = 50_000_000;

/// Two hosts on a wire, and the link of the one that is observed.
fn hosts() -> Result<(Path, Link)> {
    let (client, server) = (NetNs::new("client")?, NetNs::new("server")?);
    let (near, far) = veth((&client, "v0"), (&server, "v1"), 2)?;
    near.add_address("10.1.0.1/24")?;
    far.add_address("10.1.0.2/24")?;
    let address = [10, 1, 0, 2].into();
    let path = Path {
        client,
        server,
        address,
    };
    Ok((path, far))
}

/// Connections that do not fill the wire, a new one every so often; the time that all of them took.
fn paced(path: &Path) -> Result<Duration> {
    const CONNECTIONS: u32 = 40;
    const BYTES: usize = 250_000;
    const INTERVAL: Duration = Duration::from_millis(25);
    let start = Instant::now();
    for number in 1..=CONNECTIONS {
        path.transfer(BYTES)?;
        thread::sleep((INTERVAL * number).saturating_sub(start.elapsed()));
    }
    Ok(start.elapsed())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

/// What the program saw is what it copied, and what the rings had no room for.
fn assert_all_seen(outcome: &Outcome, packets: u64) {
    outcome.assert_closed();
    let observed = outcome.total("/xdp/observed/packets");
    let ring_full = outcome.total("/xdp/ring_full/packets");
    assert_eq!(observed + ring_full, packets, "{:#}", outcome.ledger);
    assert_eq!(outcome.total("/received"), observed);
    assert_eq!(outcome.status.code(), Some(0), "{}", outcome.stderr);
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn traffic_that_takes_all_of_the_processors_goes_on() -> Result<()> {
    const TURNS: usize = 5;
    let (path, far) = hosts()?;
    let (mut without, mut with, mut copying) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        without.push(path.transfer(TRANSFER)?);
        let before = far.counters()?.rx_packets;
        let probe = Probe::start(&far, &OBSERVE)?;
        with.push(path.transfer(TRANSFER)?);
        // The program alone, without what user space takes of the same processors.
        probe.signal(Signal::SIGSTOP)?;
        copying.push(path.transfer(TRANSFER)?);
        probe.signal(Signal::SIGCONT)?;
        let outcome = probe.stop()?;
        assert_all_seen(&outcome, far.counters()?.rx_packets - before);
    }
    let without = median(without);
    let ratio = without / median(with);
    let program = without / median(copying);
    println!(
        "rate with flowtrack, of the rate without: {ratio:.2}; with its program alone: {program:.2}"
    );
    // Both hosts, flowtrack, and whatever else the machine does share its processors.
    assert!(ratio > 0.25 && program > 0.5, "{ratio} {program}");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn traffic_that_leaves_the_processors_room_is_as_fast_as_without() -> Result<()> {
    let (path, far) = hosts()?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        without.push(paced(&path)?);
        let before = far.counters()?.rx_packets;
        let probe = Probe::start(&far, &OBSERVE)?;
        with.push(paced(&path)?);
        let outcome = probe.stop()?;
        assert_all_seen(&outcome, far.counters()?.rx_packets - before);
    }
    let ratio = median(without) / median(with);
    println!("rate with flowtrack, of the rate without: {ratio:.2}");
    assert!(ratio > 0.8, "{ratio}");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_flowtrack_that_stands_still_costs_headers_and_no_packet() -> Result<()> {
    let (path, far) = hosts()?;
    let before = far.counters()?.rx_packets;
    let probe = Probe::start(&far, &["--mode", "observe", "--ring-size", "64"])?;
    probe.signal(Signal::SIGSTOP)?;
    path.transfer(TRANSFER)?;
    probe.signal(Signal::SIGCONT)?;
    let outcome = probe.stop()?;
    assert_all_seen(&outcome, far.counters()?.rx_packets - before);
    assert!(outcome.total("/xdp/ring_full/packets") > 1000);
    // Both rings have room for 64 packets, rounded up to a power of two of pages.
    assert!(outcome.total("/xdp/observed/packets") < 1000);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn packets_without_room_are_counted_and_later_records_say_so() -> Result<()> {
    let (sender, observed) = wire()?;
    let probe = Probe::start(&observed, &["--mode", "observe", "--ring-size", "64"])?;
    let injector = Injector::new(&sender)?;
    let frame = |port: u16| Frame::udp(([10, 1, 0, 1], port).into(), address("10.1.0.2:9")).build();
    let frames: Vec<_> = (0..1000).map(|n| frame(1000 + n % 10)).collect();
    probe.signal(Signal::SIGSTOP)?;
    injector.send(0, &frames)?;
    probe.signal(Signal::SIGCONT)?;
    // It looks every 50 ms at the latest.
    thread::sleep(Duration::from_secs(1));
    // The first packet behind the gap tells of it.
    injector.send(0, &frames[..10])?;
    let outcome = probe.stop()?;
    assert_all_seen(&outcome, 1010);
    let ring_full = outcome.total("/xdp/ring_full/packets");
    assert!(ring_full > 500, "{:#}", outcome.ledger);
    assert_eq!(outcome.packets_in_records() + ring_full, 1010);
    let marked = outcome
        .records
        .iter()
        .filter(|r| r["completeness"]["capture_loss"] == true);
    assert_eq!(marked.count(), 10, "{:#?}", outcome.records);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn records_are_those_of_a_tap() -> Result<()> {
    if !captures::present() {
        return Ok(());
    }
    let folder = captures::folder().join("open");
    let paths: Vec<_> = CAPTURES.iter().map(|name| folder.join(name)).collect();
    let trace = Trace::of_captures(&paths)?;
    let live = |arguments: &[&str]| -> Result<Vec<String>> {
        let (sender, link) = wire()?;
        for end in [&sender, &link] {
            end.set_mtu(4000)?;
        }
        let probe = Probe::start(&link, arguments)?;
        trace.play(&Injector::new(&sender)?)?;
        let outcome = probe.stop()?;
        outcome.assert_closed();
        assert_eq!(outcome.total("/received"), trace.frames() as u64);
        timeless(&outcome.records)
    };
    let tapped = live(&[])?;
    assert_eq!(tapped, read(&trace)?);
    assert_eq!(live(&OBSERVE)?, tapped);
    assert_eq!(live(&["--mode", "observe", "--snap", "512"])?, tapped);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn packets_have_the_times_at_which_they_arrived() -> Result<()> {
    let (sender, link) = wire()?;
    let probe = Probe::start(&link, &OBSERVE)?;
    let frame = Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:53")).build();
    let injector = Injector::new(&sender)?;
    let now = || -> Result<f64> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        Ok(now.as_secs_f64())
    };
    let begin = now()?;
    injector.send(0, std::slice::from_ref(&frame))?;
    let first = now()?;
    thread::sleep(Duration::from_millis(300));
    let second = now()?;
    injector.send(0, &[frame])?;
    let end = now()?;
    let outcome = probe.stop()?;
    let record = outcome.only_record();
    let time = |name: &str| record[name].as_f64().expect("a time");
    assert!((begin..=first).contains(&time("start")), "{record:#}");
    assert!((second..=end).contains(&time("end")), "{record:#}");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn options_of_sockets_are_wrong_usage_where_headers_are_copied() -> Result<()> {
    let cases: [(&[&str], &str); 6] = [
        (
            &["--mode", "observe", "--require-zero-copy"],
            "--require-zero-copy",
        ),
        (&["--mode", "observe", "--busy-poll"], "--busy-poll"),
        (
            &["--mode", "observe", "--timestamps", "burst"],
            "--timestamps burst",
        ),
        (&["--mode", "observe", "--snap", "63"], "63"),
        (&["--snap", "128"], "--mode observe"),
        (&["--mode", "inline"], "two interfaces"),
    ];
    for (arguments, words) in cases {
        let mut command = std::process::Command::new(flowtrack()?);
        let (status, _, stderr) = run(command.args(["run", "v1"]), arguments)?;
        assert_eq!(status, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
    Ok(())
}
