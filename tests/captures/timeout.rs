use std::{cmp::Ordering, collections::BTreeMap};

use anyhow::Result;

use crate::{
    comparison::Report,
    differences, folder,
    folder::Folder,
    parallel,
    reading::{Reading, Record, Volume},
    table::{Row, Table},
    tuple::{Sides, Tuple, protocol},
};

/// Idle and active timeouts, in seconds.
const TIMEOUTS: [(&str, &str); 2] = [("10", "60"), ("30", "300")];

/// What nfstream cuts off its times.
const MILLISECOND: f64 = 0.001_001;

/// A record that a timeout has cut.
#[derive(Clone, Debug)]
struct Part {
    tuple: Tuple,
    packets: Sides,
    ip_bytes: Sides,
    /// Seconds since the epoch.
    first: f64,
    last: f64,
    reason: String,
}

type Parts = BTreeMap<Tuple, Vec<Part>>;

#[test]
fn timeouts_cut_records_where_nfstream_cuts_them() -> Result<()> {
    if !folder::present() {
        return Ok(());
    }
    let captures = Folder::Open.table("TIMEOUT.tsv")?.by_capture()?;
    let mut reports = Vec::new();
    for (idle, active) in TIMEOUTS {
        reports.extend(parallel::each(&captures, |(capture, table)| {
            let theirs = theirs(table, idle, active)?;
            let path = format!("{}/{capture}", Folder::Open.name());
            compare(&path, idle, active, &theirs)
        })?);
    }
    let report = Report::merge(reports);
    assert!(report.compared("records") > 5_000, "{report}");
    differences::check("timeout", &report)
}

fn compare(capture: &str, idle: &str, active: &str, theirs: &Parts) -> Result<Report> {
    let arguments = [
        "--profile=netflow",
        &format!("--idle-timeout=all={idle}s"),
        &format!("--active-timeout={active}s"),
    ];
    let mut ours = Parts::new();
    for record in Reading::records(capture, &arguments)? {
        let part = Part::from_record(&record);
        ours.entry(part.tuple).or_default().push(part);
    }
    let mut report = Report::default();
    for (tuple, theirs) in theirs {
        let mut ours = ours.remove(tuple).unwrap_or_default();
        ours.sort_by(by_start);
        report.compare(
            &format!("{capture} {idle}s {active}s"),
            *tuple,
            |comparison| {
                if !comparison.check("records", &ours.len(), &theirs.len()) {
                    return;
                }
                for (ours, theirs) in ours.iter().zip(theirs) {
                    comparison.check("packets", &ours.packets, &theirs.packets);
                    comparison.check("ip_bytes", &ours.ip_bytes, &theirs.ip_bytes);
                    comparison.check_close("first", ours.first, theirs.first, MILLISECOND);
                    comparison.check_close("last", ours.last, theirs.last, MILLISECOND);
                    comparison.check("reason", &ours.reason, &theirs.reason);
                }
            },
        );
    }
    Ok(report)
}

/// The rows of these timeouts that are no question, by tuple.
fn theirs(table: &Table, idle: &str, active: &str) -> Result<Parts> {
    let mut parts = Parts::new();
    for row in table.rows() {
        let timeouts = (row.text("idle_timeout")?, row.text("active_timeout")?);
        if timeouts == (idle, active) && row.text("check")? == "ok" {
            let part = Part::from_row(row)?;
            parts.entry(part.tuple).or_default().push(part);
        }
    }
    for parts in parts.values_mut() {
        parts.sort_by(by_start);
    }
    Ok(parts)
}

impl Part {
    fn from_row(row: &Row) -> Result<Self> {
        let (orig, resp) = (
            row.endpoint("orig_h", "orig_p")?,
            row.endpoint("resp_h", "resp_p")?,
        );
        let tuple = Tuple::new(protocol(row.text("proto")?, orig.0)?, orig, resp);
        let sides = |column: &str| {
            let count = |side: &str| row.count(&format!("{side}_{column}"));
            let sides = [count("orig")?, count("resp")?];
            Ok::<_, anyhow::Error>(Sides(tuple.order(orig, sides)))
        };
        Ok(Self {
            tuple,
            packets: sides("pkts")?,
            ip_bytes: sides("ip_bytes")?,
            first: row.seconds("first_ms")? / 1000.0,
            last: row.seconds("last_ms")? / 1000.0,
            reason: row.text("end_reason")?.to_owned(),
        })
    }

    fn from_record(record: &Record) -> Self {
        let tuple = record.tuple();
        let sides = |count: fn(&Volume) -> u64| {
            Sides(tuple.order(record.initiator, record.volumes.each_ref().map(count)))
        };
        Self {
            tuple,
            packets: sides(|volume| volume.packets),
            ip_bytes: sides(|volume| volume.ip_bytes),
            first: record.start,
            last: record.end,
            reason: reason(&record.end_reason).to_owned(),
        }
    }
}

fn by_start(one: &Part, other: &Part) -> Ordering {
    one.first.total_cmp(&other.first)
}

/// nfstream's name of an end: what is alive at the end of the capture is idle.
fn reason(name: &str) -> &str {
    match name {
        "idle_timeout" | "shutdown" => "idle",
        "active_timeout" => "active",
        other => other,
    }
}
