//! Packets are forwarded between two interfaces, and both directions are tracked.

use anyhow::Result;
use flowtrack_tests::{
    link::{Link, veth},
    netns::NetNs,
    traffic::Path,
    wait::wait_until,
};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    lifecycle::{TIMEOUT, has_program},
    probe::{Outcome, Probe, flowtrack, run},
};

/// Bytes each way.
const TRANSFER: usize = 20_000_000;

/// Two hosts with a machine between them that has a port to each, and nothing else.
struct Bridge {
    hosts: [Link; 2],
    ports: [Link; 2],
}

impl Bridge {
    fn new() -> Result<Self> {
        let (client, middle, server) = (
            NetNs::new("client")?,
            NetNs::new("middle")?,
            NetNs::new("server")?,
        );
        let (near, left) = veth((&client, "v0"), (&middle, "v1"), 2)?;
        let (far, right) = veth((&server, "w0"), (&middle, "w1"), 2)?;
        for (host, number) in [(&near, 1), (&far, 2)] {
            host.take_redirected()?;
            host.add_address(&format!("10.1.0.{number}/24"))?;
            host.add_address(&format!("fd00::{number}/64"))?;
        }
        Ok(Self {
            hosts: [near, far],
            ports: [left, right],
        })
    }

    fn path(&self, address: &str) -> Result<Path> {
        let [client, server] = self.hosts.each_ref().map(|host| host.netns().clone());
        Ok(Path {
            client,
            server,
            address: address.parse()?,
        })
    }

    fn start(&self, arguments: &[&str]) -> Result<Probe> {
        let mut all = vec!["w1", "--mode", "inline", "--ring-size", "65536"];
        all.extend(arguments);
        Probe::start(&self.ports[0], &all)
    }

    /// What flowtrack says where it does not start.
    fn refusal(&self) -> Result<String> {
        let mut command = self.ports[0].netns().command(flowtrack()?);
        // If it does start, it ends again.
        command.args(["run", "v1", "w1", "--duration", "1s"]);
        let (status, _, stderr) = run(&mut command, &["--mode", "inline"])?;
        assert_eq!(status, Some(1), "{stderr}");
        for port in &self.ports {
            assert!(!has_program(port)?, "{stderr}");
        }
        Ok(stderr)
    }
}

/// The record of the only connection, which went to `address`.
fn connection<'a>(outcome: &'a Outcome, address: &str) -> &'a Value {
    outcome.assert_closed();
    assert_eq!(outcome.status.code(), Some(0), "{}", outcome.stderr);
    let forwarded = outcome.total("/xdp/forwarded/packets");
    assert_eq!(outcome.total("/received"), forwarded);
    let records = outcome.records.iter();
    let connections: Vec<_> = records.filter(|r| r["proto"] == "tcp").collect();
    let [record] = connections[..] else {
        panic!("{:#?}", outcome.records);
    };
    assert_eq!(record["interface"], "v1+w1");
    assert_eq!(record["dst"], address);
    record
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_transfer_goes_through_byte_for_byte_and_its_record_has_both_directions() -> Result<()> {
    let bridge = Bridge::new()?;
    for address in ["10.1.0.2", "fd00::2"] {
        let probe = bridge.start(&[])?;
        // Neighbours have to find each other first: by ARP, and by messages of ICMPv6.
        bridge.path(address)?.transfer(TRANSFER)?;
        let outcome = probe.stop()?;
        let record = connection(&outcome, address);
        // Headers that were lost under this load are counted.
        let handed = outcome.ledger["total"].pointer("/handover/lost");
        let lost = outcome.total("/xdp/ring_full/packets")
            + handed.and_then(Value::as_u64).unwrap_or_default();
        for side in ["initiator", "responder"] {
            let packets = record[side]["packets"].as_u64().expect("packets");
            assert!(packets + lost > TRANSFER as u64 / 1500, "{record:#}");
            assert!(packets > 100, "{record:#}");
        }
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_record_has_all_that_was_forwarded_both_ways() -> Result<()> {
    const BYTES: usize = 300_000;
    let bridge = Bridge::new()?;
    for address in ["10.1.0.2", "fd00::2"] {
        let probe = bridge.start(&[])?;
        bridge.path(address)?.transfer(BYTES)?;
        let outcome = probe.stop()?;
        let record = connection(&outcome, address);
        assert_eq!(outcome.total("/xdp/ring_full/packets"), 0);
        assert_eq!(record["conn_state"], "SF", "{record:#}");
        for side in ["initiator", "responder"] {
            let tcp = &record[side]["tcp"];
            assert_eq!(tcp["stream_bytes"], BYTES, "{record:#}");
            assert_eq!(tcp["gap_bytes"], 0, "{record:#}");
        }
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn packets_are_forwarded_while_flowtrack_stands_still_and_until_it_is_gone() -> Result<()> {
    let bridge = Bridge::new()?;
    let probe = bridge.start(&[])?;
    let path = bridge.path("10.1.0.2")?;
    probe.signal(Signal::SIGSTOP)?;
    path.transfer(TRANSFER)?;
    for port in &bridge.ports {
        assert!(has_program(port)?);
    }
    probe.kill()?;
    for port in &bridge.ports {
        wait_until("the program to be gone", TIMEOUT, || {
            Ok(!has_program(port)?)
        })?;
    }
    assert!(path.echo(1, 10).is_err(), "nobody forwards");
    // What is not wanted is forwarded as well.
    let probe = bridge.start(&["--filter", "udp port 9"])?;
    path.transfer(TRANSFER)?;
    let outcome = probe.stop()?;
    outcome.assert_closed();
    assert_eq!(outcome.records.len(), 0, "{:#?}", outcome.records);
    assert!(outcome.total("/xdp/filtered/packets") > TRANSFER as u64 / 1500);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn interfaces_that_cannot_forward_to_each_other_are_refused_with_the_reason() -> Result<()> {
    let bridge = Bridge::new()?;
    let [left, right] = &bridge.ports;
    right.set_mtu(1400)?;
    let said = bridge.refusal()?;
    assert!(
        said.contains("1500") && said.contains("w1 of 1400"),
        "{said}"
    );
    right.set_mtu(1500)?;

    right.add_address("10.9.0.1/24")?;
    let said = bridge.refusal()?;
    assert!(
        said.contains("10.9.0.1") && said.contains("--take-over"),
        "{said}"
    );
    right.remove_address("10.9.0.1/24")?;

    bridge.hosts[0].down()?;
    wait_until("the link to be down", TIMEOUT, || Ok(!left.is_running()?))?;
    let said = bridge.refusal()?;
    assert!(said.contains("v1 is down"), "{said}");
    bridge.hosts[0].up()?;
    wait_until("the link to be up", TIMEOUT, || left.is_running())?;

    bridge.hosts[1].refuse_redirected()?;
    let said = bridge.refusal()?;
    assert!(
        said.contains("w1 sends no packets that a program redirects"),
        "{said}"
    );
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_end_that_goes_away_and_comes_back_is_forwarded_to_again() -> Result<()> {
    let bridge = Bridge::new()?;
    let probe = bridge.start(&[])?;
    let path = bridge.path("10.1.0.2")?;
    path.transfer(1000)?;
    let [_, server] = &bridge.hosts;
    let [_, right] = &bridge.ports;
    let mac = server.mac()?;
    right.delete()?;
    probe.wait_to_say("w1 is gone")?;
    let (far, _) = veth((server.netns(), "w0"), (right.netns(), "w1"), 2)?;
    far.set_mac(mac)?;
    far.take_redirected()?;
    far.add_address("10.1.0.2/24")?;
    wait_until("flowtrack to forward again", TIMEOUT, || {
        Ok(probe.stderr()?.matches("capturing on").count() >= 2)
    })?;
    path.transfer(TRANSFER)?;
    probe.stop()?.assert_closed();
    Ok(())
}
