//! The ledger as metrics, while flowtrack runs.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context as _, Result};
use flowtrack_tests::{
    command::{flowtrack, run},
    frames::Frame,
    inject::Injector,
    link::Link,
    wait::wait_until,
};

use crate::{
    probe::Probe,
    protocols::{address, wire},
};

/// What a scraper gets for `path`: the whole answer.
fn get(link: &Link, address: &str, path: &str) -> Result<String> {
    link.netns().run(|| {
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: flowtrack\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    })
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn the_ledger_can_be_scraped_while_packets_come_in() -> Result<()> {
    let (sender, tapped) = wire()?;
    run(tapped.netns().ip().args(["link", "set", "lo", "up"]))?;
    let probe = Probe::start(&tapped, &["--metrics", "127.0.0.1:0"])?;
    probe.wait_to_say("metrics at http://")?;
    let said = probe.stderr()?;
    let served = said
        .split_once("http://")
        .and_then(|(_, rest)| rest.split_once("/metrics"))
        .map(|(served, _)| served.to_owned())
        .context("no address")?;
    let datagram = Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:53")).build();
    Injector::new(&sender)?.send(0, &vec![datagram; 123])?;
    let line = "flowtrack_received_total{interface=\"v1\",queue=\"0\"} 123";
    wait_until(
        "123 packets in the metrics",
        Duration::from_secs(10),
        || {
            Ok(get(&tapped, &served, "/metrics")?
                .lines()
                .any(|it| it == line))
        },
    )?;
    let answer = get(&tapped, &served, "/metrics")?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.contains("flowtrack_residual_xsk{interface=\"v1\",queue=\"0\"} 0\n"),
        "{answer}"
    );
    let answer = get(&tapped, &served, "/nothing")?;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    // Somebody who asks and never reads the answer does not keep it from ending.
    let idle = tapped.netns().run(|| Ok(TcpStream::connect(&served)?))?;
    probe.stop()?.assert_all_recorded(123);
    drop(idle);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_address_that_cannot_be_served_on_is_named() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let mut command = tapped.netns().command(flowtrack()?);
    let arguments = ["run", "v1", "--metrics", "192.0.2.1:9464"];
    let (status, _, stderr) = crate::probe::run(&mut command, &arguments)?;
    assert_eq!(status, Some(1), "{stderr}");
    assert!(
        stderr.contains("cannot serve metrics on 192.0.2.1:9464"),
        "{stderr}"
    );
    Ok(())
}
