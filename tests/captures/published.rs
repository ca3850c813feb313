use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use crate::{
    comparison::{Comparison, Report},
    differences,
    folder::{self, Folder},
    parallel,
    reading::{Reading, Record, Volume},
    table::{Row, Table},
    tuple::{Sides, Tuple, protocol},
};

/// A flow that somebody has published, or one of ours.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    packets: Sides,
    ip_bytes: Option<Sides>,
    wire_bytes: Option<Sides>,
}

type Flows = BTreeMap<Tuple, Vec<Flow>>;

#[test]
fn flows_have_the_counts_that_ndpi_and_suricata_have_published() -> Result<()> {
    let whole = |rows: &[Flow]| vec![rows.iter().copied().fold(Flow::default(), Flow::add)];
    compare("published", "", &[], whole)
}

fn compare(
    list: &str,
    arguments: &[&str],
    is_wanted: impl Fn(&Row) -> Result<bool>,
    
