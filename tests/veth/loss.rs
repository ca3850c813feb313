//! Packets that are lost on purpose, and where they are counted.

use std::{fs::File, time::Duration};

use anyhow::Result;
use flowtrack_tests::{
    frames::Frame,
    generator::{Generator, Load},
    inject::Injector,
    wait::wait_until,
};
use nix::{
    sys::{signal::Signal, stat::Mode},
    unistd::mkfifo,
};
use tempfile::TempDir;

use crate::{
    probe::Probe,
    protocols::{address, wire},
};

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_worker_that_stands_still_loses_packets_and_each_is_counted() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &["--ring-size", "64"])?;
    let injector = Injector::new(&sender)?;
    let frame = |port: u16| Frame::udp(([10, 1, 0, 1], port).into(), address("10.1.0.2:9")).build();
    let frames: Vec<_> = (0..1000).map(|n| frame(1000 + n % 10)).collect();
    let dropped_before = tapped.counters()?.rx_dropped;

    probe.signal(Signal::SIGSTOP)?;
    injector.send(0, &frames)?;
    wait_until(
        "the kernel to have taken all packets",
        Duration::from_secs(5),
        || {
            let counters = tapped.counters()?;
            Ok(counters.rx_packets + counters.rx_dropped - dropped_before >= frames.len() as u64)
        },
    )?;
    probe.signal(Signal::SIGCONT)?;

    let outcome = probe.stop()?;
    outcome.assert_closed();
    let lost = outcome.total("/xsk/rx_ring_full") + outcome.total("/xsk/rx_dropped");
    let sent = frames.len() as u64;
    assert!(lost > 0, "nothing was lost: {:#}", outcome.ledger);
    assert_eq!(outcome.total("/xdp/redirected/packets"), sent);
    assert_eq!(outcome.total("/records/packets") + lost, sent);
    assert_eq!(outcome.packets_in_records() + lost, sent);
    // Packets that are lost but counted are no failure; the records of that time say so.
    assert_eq!(outcome.status.code(), Some(0), "{}", outcome.stderr);
    let marked = outcome
        .records
        .iter()
        .filter(|r| r["completeness"]["capture_loss"] == true);
    assert!(marked.count() >= 10, "{:#?}", outcome.records);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_full_table_evicts_and_counts_it() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &["--max-flows", "100"])?;
    let frame = |port: u16| Frame::udp(([10, 1, 0, 1], port).into(), address("10.1.0.2:9")).build();
    let frames: Vec<_> = (0..1000).map(|n| frame(1000 + n)).collect();
    Injector::new(&sender)?.send(0, &frames)?;
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(1000);
    assert_eq!(outcome.total("/tracker/evicted"), 900);
    assert_eq!(outcome.total("/tracker/ended/evicted"), 900);
    let evicted = outcome
        .records
        .iter()
        .filter(|r| r["completeness"]["evicted"] == true);
    assert_eq!(evicted.count(), 900);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_output_that_nobody_reads_costs_its_own_records_and_nothing_else() -> Result<()> {
    let (sender, tapped) = wire()?;
    let folder = TempDir::new()?;
    let pipe = folder.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU)?;
    // Open at both ends, so that nobody waits for the other one, and never read.
    let _reader = File::options().read(true).write(true).open(&pipe)?;
    let output = format!("json:{}", pipe.display());
    let probe = Probe::start(&tapped, &["--max-flows", "1000", "-o", &output])?;
    // Each packet starts a flow, and nearly each ends one: more records than may wait.
    let load = Load {
        packets: 150_000,
        flows: 150_000,
        rate: Some(50_000),
        queue: 0,
    };
    Generator::new(&sender)?.udp(&load, address("10.2.0.1:1024"), address("10.2.0.2:9"))?;
    let outcome = probe.stop()?;
    outcome.assert_closed();
    let lost = outcome.total("/xsk/rx_ring_full") + outcome.total("/xsk/rx_dropped");
    let records = outcome.total("/records/records");
    assert_eq!(outcome.total("/records/packets") + lost, load.packets);
    assert_eq!(outcome.total("/records/lost_records"), 0);
    let [file, blocked] = [0, 1].map(|at| outcome.ledger["outputs"][at].clone());
    assert_eq!(
        (&file["sent"], &file["failed"]),
        (&records.into(), &0.into())
    );
    assert_eq!(
        outcome.packets_in_records(),
        outcome.total("/records/packets")
    );
    let count = |name| blocked[name].as_u64().expect("a number");
    assert_eq!(count("sent") + count("failed"), records, "{blocked:#}");
    assert!(count("failed") > 10_000, "{blocked:#}");
    assert_eq!(outcome.status.code(), Some(3), "{}", outcome.stderr);
    Ok(())
}
