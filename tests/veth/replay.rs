//! Captures that are replayed give the records that reading them gives.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};
use flowtrack_tests::{captures, inject::Injector, link::veth, netns::NetNs, span, trace::Trace};
use serde_json::Value;
use tempfile::TempDir;

use crate::probe::{Outcome, Probe, flowtrack};

/// Captures that last no second: TCP and UDP over IPv4 and IPv6, SCTP, VLANs and QinQ, GRE, ERSPAN,
/// IP in IP, GTP-U. No flow is in two of them, and both directions of each have the same hash, so no
/// flow is on two queues.
pub(crate) const CAPTURES: [&str; 24] = [
    "ndpi__nfsv3.pcap",
    "ndpi__spotify_tcp.pcap",
    "suri__bug-2576-01__temp6.pcap",
    "suri__bug-4571-01__ipv4_over_ipv4.pcap",
    "suri__bug-4571-03__ipv6_over_ipv6.pcap",
    "suri__bug-4571-04__ipv6_over_ipv4.pcap",
    "suri__bug-4571-06__ipv4_over_ipv6.pcap",
    "suri__bug-6244-tcp-rst-with-data__tcp-rst-with-data.pcap",
    "suri__bug-814__input.pcap",
    "suri__dcerpc__dcerpc-udp-scapy__input.pcap",
    "suri__dns__task-7018-ids-dns-keywords__input.pcap",
    "suri__firewall__tcp-session-syn-flood-drop-precedence__input.pcap",
    "suri__tcp-fastopen-06__tfo-s1.pcap",
    "zeek__communityid__sctp.pcap",
    "zeek__erspanI.pcap",
    "zeek__ftp__fake-server-delays-all.pcap",
    "zeek__http__concurrent-range-requests.pcap",
    "zeek__ldap__ldap-starttls.pcap",
    "zeek__pop3__redis-50-pings.pcap",
    "zeek__q-in-q.pcap",
    "zeek__rdp__rdpeudp-handshake-success.pcap",
    "zeek__tunnels__gtp__gtp6_gtp_0x32.pcap",
    "zeek__tunnels__ping6-in-ipv4.pcap",
    "zeek__vlan-qinqinq.pcap",
];

/// Fields of a record that tell when something was, how long it took, or where it was seen.
const CIRCUMSTANCES: [&str; 6] = [
    "start",
    "end",
    "duration",
    "syn_to_syn_ack",
    "syn_ack_to_ack",
    "interface",
];

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_replayed_trace_gives_the_records_that_reading_it_gives() -> Result<()> {
    if !captures::present() {
        return Ok(());
    }
    let folder = captures::folder().join("open");
    let paths: Vec<_> = CAPTURES.iter().map(|name| folder.join(name)).collect();
    let trace = Trace::of_captures(&paths)?;
    let offline = read(&trace)?;
    for queues in [1, 2, 4] {
        for burst in ["1", "7", "64"] {
            let (live, _) = replay(&trace, queues, span::Steering::Symmetric, burst)?;
            assert_same(
                &live,
                &offline,
                &format!("{queues} queues, bursts of {burst}"),
            );
        }
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_trace_whose_directions_take_different_queues_gives_the_records_that_reading_it_gives()
-> Result<()> {
    if !captures::present() {
        return Ok(());
    }
    let folder = captures::folder().join("open");
    let paths: Vec<_> = CAPTURES.iter().map(|name| folder.join(name)).collect();
    let trace = Trace::of_captures(&paths)?;
    let offline = read(&trace)?;
    for queues in [2, 4] {
        let (live, outcome) = replay(&trace, queues, span::Steering::BySource, "64")?;
        assert!(outcome.total("/handover/handed_out") > 0, "{outcome:#?}");
        assert_eq!(outcome.total("/handover/lost"), 0);
        assert_same(&live, &offline, &format!("{queues} queues"));
    }
    Ok(())
}

fn assert_same(live: &[String], offline: &[String], how: &str) {
    assert!(
        live == offline,
        "{how}, only live: {:#?}, only offline: {:#?}",
        only_in(live, offline),
        only_in(offline, live)
    );
}

fn only_in<'a>(these: &'a [String], those: &[String]) -> Vec<&'a String> {
    let others = these.iter().filter(|record| !those.contains(record));
    others.collect()
}

/// What `flowtrack run` records of it, from a tap with several receive queues and at most so many
/// packets at a time.
fn replay(
    trace: &Trace,
    queues: u32,
    steering: span::Steering,
    burst: &str,
) -> Result<(Vec<String>, Outcome)> {
    let (sender_ns, switch_ns, probe_ns) = (
        NetNs::new("sender")?,
        NetNs::new("switch")?,
        NetNs::new("probe")?,
    );
    let (sender, port) = veth((&sender_ns, "v0"), (&switch_ns, "v1"), 1)?;
    let (mirror, tap) = veth((&switch_ns, "t0"), (&probe_ns, "t1"), queues)?;
    // Some frames have three VLAN tags, and some are of a host that leaves it to its card to cut them.
    for link in [&sender, &port, &mirror, &tap] {
        link.set_mtu(4000)?;
    }
    let _mirroring = span::mirror_to(&port, &mirror, steering)?;
    let probe = Probe::start(&tap, &["--burst", burst])?;
    trace.play(&Injector::new(&sender)?)?;
    let outcome = probe.stop()?;
    outcome.assert_closed();
    assert_eq!(outcome.total("/received"), trace.frames() as u64);
    let busy = outcome
        .received_by_queue()
        .iter()
        .filter(|&&n| n > 0)
        .count();
    assert_eq!(busy, queues as usize, "all queues have packets");
    Ok((timeless(&outcome.records)?, outcome))
}

/// What `flowtrack read` records of it.
pub(crate) fn read(trace: &Trace) -> Result<Vec<String>> {
    let folder = TempDir::new()?;
    let capture: PathBuf = folder.path().join("trace.pcap");
    trace.write(&capture)?;
    let output = Command::new(flowtrack()?)
        .arg("read")
        .arg(&capture)
        .args(["-o", "json:-"])
        .output()
        .context("cannot start flowtrack")?;
    ensure!(output.status.success(), "{output:?}");
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let records: Result<Vec<Value>, _> = lines
        .filter(|line| !line.is_empty())
        .map(serde_json::from_slice)
        .collect();
    timeless(&records?)
}

/// The records without their times and interfaces, sorted.
pub(crate) fn timeless(records: &[Value]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for record in records {
        let mut record = record.clone();
        let fields = record.as_object_mut().context("a record is an object")?;
        fields.retain(|name, _| !CIRCUMSTANCES.contains(&name.as_str()));
        lines.push(record.to_string());
    }
    lines.sort();
    Ok(lines)
}
