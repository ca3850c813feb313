//! The TCP state machine, through the tracker.

mod conversations;
mod reuse;
mod sequence;

pub(super) use crate::flow::tests::script;
