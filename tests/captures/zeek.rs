use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::{
    comparison::{Comparison, Report},
    differences,
    folder::{self, Folder},
    parallel,
    reading::Reading,
    table::{Row, Table},
    tuple::{Endpoint, Sides, Tuple},
};

/// One line of `conn.log`.
#[derive(Clone, Debug)]
struct Connection {
    started: f64,
    tuple: Tuple,
    originator: Endpoint,
    /// Of the originator and of the responder.
    packets: [u64; 2],
    ip_bytes: [u64; 2],
    payload: [u64; 2],
    missed: u64,
    state: String,
    history: String,
    duration: f64,
}

type Connections = BTreeMap<Tuple, Vec<Connection>>;

#[test]
fn connections_are_those_of_zeek() -> Result<()> {
    compare("zeek", "ORACLE.tsv", &Folder::ALL, &["--profile=zeek"])
}

#[test]
fn with_checksums_verified_connections_are_those_of_zeek() -> Result<()> {
    let folders = [Folder::Malformed, Folder::Own];
    let arguments = ["--profile=zeek", "--verify-checksums"];
    compare("checksums", "ORACLE_CHECKSUMS.tsv", &folders, &arguments)
}

fn compare(list: &str, table: &str, folders: &[Folder], arguments: &[&str]) -> Result<()> {
    if !folder::present() {
        return Ok(());
    }
    let mut reports = Vec::new();
    let mut tuples = 0;
    for folder in folders {
        let oracle = Oracle::read(*folder, table)?;
        tuples += oracle.tuples();
        reports.extend(parallel::each(&oracle.captures, |(capture, theirs)| {
            let path = format!("{}/{capture}", folder.name());
            let ours = group(&Reading::connections(&path, arguments)?)?;
            Ok(oracle.compare(&path, &ours, theirs))
        })?);
    }
    let report = Report::merge(reports);
    assert_eq!(report.compared("found"), tuples);
    differences::check(list, &report)
}

/// What Zeek has logged of the captures of a folder.
struct Oracle {
    captures: Vec<(String, Connections)>,
    /// No truth: Zeek's counts are not those of the bytes.
    flagged: BTreeSet<Tuple>,
}

impl Oracle {
    fn read(folder: Folder, table: &str) -> Result<Self> {
        let captures = folder.table(table)?.by_capture()?.into_iter();
        let captures = captures.map(|(capture, table)| Ok((capture, group(&table)?)));
        let flagged = folder.table("FLAGGED.tsv")?;
        let tuple = |row| Ok(Connection::new(row)?.tuple);
        Ok(Self {
            captures: captures.collect::<Result<_>>()?,
            flagged: flagged.rows().iter().map(tuple).collect::<Result<_>>()?,
        })
    }

    fn tuples(&self) -> u64 {
        let tuples = self
            .captures
            .iter()
            .map(|(_, connections)| connections.len());
        tuples.sum::<usize>() as u64
    }

    fn compare(&self, capture: &str, ours: &Connections, theirs: &Connections) -> Report {
        let mut report = Report::default();
        for (tuple, theirs) in theirs {
            report.compare(capture, *tuple, |comparison| match ours.get(tuple) {
                Some(ours) => {
                    comparison.check("found", "yes", "yes");
                    compare_tuple(comparison, ours, theirs);
                }
                None => {
                    comparison.check("found", "no", "yes");
                }
            });
        }
        for tuple in ours.keys().filter(|tuple| !theirs.contains_key(tuple)) {
            if !self.flagged.contains(tuple) {
                report.compare(capture, *tuple, |comparison| {
                    comparison.check("invented", "yes", "no");
                });
            }
        }
        report
    }
}

/// The sums first: where time-outs split a connection otherwise, they are equal all the same.
fn compare_tuple(comparison: &mut Comparison<'_>, ours: &[Connection], theirs: &[Connection]) {
    let sum = |connections: &[Connection], count: fn(&Connection) -> Sides| {
        connections.iter().map(count).sum::<Sides>()
    };
    for (column, count) in [
        ("packets", Connection::packets as fn(&Connection) -> Sides),
        ("ip_bytes", Connection::ip_bytes),
    ] {
        comparison.check(column, &sum(ours, count), &sum(theirs, count));
    }
    if comparison.check("rows", &ours.len(), &theirs.len()) {
        for (ours, theirs) in ours.iter().zip(theirs) {
            compare_row(comparison, ours, theirs);
        }
    }
}

fn compare_row(comparison: &mut Comparison<'_>, ours: &Connection, theirs: &Connection) {
    let address = |connection: &Connection| {
        let (address, port) = connection.originator;
        format!("{address} {port}")
    };
    comparison.check("initiator", &address(ours), &address(theirs));
    comparison.check("payload", &ours.payload(), &theirs.payload());
    comparison.check("missed", &ours.missed, &theirs.missed);
    comparison.check("conn_state", &ours.state, &theirs.state);
    comparison.check("history", &ours.history, &theirs.history);
    let tolerance = f64::max(2e-6, 1e-3 * theirs.duration);
    comparison.check_close("duration", ours.duration, theirs.duration, tolerance);
}

/// The connections of each tuple, the oldest first; without those that nobody but Zeek has seen.
fn group(table: &Table) -> Result<Connections> {
    let mut connections = Connections::new();
    for row in table.rows() {
        if row.text("check").is_ok_and(|check| check == "none") {
            continue;
        }
        let connection = Connection::new(row)?;
        connections
            .entry(connection.tuple)
            .or_default()
            .push(connection);
    }
    for connections in connections.values_mut() {
        connections.sort_by(|one, other| one.started.total_cmp(&other.started));
    }
    Ok(connections)
}

impl Connection {
    /// From a line of `conn.log`, or of a table that has its columns.
    fn new(row: &Row) -> Result<Self> {
        let dot = if row.text("id.orig_h").is_ok() {
            "id."
        } else {
            ""
        };
        let endpoint =
            |side: &str| row.endpoint(&format!("{dot}{side}_h"), &format!("{dot}{side}_p"));
        let counts = |column: &str| -> Result<[u64; 2]> {
            Ok([
                row.count(&format!("orig_{column}"))?,
                row.count(&format!("resp_{column}"))?,
            ])
        };
        let (originator, responder) = (endpoint("orig")?, endpoint("resp")?);
        Ok(Self {
            started: row.seconds("ts")?,
            tuple: Tuple::new(row.text("ip_proto")?.parse()?, originator, responder),
            originator,
            packets: counts("pkts")?,
            ip_bytes: counts("ip_bytes")?,
            payload: counts("bytes")?,
            missed: row.count("missed_bytes")?,
            state: row.text("conn_state")?.to_owned(),
            history: row.text("history")?.to_owned(),
            duration: row.seconds("duration")?,
        })
    }

    fn packets(&self) -> Sides {
        Sides(self.tuple.order(self.originator, self.packets))
    }

    fn ip_bytes(&self) -> Sides {
        Sides(self.tuple.order(self.originator, self.ip_bytes))
    }

    fn payload(&self) -> Sides {
        Sides(self.tuple.order(self.originator, self.payload))
    }
}
