//! Opens and closes all outputs of a run.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};

use crate::{
    export::{OutputFile, OutputQueue, OutputSpec, OutputStatus, same_file},
    worker::Delivery,
};

/// Opens all, or none if one cannot be opened.
pub(super) fn open(
    specs: &[OutputSpec],
    delivery: Delivery,
) -> anyhow::Result<Arc<Vec<OutputQueue>>> {
    let mut files: Vec<(&OutputSpec, OutputFile)> = Vec::new();
    for spec in specs {
        let same =
            |(other, _): &&(&OutputSpec, _)| same_file(spec.target.path(), other.target.path());
        if let Some((other, _)) = files.iter().find(same) {
            bail!("{other} and {spec} are the same file: name one for each output");
        }
        files.push((spec, OutputFile::open(&spec.target)?));
    }
    let queues = files
        .into_iter()
        .map(|(spec, file)| {
            OutputQueue::start(spec, file, delivery).context("cannot start the thread of an output")
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(Arc::new(queues))
}

/// Lets all write what waits, each for at most `timeout`.
pub(super) fn finish(outputs: Arc<Vec<OutputQueue>>, timeout: Duration) -> Vec<OutputStatus> {
    Arc::into_inner(outputs)
        .unwrap_or_default()
        .into_iter()
        .map(|output| output.finish(timeout))
        .collect()
}
