//! Opens and closes all outputs of a run.

use std::{sync::Arc, time::Duration};

use anyhow::Context;

use crate::{
    export::{OutputQueue, OutputSpec, OutputStatus},
    worker::Delivery,
};

/// Opens all, or none if one cannot be opened.
pub(super) fn open(
    specs: &[OutputSpec],
    delivery: Delivery,
) -> anyhow::Result<Arc<Vec<OutputQueue>>> {
    let outputs = specs
        .iter()
        .map(|spec| Ok((spec, spec.open()?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let queues = outputs
        .into_iter()
        .map(|(spec, output)| {
            OutputQueue::start(spec, output, delivery)
                .context("cannot start the thread of an output")
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(Arc::new(queues))
}

/// Lets all write what waits, each for at most `patience`.
pub(super) fn finish(outputs: Arc<Vec<OutputQueue>>, patience: Duration) -> Vec<OutputStatus> {
    Arc::into_inner(outputs)
        .unwrap_or_default()
        .into_iter()
        .map(|output| output.finish(patience))
        .collect()
}
