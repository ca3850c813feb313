//! Several interfaces in one process.

use anyhow::Result;
use flowtrack_tests::{
    frames::Frame,
    inject::Injector,
    link::{Link, veth},
    netns::NetNs,
    wait::wait_until,
};

use crate::{lifecycle::TIMEOUT, probe::Probe, protocols::address};

/// Two links that end in one namespace, each sender in one of its own.
fn wires() -> Result<[(Link, Link); 2]> {
    let probe = NetNs::new("probe")?;
    let (left, right) = (NetNs::new("left")?, NetNs::new("right")?);
    Ok([
        veth((&left, "v0"), (&probe, "v1"), 2)?,
        veth((&right, "w0"), (&probe, "w1"), 1)?,
    ])
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn each_interface_has_flows_of_its_own_and_records_that_name_it() -> Result<()> {
    let [(left, v1), (right, _w1)] = wires()?;
    let probe = Probe::start(&v1, &["w1"])?;
    probe.wait_to_say("capturing on w1")?;
    // The same flow on both: two records.
    let datagram = Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:53")).build();
    Injector::new(&left)?.send(1, &vec![datagram.clone(); 30])?;
    Injector::new(&right)?.send(0, &vec![datagram; 70])?;
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(100);
    let mut records: Vec<_> = outcome
        .records
        .iter()
        .map(|record| {
            let packets = record["initiator"]["packets"].as_u64();
            (record["interface"].as_str(), packets)
        })
        .collect();
    records.sort_unstable();
    assert_eq!(records, [(Some("v1"), Some(30)), (Some("w1"), Some(70))]);
    let rows: Vec<_> = outcome.ledger["queues"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            let queue = row["queue"].as_u64();
            (row["interface"].as_str(), queue, row["received"].as_u64())
        })
        .collect();
    assert_eq!(
        rows,
        [
            (Some("v1"), Some(0), Some(0)),
            (Some("v1"), Some(1), Some(30)),
            (Some("w1"), Some(0), Some(70)),
        ]
    );
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_interface_that_goes_away_does_not_disturb_the_others() -> Result<()> {
    let [(left, v1), (_right, w1)] = wires()?;
    let probe = Probe::start(&v1, &["w1"])?;
    probe.wait_to_say("capturing on w1")?;
    w1.delete()?;
    probe.wait_to_say("w1 is gone")?;
    let datagram = Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:53")).build();
    Injector::new(&left)?.send(0, &vec![datagram; 50])?;
    wait_until("flowtrack to have them", TIMEOUT, || {
        Ok(v1.counters()?.rx_packets >= 50)
    })?;
    probe.stop()?.assert_all_recorded(50);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn where_one_interface_cannot_be_captured_none_is() -> Result<()> {
    let [(_left, v1), (_right, w1)] = wires()?;
    w1.add_address("10.9.0.1/24")?;
    let mut command = v1.netns().command(flowtrack_tests::command::flowtrack()?);
    let (status, _, stderr) = crate::probe::run(command.args(["run", "v1", "w1"]), &[])?;
    assert_eq!(status, Some(1), "{stderr}");
    assert!(
        stderr.contains("w1 carries the address 10.9.0.1"),
        "{stderr}"
    );
    Ok(())
}
