//! From a flow to its packed form, and back.

use flowtrack_common::{Envelope, FlowKey};

use super::Packed;
use crate::flow::{TrackerConfig, entry::Flow};

impl Packed {
    /// `flow` in short, without key, links and list, or `None` if it does not fit. `envelope` is the
    /// number of its envelope.
    pub(in crate::flow) fn pack(_flow: &Flow, _envelope: u16) -> Option<Self> {
        None
    }

    /// The flow, which has this key and this envelope.
    pub(in crate::flow) fn unpack<K: FlowKey>(
        &self,
        _key: K,
        _envelope: Envelope,
        _config: &TrackerConfig,
    ) -> Option<Flow> {
        None
    }
}
