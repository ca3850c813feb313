//! The list of one oracle is `differences/ORACLE.tsv`: capture, tuple, difference, reason.
//! `differences/reasons.tsv` says what each reason means. With `FLOWTRACK_DIFFERENCES=write` in the
//! environment the lists are written anew: a row that stays keeps its reason, a new one has the
//! reason `-`, with which the test fails until somebody has found the right one.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs, iter,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{comparison::Report, table::Table};

const HEADER: &str = "capture\ttuple\tdifference\treason\n";
const REASONS: &str = "reasons";
/// Not found yet.
const UNKNOWN: &str = "new";

/// What differs between flowtrack and an oracle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    pub(crate) capture: String,
    pub(crate) tuple: String,
    pub(crate) what: String,
}

/// Fails unless exactly the differences of the report stand in the list of this oracle, each with
/// a reason that is explained.
pub(crate) fn check(oracle: &str, report: &Report) -> Result<()> {
    eprintln!("{oracle}: {report}");
    let found: BTreeSet<_> = report.differences.iter().cloned().collect();
    let listed = list(oracle)?;
    if env::var_os("FLOWTRACK_DIFFERENCES").is_some_and(|mode| mode == "write") {
        return write(oracle, &found, &listed);
    }
    let wrong = wrong(&found, &listed, &reasons()?);
    assert!(
        wrong.is_empty(),
        "{} of the differences from {oracle} are not listed as they are:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

/// What is not listed, what is listed and does not differ, and what has no reason.
fn wrong(
    found: &BTreeSet<Difference>,
    listed: &BTreeMap<Difference, String>,
    reasons: &BTreeSet<String>,
) -> Vec<String> {
    let new = found.iter().filter(|row| !listed.contains_key(row));
    let gone = listed.keys().filter(|row| !found.contains(row));
    let unexplained = listed
        .iter()
        .filter(|(_, reason)| !reasons.contains(*reason));
    let new = new.map(|row| format!("not listed: {}", line(row)));
    let gone = gone.map(|row| format!("gone: {}", line(row)));
    let unexplained = unexplained.map(|(row, reason)| format!("no reason {reason}: {}", line(row)));
    new.chain(gone).chain(unexplained).collect()
}

fn list(oracle: &str) -> Result<BTreeMap<Difference, String>> {
    let table = Table::read(&path(oracle))?;
    let row = |row: &crate::table::Row| {
        let text = |column| row.text(column).map(str::to_owned);
        let difference = Difference {
            capture: text("capture")?,
            tuple: text("tuple")?,
            what: text("difference")?,
        };
        Ok((difference, text("reason")?))
    };
    table.rows().iter().map(row).collect()
}

fn reasons() -> Result<BTreeSet<String>> {
    let table = Table::read(&path(REASONS))?;
    let names = table
        .rows()
        .iter()
        .map(|row| row.text("reason").map(str::to_owned));
    names.collect()
}

fn write(
    oracle: &str,
    found: &BTreeSet<Difference>,
    listed: &BTreeMap<Difference, String>,
) -> Result<()> {
    let rows = found
        .iter()
        .map(|row| format!("{}\t{}\n", line(row), reason(row, listed)));
    let text: Vec<_> = iter::once(HEADER.to_owned()).chain(rows).collect();
    let path = path(oracle);
    fs::write(&path, text.concat()).with_context(|| path.display().to_string())
}

/// The reason of a row of the list, or of one that says something else of the same tuple.
fn reason<'a>(row: &Difference, listed: &'a BTreeMap<Difference, String>) -> &'a str {
    let same = |other: &Difference| other.capture == row.capture && other.tuple == row.tuple;
    let reason = listed.get(row).or_else(|| {
        let mut others = listed.iter().filter(|(other, _)| same(other));
        others.next().map(|(_, reason)| reason)
    });
    reason.map_or(UNKNOWN, String::as_str)
}

fn line(
    Difference {
        capture,
        tuple,
        what,
    }: &Difference,
) -> String {
    format!("{capture}\t{tuple}\t{what}")
}

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/differences");
    folder.join(name).with_extension("tsv")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(what: &str) -> Difference {
        Difference {
            capture: "open/a.pcap".into(),
            tuple: "udp 10.0.0.1 53 10.0.0.2 53".into(),
            what: what.into(),
        }
    }

    #[test]
    fn a_difference_must_be_listed_be_there_and_have_a_reason() {
        let found = BTreeSet::from([difference("listed"), difference("new")]);
        let listed = BTreeMap::from([
            (difference("listed"), "split".to_owned()),
            (difference("old"), "gossip".to_owned()),
        ]);
        let wrong = wrong(&found, &listed, &BTreeSet::from(["split".to_owned()]));
        let row = "open/a.pcap\tudp 10.0.0.1 53 10.0.0.2 53";
        assert_eq!(
            wrong,
            [
                format!("not listed: {row}\tnew"),
                format!("gone: {row}\told"),
                format!("no reason gossip: {row}\told"),
            ]
        );
    }

    #[test]
    fn a_row_that_stays_or_changes_keeps_its_reason_and_a_new_one_has_none() {
        let listed = BTreeMap::from([(difference("old"), "split".to_owned())]);
        assert_eq!(reason(&difference("old"), &listed), "split");
        assert_eq!(reason(&difference("changed"), &listed), "split");
        let other = Difference {
            capture: "open/b.pcap".into(),
            ..difference("old")
        };
        assert_eq!(reason(&other, &listed), UNKNOWN);
    }

    #[test]
    fn every_reason_is_in_use() -> Result<()> {
        let lists = fs::read_dir(path(REASONS).parent().context("no folder")?)?;
        let mut used = BTreeSet::new();
        for entry in lists {
            let path = entry?.path();
            if path.file_stem().is_some_and(|name| name != REASONS) {
                let rows = Table::read(&path)?;
                for row in rows.rows() {
                    used.insert(row.text("reason")?.to_owned());
                }
            }
        }
        assert_eq!(reasons()?, used);
        Ok(())
    }
}
