//! Shares of the flows: which packets are tracked, and what that says of the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use flowtrack_tests::{
    frames::{Frame, VLAN},
    generator::{Generator, Load},
    inject::Injector,
    link::Link,
    trace::Trace,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    probe::{Outcome, Probe, flowtrack},
    protocols::{address, wire},
};

const FLOWS: u16 = 4000;
/// Of each flow, in each direction.
const PACKETS: usize = 2;
/// 99.9% of what a normal distribution gives is within so many standard deviations.
const BOUND: f64 = 3.29;
/// The same flows in each run: chance is in the key, not in the test.
const KEY: [&str; 4] = ["--hash-key", "4711", "--sample", "1/8"];

/// Packets of many flows in both directions: IPv4 and IPv6, with and without a tag, whole and in
/// fragments.
fn traffic() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for number in 0..FLOWS {
        let (client, server) = if number % 2 == 0 {
            (format!("10.1.0.1:{}", 10_000 + number), "10.1.0.2:53")
        } else {
            (format!("[fd00::1]:{}", 10_000 + number), "[fd00::2]:53")
        };
        let (client, server) = (address(&client), address(server));
        for (from, to) in [(client, server), (server, client)] {
            for packet in 0..PACKETS {
                let mut frame = Frame::udp(from, to)
                    .identification(u32::from(number) * 2 + u32::from(from == server))
                    .payload([7; 40]);
                if number % 4 >= 2 {
                    frame = frame.tag(VLAN, 5);
                }
                if number % 8 >= 4 && packet == 0 {
                    frames.extend(frame.fragments(24));
                } else {
                    frames.push(frame.build());
                }
            }
        }
    }
    frames
}

/// Sends frames no faster than a worker takes them.
fn send(injector: &Injector, frames: &[Vec<u8>]) -> Result<()> {
    for some in frames.chunks(500) {
        injector.send(0, some)?;
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Packets of both sides by the port of the client.
fn packets_by_port(records: &[Value]) -> BTreeMap<u64, Vec<(u64, u64)>> {
    let mut flows = BTreeMap::<_, Vec<_>>::new();
    for record in records {
        let sent = |side: &str| record[side]["packets"].as_u64().unwrap_or_default();
        let port = record["src_port"].as_u64().unwrap_or_default();
        let counts = (sent("initiator"), sent("responder"));
        flows.entry(port).or_default().push(counts);
    }
    flows
}

fn sampling(outcome: &Outcome, path: &str) -> f64 {
    let row = &outcome.ledger["sampling"];
    let value = row.pointer(path).and_then(Value::as_f64);
    value.unwrap_or_else(|| panic!("no {path} in {row:#}"))
}

#[test]
#[ignore = "requires root: cargo xtask test"]
#[expect(clippy::cast_precision_loss, reason = "thousands, beside estimates")]
fn a_sample_has_whole_flows_of_the_right_share_and_says_what_all_are() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &[&KEY[..], &["--max-flows", "8192"]].concat())?;
    let frames = traffic();
    send(&Injector::new(&sender)?, &frames)?;
    let outcome = probe.stop()?;
    outcome.assert_closed();
    assert_eq!(outcome.status.code(), Some(0), "{}", outcome.stderr);
    let lost = outcome.total("/xsk/rx_ring_full") + outcome.total("/xsk/rx_dropped");
    assert_eq!(lost, 0);
    let sampled_out = outcome.total("/xdp/sampled_out/packets");
    assert_eq!(
        outcome.total("/records/packets") + sampled_out,
        frames.len() as u64
    );

    // A fragmented packet is of three: 48 bytes of UDP in pieces of 24, and as many again.
    let flows = packets_by_port(&outcome.records);
    let sent: BTreeMap<u64, usize> = (0..FLOWS)
        .map(|number| {
            (
                u64::from(10_000 + number),
                if number % 8 >= 4 { 3 } else { PACKETS },
            )
        })
        .collect();
    for (port, records) in &flows {
        let each = sent[port] as u64;
        assert_eq!(records[..], [(each, each)], "port {port}");
    }
    assert!(
        outcome
            .records
            .iter()
            .all(|record| record["completeness"]["sampled"] == 8)
    );

    let (all, share) = (f64::from(FLOWS), 1.0 / 8.0);
    let deviation = (all * share * (1.0 - share)).sqrt();
    let off = (flows.len() as f64 - all * share).abs();
    assert!(off <= BOUND * deviation, "{} flows", flows.len());
    for (what, truth) in [
        ("flows", all),
        ("packets", frames.len() as f64),
        ("bytes", frames.iter().map(Vec::len).sum::<usize>() as f64),
    ] {
        let estimate = sampling(&outcome, &format!("/{what}/estimate"));
        let error = sampling(&outcome, &format!("/{what}/error"));
        assert!(error > 0.0 && error < truth / 10.0, "{what}: {error}");
        assert!(
            (estimate - truth).abs() <= BOUND * error,
            "{what}: {estimate} ± {error}"
        );
    }
    assert!(
        outcome.stderr.contains("all flows, estimated:"),
        "{}",
        outcome.stderr
    );
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn reading_samples_the_flows_that_the_xdp_program_samples() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &KEY)?;
    let frames = traffic();
    send(&Injector::new(&sender)?, &frames)?;
    let live = probe.stop()?;
    live.assert_closed();

    let folder = TempDir::new()?;
    let at = |name: &str| folder.path().join(name).display().to_string();
    Trace::of_frames(frames.clone()).write(&folder.path().join("capture"))?;
    let status = Command::new(flowtrack()?)
        .args(["read", &at("capture"), "--shards", "2"])
        .args(KEY)
        .args([
            "-o",
            &format!("json:{}", at("records")),
            "--ledger",
            &at("ledger"),
        ])
        .status()?;
    assert!(status.success());
    let records: Vec<Value> = fs::read_to_string(at("records"))?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    assert_eq!(packets_by_port(&records), packets_by_port(&live.records));
    let ledger: Value = serde_json::from_str(&fs::read_to_string(at("ledger"))?)?;
    for path in [
        "/sampled",
        "/sampled_out/packets",
        "/sampled_out/bytes",
        "/flows/estimate",
        "/packets/estimate",
        "/bytes/estimate",
    ] {
        let read = ledger["sampling"].pointer(path).context("no number")?;
        assert_eq!(Some(read), live.ledger["sampling"].pointer(path), "{path}");
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_smaller_share_is_a_part_of_a_larger_one() -> Result<()> {
    let folder = TempDir::new()?;
    let capture = folder.path().join("capture");
    Trace::of_frames(traffic()).write(&capture)?;
    let flows = |n: u32| -> Result<BTreeSet<u64>> {
        let output = Command::new(flowtrack()?)
            .arg("read")
            .arg(&capture)
            .args([
                "--hash-key",
                "7",
                "--sample",
                &format!("1/{n}"),
                "-o",
                "json:-",
            ])
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let records: Vec<Value> = text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        Ok(packets_by_port(&records).into_keys().collect())
    };
    let mut larger = flows(1)?;
    assert_eq!(larger.len(), usize::from(FLOWS));
    for n in [2, 4, 8, 16] {
        let smaller = flows(n)?;
        assert!(
            smaller.is_subset(&larger) && smaller.len() < larger.len(),
            "1/{n}"
        );
        larger = smaller;
    }
    Ok(())
}

/// Sends as much as one CPU can until `is_over`; how many packets.
fn flood(sender: &Link, is_over: impl Fn() -> Result<bool>) -> Result<u64> {
    let mut generator = Generator::new(sender)?;
    let load = Load {
        packets: 200_000,
        flows: 1000,
        rate: None,
        queue: 0,
    };
    let begin = Instant::now();
    let mut sent = 0;
    while !is_over()? && begin.elapsed() < Duration::from_secs(20) {
        generator.udp(&load, address("10.1.0.1:1000"), address("10.1.0.2:53"))?;
        sent += load.packets;
    }
    Ok(sent)
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn under_pressure_less_is_tracked_and_all_again_when_it_is_gone() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &["--sample", "auto", "--ring-size", "64"])?;
    let sent = flood(&sender, || Ok(probe.stderr()?.contains("1/4 of the flows")))?;
    probe.wait_to_say("more packets than the workers can take: 1/2")?;
    // The pressure is gone: a try each two seconds.
    let begin = Instant::now();
    while !probe.stderr()?.contains("no pressure: 1/1 of the flows") {
        assert!(
            begin.elapsed() < Duration::from_secs(40),
            "{}",
            probe.stderr()?
        );
        thread::sleep(Duration::from_millis(100));
    }
    // A flow that begins now has all of its life been tracked as one of all.
    thread::sleep(Duration::from_millis(100));
    let late = vec![Frame::udp(address("10.2.0.1:1"), address("10.2.0.2:2")).build(); 3];
    Injector::new(&sender)?.send(0, &late)?;
    let outcome = probe.stop()?;
    outcome.assert_closed();
    let lost = outcome.total("/xsk/rx_ring_full") + outcome.total("/xsk/rx_dropped");
    let sampled_out = outcome.total("/xdp/sampled_out/packets");
    assert!(lost > 0 && sampled_out > 0, "{:#}", outcome.ledger);
    assert_eq!(outcome.packets_in_records() + lost + sampled_out, sent + 3);
    assert_eq!(outcome.ledger["sampling"]["sampled"], 1);
    let least = outcome.ledger["sampling"]["sampled_at_most"].as_u64();
    assert!(least.is_some_and(|least| least >= 4), "{least:?}");
    for record in &outcome.records {
        let sampled = record["completeness"]["sampled"].as_u64();
        if record["src"] == "10.2.0.1" {
            assert_eq!(sampled, Some(1));
        } else {
            assert!(
                sampled >= Some(2),
                "it lived while less was tracked: {record:#}"
            );
        }
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn flows_that_do_not_fit_into_the_table_are_sampled_and_counted() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &["--sample", "auto", "--max-flows", "500"])?;
    let frames = traffic();
    let injector = Injector::new(&sender)?;
    let begin = Instant::now();
    let mut sent = 0;
    while !probe.stderr()?.contains("more flows than the tables hold")
        && begin.elapsed() < Duration::from_secs(20)
    {
        send(&injector, &frames)?;
        sent += frames.len() as u64;
    }
    let outcome = probe.stop()?;
    outcome.assert_closed();
    let lost = outcome.total("/xsk/rx_ring_full") + outcome.total("/xsk/rx_dropped");
    let sampled_out = outcome.total("/xdp/sampled_out/packets");
    assert_eq!(outcome.packets_in_records() + lost + sampled_out, sent);
    Ok(())
}
