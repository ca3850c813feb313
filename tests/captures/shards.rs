use std::collections::BTreeMap;

use anyhow::Result;

use crate::{
    folder::{self, Folder},
    parallel,
    reading::Reading,
};

#[test]
fn records_are_the_same_for_any_number_of_shards() -> Result<()> {
    if !folder::present() {
        return Ok(());
    }
    let mut other = Vec::new();
    for folder in Folder::ALL {
        let sources = folder.table("SOURCES.tsv")?;
        other.extend(parallel::each(sources.rows(), |row| {
            let path = format!("{}/{}", folder.name(), row.text("capture")?);
            let one = records(&path, "1")?;
            Ok((records(&path, "2")? != one || records(&path, "4")? != one).then_some(path))
        })?);
    }
    let other: Vec<_> = other.into_iter().flatten().collect();
    assert!(other.is_empty(), "{other:#?}");
    Ok(())
}

/// How often each record is there.
fn records(capture: &str, shards: &str) -> Result<BTreeMap<String, usize>> {
    let mut records = BTreeMap::new();
    for line in Reading::new(capture, "json", &["--shards", shards])?
        .stdout
        .lines()
    {
        *records.entry(line.to_owned()).or_default() += 1;
    }
    Ok(records)
}
