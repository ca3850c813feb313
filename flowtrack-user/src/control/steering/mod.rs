//! Both directions of a flow on one shard: by the NIC, or by handing packets over.

mod nic;
mod restore;
mod split;
mod state;
pub(crate) mod toeplitz;

use std::{io, sync::Arc};

use ahash::RandomState;
use anyhow::{Context as _, bail};
use serde::Serialize;

use self::split::{Split, SplitFlows};
use self::{
    nic::{Ethtool, RssError, make_symmetric},
    restore::Restore,
    state::State,
};
use super::attachment::AttachConfig;
use crate::{
    sys::interface,
    worker::{Handover, Sightings},
};

/// How both directions of a flow come to one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steering {
    /// By the NIC where it can, else by handing packets over.
    Auto,
    /// By the NIC, or not at all.
    Rss,
    /// Packets are handed over.
    HandOver,
    /// As the NIC happens to do it.
    Off,
}

/// What was decided for an interface. When it is dropped, the NIC is as it was before.
#[derive(Debug)]
pub(super) struct Steered {
    method: Method,
    workers: usize,
    flows: SplitFlows,
    _restore: Option<Restore<Ethtool>>,
}

/// What brings both directions of a flow together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// There is one queue only.
    OneQueue,
    /// The RSS of the NIC is symmetric.
    Rss,
    /// Packets are handed over.
    HandOver,
    /// Nothing, or something that flowtrack knows nothing of.
    Off,
}

/// How the packets of an interface come to their shards.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SteeringRow {
    /// What brings both directions of a flow together.
    pub method: Method,
    /// Flows with packets on more than one queue, of one flow in 64.
    pub split_flows: u64,
}

impl Steered {
    fn new(method: Method, workers: usize) -> Self {
        Self {
            method,
            workers,
            flows: SplitFlows::default(),
            _restore: None,
        }
    }

    /// The ends of the workers, if packets are handed over between them.
    pub(super) fn handovers(&self, hasher: &RandomState) -> Vec<Handover> {
        if self.method == Method::HandOver {
            Handover::group(self.workers, hasher)
        } else {
            Vec::new()
        }
    }

    /// Where the workers note which flows they have seen, if there are several.
    pub(super) fn sightings(&mut self) -> Vec<Arc<Sightings>> {
        if self.method == Method::OneQueue {
            return Vec::new();
        }
        let sightings = Sightings::group(self.workers);
        self.flows = SplitFlows::new(sightings.clone());
        sightings
    }

    /// Looks for flows that several workers see, and warns once if that makes wrong records.
    pub(super) fn look(&mut self, config: &AttachConfig) {
        let Some(Split(workers)) = self.flows.look() else {
            return;
        };
        if self.method == Method::HandOver {
            return;
        }
        let [one, other] = workers.map(|worker| config.lanes.get(worker).copied().unwrap_or(0));
        let lane = if config.mode.copies() { "CPU" } else { "queue" };
        log::warn!(
            "packets of one flow of {} arrive on {lane} {one} and on {lane} {other}, and each gives a record of \
             its own: --steering hand-over gives one",
            config.name()
        );
    }

    /// What stands in the ledger.
    pub(super) fn row(&self) -> SteeringRow {
        SteeringRow {
            method: self.method,
            split_flows: self.flows.found(),
        }
    }
}

/// Restores what processes that were killed have left changed.
pub(super) fn restore_leftovers() {
    // Where nothing can be kept, nothing was changed.
    if let Ok(state) = State::here() {
        restore::leftovers(&state, |name| Ethtool(name.to_owned()), index);
    }
}

/// Decides for the workers of `config`, and sets the NIC.
pub(super) fn steer(config: &AttachConfig, wanted: Steering) -> anyhow::Result<Steered> {
    let name = config.name();
    let workers = config.lanes.len();
    let by = |method| Steered::new(method, workers);
    match wanted {
        _ if workers < 2 => Ok(by(Method::OneQueue)),
        Steering::Off => Ok(by(Method::Off)),
        Steering::HandOver => Ok(by(Method::HandOver)),
        Steering::Rss if config.mode.copies() => bail!(
            "in mode {} packets come by their CPU, whatever the RSS of {name}: --steering hand-over brings \
             both directions of a flow together",
            config.mode
        ),
        Steering::Auto if config.mode.copies() => Ok(by(Method::HandOver)),
        Steering::Rss => by_nic(&name, workers).with_context(|| {
            format!("cannot make the RSS of {name} symmetric; --steering hand-over does without")
        }),
        Steering::Auto => Ok(by_nic(&name, workers).unwrap_or_else(|reason| {
            log::info!("{name}: packets are handed over to the queue of their flow: {reason}");
            by(Method::HandOver)
        })),
    }
}

fn by_nic(name: &str, workers: usize) -> Result<Steered, RssError> {
    let nic = Ethtool(name.to_owned());
    let restore = make_symmetric(&nic, |rss| {
        let index = index(name).ok_or(io::ErrorKind::NotFound)?;
        let saved = State::here()?.save(name, index, rss)?;
        Ok(Restore::new(nic.clone(), saved, self::index))
    })?;
    match restore {
        Some(_) => log::info!("RSS of {name} is symmetric until the end: it is restored then"),
        None => log::info!("RSS of {name} is symmetric already"),
    }
    Ok(Steered {
        _restore: restore,
        ..Steered::new(Method::Rss, workers)
    })
}

fn index(name: &str) -> Option<u32> {
    interface::index(name).ok().flatten()
}
