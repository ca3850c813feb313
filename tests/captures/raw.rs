use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::{
    comparison::Report,
    differences,
    folder::{self, Folder},
    parallel,
    reading::{Reading, Volume},
    table::Table,
    tuple::{Sides, Tuple},
};

/// All that was sent between two endpoints, in their order.
type Volumes = BTreeMap<Tuple, [Volume; 2]>;

/// One of the counts of a side.
type Count = fn(&Volume) -> u64;

#[test]
fn every_tuple_outside_and_inside_of_tunnels_has_the_packets_and_bytes_on_the_wire() -> Result<()> {
    if !folder::present() {
        return Ok(());
    }
    let mut reports = Vec::new();
    for folder in Folder::ALL {
        let captures = folder.table("RAW.tsv")?.by_capture()?;
        reports.extend(parallel::each(&captures, |(capture, table)| {
            let path = format!("{}/{capture}", folder.name());
            compare(&path, &Raw::new(table)?)
        })?);
    }
    let report = Report::merge(reports);
    assert!(report.compared("packets") > 4_700, "{report}");
    differences::check("raw", &report)
}

/// The raw counts of a capture.
struct Raw {
    volumes: Volumes,
    /// Addresses with fragments between them. Ports of fragments are not told, so here all ports
    /// are one.
    fragmented: BTreeSet<Tuple>,
}

fn compare(capture: &str, raw: &Raw) -> Result<Report> {
    let mut ours = Volumes::new();
    for record in Reading::records(capture, &["--tunnels=all"])? {
        let tuple = record.tuple();
        let volumes = tuple.order(record.initiator, record.volumes);
        add(&mut ours, raw.name(tuple), volumes);
    }
    let mut report = Report::default();
    let tuples: BTreeSet<_> = ours.keys().chain(raw.volumes.keys()).collect();
    for tuple in tuples {
        let sides = |volumes: &Volumes, count: Count| {
            let volumes = volumes.get(tuple).copied().unwrap_or_default();
            Sides(volumes.each_ref().map(count))
        };
        report.compare(capture, *tuple, |comparison| {
            for (column, count) in COLUMNS {
                // Of a fragment the raw count has all that is behind the IP header.
                if column == "payload" && raw.fragmented.contains(tuple) {
                    continue;
                }
                comparison.check(column, &sides(&ours, count), &sides(&raw.volumes, count));
            }
        });
    }
    Ok(report)
}

const COLUMNS: [(&str, Count); 4] = [
    ("packets", |volume| volume.packets),
    ("ip_bytes", |volume| volume.ip_bytes),
    ("payload", |volume| volume.payload_bytes),
    ("wire_bytes", |volume| volume.wire_bytes),
];

/// Where a host talks to itself and ports are not told, nobody knows who has sent what.
fn add(sums: &mut Volumes, tuple: Tuple, volumes: [Volume; 2]) {
    let [low, high] = sums.entry(tuple).or_default();
    let [by_low, by_high] = volumes;
    low.add(by_low);
    if tuple.low == tuple.high {
        low.add(by_high);
    } else {
        high.add(by_high);
    }
}

impl Raw {
    fn new(table: &Table) -> Result<Self> {
        let mut rows = Vec::new();
        let mut fragmented = BTreeSet::new();
        for row in table.rows() {
            let (a, b) = (row.endpoint("a_h", "a_p")?, row.endpoint("b_h", "b_p")?);
            let proto = row.text("ip_proto")?;
            let fragments = proto.strip_prefix("frag");
            let tuple = Tuple::new(fragments.unwrap_or(proto).parse()?, a, b);
            if fragments.is_some() {
                fragmented.insert(tuple.without_ports());
            }
            let volume = |side: &str| -> Result<Volume> {
                Ok(Volume {
                    packets: row.count(&format!("{side}_pkts"))?,
                    wire_bytes: row.count(&format!("{side}_wire_bytes"))?,
                    ip_bytes: row.count(&format!("{side}_ip_bytes"))?,
                    payload_bytes: row.count(&format!("{side}_l4_payload"))?,
                })
            };
            rows.push((tuple, tuple.order(a, [volume("a")?, volume("b")?])));
        }
        let mut raw = Self {
            volumes: Volumes::new(),
            fragmented,
        };
        for (tuple, volumes) in rows {
            let name = raw.name(tuple);
            add(&mut raw.volumes, name, volumes);
        }
        Ok(raw)
    }

    /// What a tuple is called where ports are not told.
    fn name(&self, tuple: Tuple) -> Tuple {
        let hosts = tuple.without_ports();
        if self.fragmented.contains(&hosts) {
            hosts
        } else {
            tuple.without_types()
        }
    }
}
