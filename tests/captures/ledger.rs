use anyhow::Result;
use serde_json::Value;

use crate::{
    folder::{self, Folder},
    parallel,
    reading::Reading,
};

/// What changes the way of a packet, or the number of its records.
const OPTIONS: [&[&str]; 6] = [
    &[],
    &["--profile=zeek"],
    &["--profile=netflow", "--active-timeout=1s"],
    &["--verify-checksums", "--key=vlan,tunnel"],
    &["--filter=tcp or ip6 and not vlan or len < 90"],
    &["--tunnels=outer", "--fragments=apart", "--max-flows=4"],
];

#[test]
fn every_packet_of_every_capture_is_in_the_ledger_and_the_ledger_closes() -> Result<()> {
    if !folder::present() {
        return Ok(());
    }
    let mut wrong = Vec::new();
    let mut captures = 0;
    for folder in Folder::ALL {
        let sources = folder.table("SOURCES.tsv")?;
        captures += sources.rows().len();
        wrong.extend(parallel::each(sources.rows(), |row| {
            let path = format!("{}/{}", folder.name(), row.text("capture")?);
            let mut faults = Vec::new();
            for options in OPTIONS {
                let reading = Reading::new(&path, "json", options)?;
                for fault in faults_of(&reading, row.count("packets")?)? {
                    faults.push(format!("{path} {}: {fault}", options.join(" ")));
                }
            }
            Ok(faults)
        })?);
    }
    let wrong = wrong.concat();
    assert!(captures > 590, "there are only {captures} captures");
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// What is wrong with how `packets` of a capture were read.
fn faults_of(reading: &Reading, packets: u64) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut check = |what: &str, ours: u64, right: u64| {
        if ours != right {
            faults.push(format!("{what}: {ours} instead of {right}"));
        }
    };
    check("received", reading.total("/received")?, packets);
    let refused = reading.ledger["total"]["wire"]["refused"].as_object();
    let refused = refused.map_or(0, |reasons| {
        reasons.values().filter_map(Value::as_u64).sum()
    });
    let accepted = reading.total("/wire/accepted")?;
    let filtered = reading.total("/wire/filtered")?;
    check(
        "filtered, accepted and refused",
        filtered + accepted + refused,
        packets,
    );
    let tunnelled = reading.total("/wire/tunnelled")?;
    let tracked = reading.total("/tracker/packets")?;
    check("tracked", tracked, accepted + tunnelled);
    let recorded = reading.json_records()?;
    let volumes = recorded.iter().flat_map(|record| record.volumes);
    let in_records: u64 = volumes.map(|volume| volume.packets).sum();
    check("in records", in_records, tracked);
    let residual = reading.ledger["total"]["residual"].as_object();
    for (row, packets) in residual.into_iter().flatten() {
        check(
            &format!("residual of {row}"),
            packets.as_u64().unwrap_or(1),
            0,
        );
    }
    check("kinds of residual", u64::from(residual.is_some()), 1);
    if !reading.status.success() || !reading.stderr.is_empty() {
        faults.push(format!("{}: {}", reading.status, reading.stderr));
    }
    Ok(faults)
}
