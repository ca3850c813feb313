//! What the doctor finds out about interfaces that are there, and what the NIC rows count of them.

use std::{
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::Result;
use flowtrack::{
    capture::xdp::AttachMode,
    control::{NicCounters, NicRow},
};
use flowtrack_tests::{command, frames::Frame, inject::Injector, link::Link, netns::NetNs};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    probe::{Probe, flowtrack, run},
    protocols::{address, wire},
};

/// What the doctor says of `arguments`, as JSON, and its exit status.
fn examine(command: &mut Command, arguments: &[&str]) -> Result<(Value, Option<i32>)> {
    let (status, stdout, stderr) = run(command.args(["doctor", "--json"]), arguments)?;
    let report = serde_json::from_str(&stdout);
    Ok((
        report.unwrap_or_else(|error| panic!("{error}: {stderr}")),
        status,
    ))
}

fn in_netns(link: &Link) -> Result<Command> {
    Ok(link.netns().command(flowtrack()?))
}

/// What is found about `subject` on the only interface of the report.
fn finding<'a>(report: &'a Value, subject: &str) -> &'a Value {
    let findings = report["interfaces"][0]["findings"]
        .as_array()
        .expect("findings");
    let found = findings
        .iter()
        .find(|finding| finding["subject"] == subject);
    found.unwrap_or_else(|| panic!("nothing about {subject}: {report:#}"))
}

fn says(finding: &Value, severity: &str, part: &str) {
    let found = finding["found"].as_str().unwrap_or_default();
    assert!(
        finding["severity"] == severity && found.contains(part),
        "{finding:#}"
    );
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_interface_that_can_be_tapped_has_no_problem() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let option = ["-K", "v1", "rx-vlan-stag-hw-parse", "off"];
    command::run(tapped.netns().command("ethtool").args(option))?;
    let (report, status) = examine(&mut in_netns(&tapped)?, &["v1"])?;
    assert_eq!(status, Some(0), "{report:#}");
    assert_eq!(report["can_capture"], true);
    says(finding(&report, "link"), "ok", "has a carrier");
    says(finding(&report, "use"), "ok", "can be tapped");
    says(finding(&report, "driver"), "ok", "veth 1.0 has native XDP");
    says(finding(&report, "XDP program"), "ok", "no other");
    says(
        finding(&report, "offloads"),
        "ok",
        "as they were on the wire",
    );
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn without_a_name_it_examines_what_could_be_tapped() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let (report, status) = examine(&mut in_netns(&tapped)?, &[])?;
    assert_eq!(status, Some(0), "{report:#}");
    let interfaces = report["interfaces"].as_array().expect("interfaces");
    let names: Vec<_> = interfaces.iter().map(|found| &found["interface"]).collect();
    assert_eq!(names, ["v1"]);

    let empty = NetNs::new("empty")?;
    let (report, status) = examine(&mut empty.command(flowtrack()?), &[])?;
    assert_eq!(status, Some(1), "{report:#}");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn what_is_wrong_with_an_interface_is_found() -> Result<()> {
    let (_sender, tapped) = wire()?;
    tapped.add_address("10.9.0.1/24")?;
    command::run(
        tapped
            .netns()
            .command("ethtool")
            .args(["-K", "v1", "rxvlan", "on"]),
    )?;
    tapped.down()?;
    let (report, status) = examine(&mut in_netns(&tapped)?, &["v1"])?;
    assert_eq!(status, Some(0), "{report:#}");
    says(finding(&report, "link"), "warning", "it is down");
    says(finding(&report, "use"), "warning", "10.9.0.1");
    says(finding(&report, "offloads"), "warning", "VLAN tags");
    let fix = finding(&report, "offloads")["fix"].as_str().expect("a fix");
    assert_eq!(fix, "ethtool -K v1 rxvlan off");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_program_that_is_there_is_named_with_its_owner() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &[])?;
    let (report, status) = examine(&mut in_netns(&tapped)?, &["v1"])?;
    assert_eq!(status, Some(1), "{report:#}");
    let program = finding(&report, "XDP program");
    says(program, "problem", "the program flowtrack (number ");
    says(program, "problem", "native) is on it, held by process ");
    says(program, "problem", "(flowtrack)");
    probe.stop()?.assert_closed();
    let (report, status) = examine(&mut in_netns(&tapped)?, &["v1"])?;
    assert_eq!(status, Some(0), "{report:#}");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn without_privileges_it_says_what_is_missing_and_the_rest() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let mut command = tapped.netns().command("setpriv");
    command
        .args(["--reuid", "65534", "--clear-groups"])
        .args(["--bounding-set", "-all", "--inh-caps", "-all"])
        .arg(flowtrack()?);
    let (report, status) = examine(&mut command, &["v1"])?;
    assert_eq!(status, Some(1), "{report:#}");
    let host = report["host"].as_array().expect("findings");
    let privileges = host
        .iter()
        .find(|finding| finding["subject"] == "privileges");
    says(privileges.expect("privileges"), "problem", "CAP_NET_ADMIN");
    says(finding(&report, "driver"), "ok", "veth");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn what_cannot_be_examined_is_named() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let (status, stdout, stderr) = run(&mut in_netns(&tapped)?, &["doctor", "eth7"])?;
    assert_eq!((status, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(
        stderr.contains("eth7") && stderr.contains("ip link"),
        "{stderr}"
    );

    let (status, stdout, _) = run(&mut in_netns(&tapped)?, &["doctor", "lo"])?;
    assert_eq!(status, Some(1), "{stdout}");
    assert!(stdout.contains("loopback interface"), "{stdout}");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn it_changes_nothing() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let state = || -> Result<String> {
        let link = command::run(tapped.netns().ip().args(["-details", "link", "show", "v1"]))?;
        let features = command::run(tapped.netns().command("ethtool").args(["-k", "v1"]))?;
        Ok(link + &features)
    };
    let before = state()?;
    examine(&mut in_netns(&tapped)?, &["v1"])?;
    assert_eq!(state()?, before);
    Ok(())
}

/// Starts to count on `link`.
fn nic(link: &Link) -> Result<NicCounters> {
    link.netns().run(|| Ok(NicCounters::baseline(link.name())))
}

fn row(nic: &mut NicCounters, link: &Link) -> Result<NicRow> {
    link.netns().run(|| Ok(nic.since(nic.look())))
}

fn frames(count: u16) -> Vec<Vec<u8>> {
    let frame = |port| Frame::udp(([10, 1, 0, 1], port).into(), address("10.1.0.2:9")).build();
    (0..count).map(|port| frame(1000 + port)).collect()
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn what_the_nic_counts_is_what_the_program_sees() -> Result<()> {
    let (sender, tapped) = wire()?;
    let injector = Injector::new(&sender)?;
    // From before the counters begin.
    injector.send(0, &frames(10))?;
    let probe = Probe::start(&tapped, &["--ring-size", "64"])?;
    let mut nic = nic(&tapped)?;
    injector.send(0, &frames(100))?;
    // The socket has no room for most of these, and the program sees them all the same.
    probe.signal(Signal::SIGSTOP)?;
    injector.send(0, &frames(1000))?;
    probe.signal(Signal::SIGCONT)?;
    let outcome = probe.stop()?;
    let row = row(&mut nic, &tapped)?;

    let seen = outcome.total("/xdp/redirected/packets");
    assert_eq!((row.driver.as_str(), row.comparable), ("veth", true));
    assert_eq!((row.packets, seen), (1100, 1100), "{row:#?}");
    assert_eq!(row.unexplained(seen, AttachMode::Native), Some(0));
    assert_eq!(row.driver_counters["rx_queue_#_xdp_packets"], 1100);
    let lost = outcome.total("/xsk/rx_ring_full") + outcome.total("/xsk/rx_dropped");
    assert!(lost > 0, "{:#}", outcome.ledger);
    assert_eq!(row.dropped["rx_dropped"], lost, "{row:#?}");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn what_came_before_the_program_is_not_unexplained() -> Result<()> {
    let (sender, tapped) = wire()?;
    let injector = Injector::new(&sender)?;
    let (frames, started) = (frames(100), AtomicBool::new(false));
    let outcome = thread::scope(|scope| -> Result<_> {
        let sending = scope.spawn(|| -> Result<()> {
            while !started.load(Ordering::Relaxed) {
                injector.send(0, &frames)?;
                thread::sleep(Duration::from_millis(10));
            }
            Ok(())
        });
        let probe = Probe::start(&tapped, &[]);
        started.store(true, Ordering::Relaxed);
        sending.join().expect("a sender that does not panic")?;
        probe?.stop()
    })?;
    let interface = &outcome.ledger["interfaces"][0];
    let unexplained = interface["unexplained_before_xdp"]
        .as_i64()
        .expect("a number");
    let before = tapped.counters()?.rx_packets - outcome.total("/xdp/redirected/packets");
    assert!(before > 200, "nothing came before: {before}");
    assert!(unexplained.abs() <= 100, "a burst at most: {interface:#}");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn the_counters_of_an_interface_go_on_when_it_comes_back() -> Result<()> {
    let (sender, tapped) = wire()?;
    let mut nic = nic(&tapped)?;
    Injector::new(&sender)?.send(0, &frames(30))?;
    assert_eq!(row(&mut nic, &tapped)?.packets, 30);
    tapped.delete()?;
    assert_eq!(row(&mut nic, &tapped)?.packets, 30);
    let (sender, tapped) =
        flowtrack_tests::link::veth((sender.netns(), "v0"), (tapped.netns(), "v1"), 1)?;
    Injector::new(&sender)?.send(0, &frames(5))?;
    assert_eq!(row(&mut nic, &tapped)?.packets, 35);
    Ok(())
}
