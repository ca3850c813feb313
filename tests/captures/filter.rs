use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use flowtrack::filter::Filter;
use flowtrack_common::LinkType;
use flowtrack_tests::{
    collection::{Collection, numbers},
    expressions::EXPRESSIONS,
};
use tempfile::TempDir;

use crate::{folder, parallel};

/// Link layers whose headers tcpdump looks at, of those that flowtrack reads.
const LINKS: [LinkType; 10] = [
    LinkType::ETHERNET,
    LinkType::RAW,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::PPP,
    LinkType::PPP_HDLC,
];

/// What tcpdump says of expressions that ask for what a link layer does not have.
const NOT_HERE: [&str; 2] = ["support", "not a broadcast link"];

#[test]
fn an_expression_takes_the_packets_that_it_takes_in_tcpdump() -> Result<()> {
    if !folder::present() {
        return Ok(());
    }
    let scratch = TempDir::new()?;
    let mut wrong = Vec::new();
    let collections = Collection::all()?.into_iter();
    for collection in collections.filter(|collection| LINKS.contains(&collection.link)) {
        let path = scratch.path().join(format!("{}.pcap", collection.link.0));
        collection.write(&path)?;
        let results = parallel::each(EXPRESSIONS, |expression| {
            let result = compare(&collection, &path, expression);
            let failed = |error| Some(format!("{error:#}"));
            Ok((*expression, result.unwrap_or_else(failed)))
        })?;
        for (expression, result) in results {
            if let Some(difference) = result {
                wrong.push(format!(
                    "link {}: {expression}: {difference}",
                    collection.link.0
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// How we differ from tcpdump, if we do.
fn compare(collection: &Collection, path: &Path, expression: &str) -> Result<Option<String>> {
    let filter: Filter = expression.parse().context(expression.to_owned())?;
    let ours: Vec<_> = collection
        .frames()
        .enumerate()
        .filter_map(|(number, frame)| filter.accepts(&frame).then_some(number))
        .collect();
    if collection.link == LinkType::ETHERNET {
        let some = 1..collection.frames().len();
        ensure!(
            some.contains(&ours.len()),
            "{expression} takes {} of {} frames: that shows little",
            ours.len(),
            some.end
        );
    }
    let Some(theirs) = tcpdump(path, expression)? else {
        return Ok(None);
    };
    let only = |of: &[usize], other: &[usize]| -> Vec<_> {
        let only = of
            .iter()
            .filter(|number| other.binary_search(number).is_err());
        only.take(5).copied().collect()
    };
    let difference = || {
        format!(
            "{} frames instead of {}; only ours: {:?}; only theirs: {:?}",
            ours.len(),
            theirs.len(),
            only(&ours, &theirs),
            only(&theirs, &ours)
        )
    };
    Ok((ours != theirs).then(difference))
}

/// The frames that tcpdump takes; none where it knows no such expression for the link layer.
fn tcpdump(path: &Path, expression: &str) -> Result<Option<Vec<usize>>> {
    let output = Command::new("tcpdump")
        .args(["-w", "-", "-r"])
        .arg(path)
        .arg(expression)
        .stdin(Stdio::null())
        .output()
        .context("cannot start tcpdump: `cargo xtask setup` installs it")?;
    if output.status.success() {
        return numbers(&output.stdout).map(Some);
    }
    let message = String::from_utf8_lossy(&output.stderr);
    if message.contains("rejects all packets") {
        return Ok(Some(Vec::new()));
    }
    let known = NOT_HERE.iter().any(|known| message.contains(known));
    ensure!(known, "tcpdump {expression}: {message}");
    Ok(None)
}
