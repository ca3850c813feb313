use std::collections::BTreeMap;

use anyhow::Result;

use crate::{
    comparison::{Comparison, Report},
    differences,
    folder::{self, Folder},
    parallel,
    reading::{Reading, Volume},
    table::{Row, Table},
    tuple::{Sides, Tuple, protocol},
};

/// The record of a flow.
#[derive(Clone, Copy, Debug)]
struct Flow {
    packets: Sides,
    wire_bytes: Sides,
    ip_bytes: Sides,
}

type Flows = BTreeMap<Tuple, Vec<Flow>>;

#[test]
fn flows_have_the_counts_that_ndpi_and_suricata_have_published() -> Result<()> {
    let sources = ["ndpi-result", "suricata-verify"];
    compare(
        "published",
        &sources,
        &["--tunnels=all"],
        |comparison, ours, theirs| {
            let packets = |flows: &[Flow]| flows.iter().map(|flow| flow.packets).sum::<Sides>();
            let bytes = |flows: &[Flow]| flows.iter().map(|flow| flow.wire_bytes).sum::<Sides>();
            comparison.check("packets", &packets(ours), &packets(theirs));
            comparison.check("wire_bytes", &bytes(ours), &bytes(theirs));
        },
    )
}

#[test]
fn records_are_those_that_ipfixprobe_has_published() -> Result<()> {
    let arguments = [
        "--profile=netflow",
        "--active-timeout=300s",
        "--idle-timeout=all=30s",
    ];
    compare(
        "ipfixprobe",
        &["ipfixprobe"],
        &arguments,
        |comparison, ours, theirs| {
            if comparison.check("records", &ours.len(), &theirs.len()) {
                for (ours, theirs) in ours.iter().zip(theirs) {
                    comparison.check("packets", &ours.packets, &theirs.packets);
                    comparison.check("ip_bytes", &ours.ip_bytes, &theirs.ip_bytes);
                }
            }
        },
    )
}

/// Compares the flows of some sources with ours, tuple by tuple.
fn compare(
    list: &str,
    sources: &[&str],
    arguments: &[&str],
    tuple: impl Fn(&mut Comparison<'_>, &[Flow], &[Flow]) + Sync,
) -> Result<()> {
    if !folder::present() {
        return Ok(());
    }
    let mut reports = Vec::new();
    for folder in [Folder::Open, Folder::Malformed] {
        let captures = folder.table("ORACLE2.tsv")?.by_capture()?;
        reports.extend(parallel::each(&captures, |(capture, table)| {
            let path = format!("{}/{capture}", folder.name());
            let ours = ours(&path, arguments)?;
            let mut report = Report::default();
            for source in sources {
                for (name, theirs) in theirs(table, source)? {
                    let ours = ours.get(&name).map_or(&[][..], Vec::as_slice);
                    report.compare(&path, name, |comparison| tuple(comparison, ours, &theirs));
                }
            }
            Ok(report)
        })?);
    }
    let report = Report::merge(reports);
    assert!(report.compared("packets") > 0);
    differences::check(list, &report)
}

fn ours(capture: &str, arguments: &[&str]) -> Result<Flows> {
    let mut flows = Flows::new();
    let mut records = Reading::records(capture, arguments)?;
    records.sort_by(|one, other| one.start.total_cmp(&other.start));
    for record in records {
        let tuple = record.tuple();
        let sides = |count: fn(&Volume) -> u64| {
            Sides(tuple.order(record.initiator, record.volumes.each_ref().map(count)))
        };
        flows.entry(tuple.without_types()).or_default().push(Flow {
            packets: sides(|volume| volume.packets),
            wire_bytes: sides(|volume| volume.wire_bytes),
            ip_bytes: sides(|volume| volume.ip_bytes),
        });
    }
    Ok(flows)
}

/// The flows of a source that equal the raw count, the oldest first.
fn theirs(table: &Table, source: &str) -> Result<Flows> {
    let mut rows = Vec::new();
    for row in table.rows() {
        if row.text("source_of_truth")?.starts_with(source) && row.text("check")? == "ok" {
            rows.push((row.text("extra")?, row));
        }
    }
    // It begins with the time.
    rows.sort_by_key(|(extra, _)| *extra);
    let mut flows = Flows::new();
    for (_, row) in rows {
        let (tuple, flow) = published(row)?;
        flows.entry(tuple).or_default().push(flow);
    }
    Ok(flows)
}

fn published(row: &Row) -> Result<(Tuple, Flow)> {
    let orig = row.endpoint("orig_h", "orig_p")?;
    let resp = row.endpoint("resp_h", "resp_p")?;
    let tuple = Tuple::new(protocol(row.text("proto")?, orig.0)?, orig, resp);
    let sides = |column: &str| -> Result<Sides> {
        let count = |side: &str| row.count(&format!("{side}_{column}"));
        Ok(Sides(tuple.order(orig, [count("orig")?, count("resp")?])))
    };
    let flow = Flow {
        packets: sides("pkts")?,
        wire_bytes: sides("wire_bytes")?,
        ip_bytes: sides("ip_bytes")?,
    };
    Ok((tuple.without_types(), flow))
}
